/* SPDX-License-Identifier: MIT */
/* flow_path.c: samples of any size, times at the ends and between. */
#include "check.h"

void check_flow_path(check *c);
void reference_flow_path(const check_case *c);

void check_flow_path(check *c) {
    int64_t dims[] = {check_extent(c, 1, 20), check_extent(c, 1, 3), check_extent(c, 1, 700)};
    check_input(c, 0, 1.0, 3, dims);
    check_input(c, 1, 1.0, 3, dims);
    check_input(c, 2, 1.0, 1, dims);
    double *t = check_values(c, 2);
    for (int64_t b = 0; b < dims[0]; b++)
        t[b] = (double)(float)check_uniform(c, 0, 1);
    t[0] = check_coin(c);
    check_run(c, reference_flow_path);
}
