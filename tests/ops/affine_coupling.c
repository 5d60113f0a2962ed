/* SPDX-License-Identifier: MIT */
/* affine_coupling.c: any number of elements, both directions. */
#include <math.h>

#include "check.h"

void check_affine_coupling(check *c);
void reference_affine_coupling(const check_case *c);

void check_affine_coupling(check *c) {
    int64_t dims[] = {2, check_extent(c, 1, 200), check_extent(c, 1, 60)};
    double bound = check_uniform(c, 0.3, 2);
    check_input(c, 0, 1.0, 2, dims + 1);
    check_input(c, 1, 1.5, 3, dims);
    check_attribute(c, 0, bound);
    check_attribute(c, 1, check_coin(c));
    check_condition(c, exp(bound)); /* what is rounded before it is stretched */
    check_run(c, reference_affine_coupling);
}
