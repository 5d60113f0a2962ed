/* SPDX-License-Identifier: MIT */
/* combine.c: any of the seven terms. */
#include "check.h"

void check_combine(check *c);
void reference_combine(const check_case *c);

void check_combine(check *c) {
    int64_t dims[] = {check_extent(c, 1, 300), check_extent(c, 1, 80)};
    check_input(c, 0, 1.0, 2, dims);
    for (int j = 0; j < 7; j++)
        if (check_coin(c)) {
            check_input(c, 1 + j, 1.0, 2, dims);
            check_attribute(c, j, check_uniform(c, -1, 1));
        }
    check_run(c, reference_combine);
}
