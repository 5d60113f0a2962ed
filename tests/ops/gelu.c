/* SPDX-License-Identifier: MIT */
/* gelu.c: y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
#include <math.h>

#include "check.h"

static void oracle(const check_case *c) {
    const double *x = c->value[0];
    double *y = c->value[1];
    for (int64_t i = 0; i < c->count[0]; i++)
        y[i] =
            x[i] / 2 *
            (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x[i] + 0.044715 * x[i] * x[i] * x[i])));
}

const check_operator check_gelu = {oracle};
