/* SPDX-License-Identifier: MIT */
/* layer_norm.c: y = (x - mean) / sqrt(variance + 1e-6) (1 + scale[b]) + shift[b]. */
#include <math.h>

#include "check.h"

static void oracle(const check_case *c) {
    const double *x = c->value[0], *shift = c->value[1], *scale = c->value[2];
    double *y = c->value[3], *stats = c->value[4];
    int64_t channels = c->dims[0][c->rank[0] - 1], rows = c->count[0] / channels;
    int64_t tokens = c->rank[0] == 3 ? c->dims[0][1] : rows;
    for (int64_t r = 0; r < rows; r++) {
        double mean = 0, variance = 0;
        for (int64_t k = 0; k < channels; k++)
            mean += x[r * channels + k] / (double)channels;
        for (int64_t k = 0; k < channels; k++)
            variance += pow(x[r * channels + k] - mean, 2) / (double)channels;
        stats[2 * r] = mean;
        stats[2 * r + 1] = 1 / sqrt(variance + 1e-6);
        for (int64_t k = 0; k < channels; k++) {
            int64_t i = r * channels + k, j = r / tokens * channels + k;
            y[i] = (x[i] - mean) * stats[2 * r + 1];
            if (scale)
                y[i] = y[i] * (1 + scale[j]) + shift[j];
        }
    }
}

const check_operator check_layer_norm = {oracle};
