/* SPDX-License-Identifier: MIT */
/* grad_norm.c: clipped, not clipped, and with a gradient or a loss that is not a number. */
#include <math.h>

#include "check.h"

void check_grad_norm(check *c);
void reference_grad_norm(const check_case *c);

void check_grad_norm(check *c) {
    int64_t n = check_extent(c, 1, 20000), one = 1, eight = 8;
    check_input(c, 0, check_uniform(c, 0.001, 1.0), 1, &n);
    check_input(c, 1, 1.0, 1, &one);
    check_input(c, 2, 1.0, 1, &eight);
    for (int i = 3; i < 8; i++)
        check_values(c, 2)[i] = (double)check_extent(c, 0, 20);
    if (check_uniform(c, 0, 1) < 0.2)
        check_values(c, 0)[n - 1] = NAN;
    else if (check_uniform(c, 0, 1) < 0.2)
        check_values(c, 1)[0] = NAN;
    check_attribute(c, 0, check_uniform(c, -1, 3));
    check_run(c, reference_grad_norm);
}
