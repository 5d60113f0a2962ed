/* SPDX-License-Identifier: MIT */
/* residual.c: y[b][n][c] = x[b][n][c] + gate[b][c] m[b][n][c]. */
#include "check.h"

static void oracle(const check_case *c) {
    const double *x = c->value[0], *gate = c->value[1], *m = c->value[2];
    double *y = c->value[3];
    int64_t batch = c->dims[0][0], tokens = c->dims[0][1], channels = c->dims[0][2];
    for (int64_t b = 0; b < batch; b++)
        for (int64_t n = 0; n < tokens; n++)
            for (int64_t k = 0; k < channels; k++) {
                int64_t i = (b * tokens + n) * channels + k;
                y[i] = x[i] + gate[b * channels + k] * m[i];
            }
}

const check_operator check_residual = {oracle};
