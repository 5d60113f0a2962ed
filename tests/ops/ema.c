/* SPDX-License-Identifier: MIT */
/* ema.c: a step that counts and one that does not. */
#include "check.h"

void check_ema(check *c);
void reference_ema(const check_case *c);

void check_ema(check *c) {
    int64_t n = check_extent(c, 1, 20000), eight = 8;
    check_input(c, 0, 1.0, 1, &n);
    check_input(c, 1, 1.0, 1, &n);
    check_input(c, 2, 1.0, 1, &eight);
    check_values(c, 2)[2] = check_uniform(c, 0, 1) < 0.8;
    check_attribute(c, 0, check_uniform(c, 0, 1));
    check_run(c, reference_ema);
}
