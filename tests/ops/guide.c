/* SPDX-License-Identifier: MIT */
/* guide.c: scales on both sides of 1. */
#include "check.h"

void check_guide(check *c);
void reference_guide(const check_case *c);

void check_guide(check *c) {
    check_input(
        c, 0, 1.0, 3,
        (int64_t[]){2 * check_extent(c, 1, 8), check_extent(c, 1, 3), check_extent(c, 1, 900)});
    check_attribute(c, 0, check_uniform(c, 0, 4));
    check_run(c, reference_guide);
}
