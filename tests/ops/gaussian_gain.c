/* SPDX-License-Identifier: MIT */
/* gaussian_gain.c: times in [0, 1], its ends and its middle among them. */
#include "check.h"

void check_gaussian_gain(check *c);
void reference_gaussian_gain(const check_case *c);

void check_gaussian_gain(check *c) {
    int64_t batch = check_extent(c, 1, 100);
    check_input(c, 0, 1.0, 1, &batch);
    double *t = check_values(c, 0);
    for (int64_t b = 0; b < batch; b++)
        t[b] = (double)(float)check_uniform(c, 0, 1);
    t[0] = check_coin(c) ? 0.5 : check_coin(c);
    check_attribute(c, 0, (double)check_extent(c, 1, 300));
    check_run(c, reference_gaussian_gain);
}
