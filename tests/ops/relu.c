/* SPDX-License-Identifier: MIT */
/* relu.c: nothing so close to the kink that a finite difference steps over it. */
#include <math.h>

#include "check.h"

void check_relu(check *c);
void reference_relu(const check_case *c);

void check_relu(check *c) {
    int64_t dims[] = {check_extent(c, 1, 300), check_extent(c, 1, 40)};
    check_input(c, 0, 2.0, 2, dims);
    for (int64_t i = 0; i < dims[0] * dims[1]; i++)
        if (fabs(check_values(c, 0)[i]) < 1e-3)
            check_values(c, 0)[i] = 0.5;
    check_attribute(c, 0, check_coin(c) ? 0.0 : (double)(float)check_uniform(c, -1.0, 1.0));
    check_run(c, reference_relu);
}
