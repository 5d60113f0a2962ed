/* SPDX-License-Identifier: MIT */
/* batch_norm.c: channels far from zero, rows few and many, training and not. */
#include <math.h>

#include "check.h"

void check_batch_norm(check *c);
void reference_batch_norm(const check_case *c);

void check_batch_norm(check *c) {
    int training = check_coin(c);
    /* With two rows everything that comes back cancels, and with one it is zero. */
    int64_t rows = check_extent(c, training ? 5 : 1, 400), channels = check_extent(c, 1, 200);
    double offset = check_coin(c) ? 0.0 : check_uniform(c, -30.0, 30.0);
    check_input(c, 0, 2.0, 2, (int64_t[]){rows, channels});
    for (int64_t i = 0; i < rows * channels; i++)
        check_values(c, 0)[i] = (double)(float)(check_values(c, 0)[i] + offset);
    check_input(c, 1, 1.0, 1, &channels);
    check_input(c, 2, 1.0, 1, &channels);
    check_input(c, 3, 1.0, 2, (int64_t[]){2, channels});
    for (int64_t i = 0; i < channels; i++)
        check_values(c, 3)[channels + i] = fabs(check_values(c, 3)[channels + i]) + 0.25;
    check_attribute(c, 0, training);
    check_attribute(c, 1, check_uniform(c, 0.0, 1.0));
    check_attribute(c, 2, check_coin(c) ? 1e-5 : check_uniform(c, 0.01, 0.5));
    check_terms(c, rows);
    check_condition(c, offset == 0.0 ? 8.0 : 64.0);
    check_run(c, reference_batch_norm);
}
