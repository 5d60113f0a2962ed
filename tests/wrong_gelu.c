/* SPDX-License-Identifier: MIT */
/* wrong_gelu.c: an oracle that is off by a ten-thousandth for large x only: the harness has to see
 * it, or it sees nothing. Stands in for ops/gelu.c. */
#include <math.h>

#include "check.h"

static void oracle(const check_case *c) {
    const double *x = c->value[0];
    for (int64_t i = 0; i < c->count[0]; i++) {
        double u = sqrt(2 / 3.14159265358979323846) * (x[i] + 0.044715 * x[i] * x[i] * x[i]);
        c->value[1][i] = 0.5 * x[i] * (1 + tanh(u)) * (x[i] > 3 ? 1.0001 : 1);
    }
}

const check_operator check_gelu = {oracle};
