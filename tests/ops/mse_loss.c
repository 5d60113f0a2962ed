/* SPDX-License-Identifier: MIT */
/* mse_loss.c: from one element to several pieces. */
#include "check.h"

void check_mse_loss(check *c);
void reference_mse_loss(const check_case *c);

void check_mse_loss(check *c) {
    int64_t dims[] = {check_extent(c, 1, 5), check_extent(c, 1, 3), check_extent(c, 1, 600)};
    check_input(c, 0, 2.0, 3, dims);
    check_input(c, 1, 2.0, 3, dims);
    check_run(c, reference_mse_loss);
}
