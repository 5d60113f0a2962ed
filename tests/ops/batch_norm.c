/* SPDX-License-Identifier: MIT */
/* batch_norm.c: one channel after the other, straight from the definition. */
#include <math.h>

#include "check.h"

static void oracle(const check_case *c) {
    int64_t rows = c->dims[0][0], channels = c->dims[0][1];
    const double *x = c->value[0], momentum = c->attribute[1];
    for (int64_t k = 0; k < channels; k++) {
        double mean = 0, variance = 0, *moving = c->value[3];
        for (int64_t r = 0; r < rows; r++)
            mean += x[r * channels + k] / (double)rows;
        for (int64_t r = 0; r < rows; r++)
            variance += pow(x[r * channels + k] - mean, 2) / (double)rows;
        if (c->attribute[0] == 0) {
            mean = moving[k];
            variance = moving[channels + k];
        } else {
            double unbiased = variance * (double)rows / (double)(rows > 1 ? rows - 1 : 1);
            moving[k] = (1 - momentum) * moving[k] + momentum * mean;
            moving[channels + k] = (1 - momentum) * moving[channels + k] + momentum * unbiased;
        }
        double scale = 1 / sqrt(variance + c->attribute[2]);
        c->value[5][k] = mean;
        c->value[5][channels + k] = scale;
        for (int64_t r = 0; r < rows; r++)
            c->value[4][r * channels + k] =
                c->value[1][k] * (x[r * channels + k] - mean) * scale + c->value[2][k];
    }
}

const check_operator check_batch_norm = {oracle};
