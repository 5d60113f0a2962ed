/* SPDX-License-Identifier: MIT */
/* add.c: b repeated over 1 to many rows, and b as large as a. */
#include "check.h"

void check_add(check *c);
void reference_add(const check_case *c);

void check_add(check *c) {
    int64_t many = check_coin(c);
    int64_t dims[] = {check_extent(c, 1, many ? 500 : 5), check_extent(c, 1, 6),
                      check_extent(c, 1, many ? 20 : 1200)};
    int leading = (int)check_extent(c, 0, 2); /* extents of a that b does not have */
    check_input(c, 0, 1.0, 3, dims);
    check_input(c, 1, 1.0, 3 - leading, dims + leading);
    check_terms(c, dims[0] * dims[1]);
    check_run(c, reference_add);
}
