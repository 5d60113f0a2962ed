/* SPDX-License-Identifier: MIT */
/* head_dot.c: few rows and many, heads of one channel and of many. */
#include "check.h"

void check_head_dot(check *c);
void reference_head_dot(const check_case *c);

void check_head_dot(check *c) {
    int64_t rows = check_extent(c, 1, 500), heads = check_extent(c, 1, 5);
    int64_t width = check_extent(c, 1, 70);
    check_input(c, 0, 1.0, 2, (int64_t[]){rows, heads * width});
    check_input(c, 1, 1.0, 2, (int64_t[]){heads, width});
    check_terms(c, rows > width ? rows : width);
    check_run(c, reference_head_dot);
}
