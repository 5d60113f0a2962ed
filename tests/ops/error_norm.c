/* SPDX-License-Identifier: MIT */
/* error_norm.c: tolerances of either kind alone and together. */
#include "check.h"

void check_error_norm(check *c);
void reference_error_norm(const check_case *c);

void check_error_norm(check *c) {
    int64_t dims[] = {check_extent(c, 1, 20), check_extent(c, 1, 900)};
    for (int i = 0; i < 3; i++)
        check_input(c, i, i == 0 ? 1e-4 : 1.0, 2, dims);
    int kind = (int)check_extent(c, 0, 2);
    check_attribute(c, 0, kind == 1 ? 0.0 : check_uniform(c, 1e-6, 1e-4));
    check_attribute(c, 1, kind == 0 ? 0.0 : check_uniform(c, 1e-6, 1e-4));
    check_run(c, reference_error_norm);
}
