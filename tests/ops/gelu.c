/* SPDX-License-Identifier: MIT */
/* gelu.c: any number of elements. */
#include "check.h"

void check_gelu(check *c);
void reference_gelu(const check_case *c);

void check_gelu(check *c) {
    int64_t dims[] = {check_extent(c, 1, 300), check_extent(c, 1, 80)};
    check_input(c, 0, 2.0, 2, dims);
    check_run(c, reference_gelu);
}
