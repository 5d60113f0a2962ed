/* SPDX-License-Identifier: MIT */
/* linear.c: y [parts, m, n/parts] = x [m, k] weight^T [k, n] + bias [n]. */
#include "check.h"

static void oracle(const check_case *c) {
    const double *x = c->value[0], *weight = c->value[1], *bias = c->value[2];
    double *y = c->value[3];
    int64_t n = c->dims[1][0], k = c->dims[1][1], m = c->count[0] / k;
    int64_t width = c->attribute[0] > 1 ? n / (int64_t)c->attribute[0] : n;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = bias ? bias[j] : 0;
            for (int64_t t = 0; t < k; t++)
                sum += x[i * k + t] * weight[j * k + t];
            y[(j / width * m + i) * width + j % width] = sum;
        }
}

const check_operator check_linear = {oracle};
