/* SPDX-License-Identifier: MIT */
/* residual.c: many tokens or many channels, so that rows and columns are cut into pieces. */
#include "check.h"

void check_residual(check *c);
void reference_residual(const check_case *c);

void check_residual(check *c) {
    int64_t many = check_coin(c);
    int64_t b = check_extent(c, 1, 4), n = check_extent(c, 1, many ? 400 : 20);
    int64_t channels = check_extent(c, 1, many ? 40 : 1500);
    check_input(c, 0, 1.0, 3, (int64_t[]){b, n, channels});
    check_input(c, 1, 1.0, 2, (int64_t[]){b, channels});
    check_input(c, 2, 1.0, 3, (int64_t[]){b, n, channels});
    check_terms(c, n);
    check_run(c, reference_residual);
}
