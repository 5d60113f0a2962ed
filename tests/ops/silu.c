/* SPDX-License-Identifier: MIT */
/* silu.c: any number of elements. */
#include "check.h"

void check_silu(check *c);
void reference_silu(const check_case *c);

void check_silu(check *c) {
    int64_t dims[] = {check_extent(c, 1, 300), check_extent(c, 1, 80)};
    check_input(c, 0, 4.0, 2, dims);
    check_run(c, reference_silu);
}
