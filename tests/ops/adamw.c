/* SPDX-License-Identifier: MIT */
/* adamw.c: early and late steps, with and without decay, and a step that does not count. */
#include <math.h>

#include "check.h"

void check_adamw(check *c);
void reference_adamw(const check_case *c);

void check_adamw(check *c) {
    int64_t n = check_extent(c, 1, 20000), eight = 8;
    for (int i = 0; i < 4; i++)
        check_input(c, i, 1.0, 1, &n);
    for (int64_t i = 0; i < n; i++)
        check_values(c, 3)[i] = fabs(check_values(c, 3)[i]);
    check_input(c, 4, 1.0, 1, &eight);
    check_values(c, 4)[1] = (double)(float)check_uniform(c, 0, 1);
    check_values(c, 4)[2] = check_uniform(c, 0, 1) < 0.8;
    check_attribute(c, 0, check_uniform(c, 0.1, 1.0));
    check_attribute(c, 1, 0.9);
    check_attribute(c, 2, 0.999);
    check_attribute(c, 3, 1e-8);
    check_attribute(c, 4, check_coin(c) ? 0.0 : 0.1);
    check_attribute(c, 5, (double)check_extent(c, 1, 3000));
    /* A few parameters may all cancel against their steps. */
    check_condition(c, n < 16 ? 100.0 : 4.0);
    check_run(c, reference_adamw);
}
