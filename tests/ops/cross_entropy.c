/* SPDX-License-Identifier: MIT */
/* cross_entropy.c: -sum_k q_k log p_k, its mean over the samples whose label is a class. */
#include <math.h>

#include "check.h"

static void oracle(const check_case *c) {
    int64_t batch = c->dims[0][0], classes = c->dims[0][1], counted = 0;
    double smoothing = c->attribute[0], *stats = c->value[3];
    for (int64_t b = 0; b < batch; b++)
        counted += c->value[1][b] >= 0 && c->value[1][b] < (double)classes;
    for (int64_t b = 0; b < batch; b++) {
        const double *x = c->value[0] + b * classes, label = c->value[1][b];
        double top = x[0], sum = 0, loss = 0;
        for (int64_t k = 0; k < classes; k++)
            top = fmax(top, x[k]);
        for (int64_t k = 0; k < classes; k++)
            sum += exp(x[k] - top);
        for (int64_t k = 0; k < classes; k++) {
            double q = smoothing / (double)classes + (label == (double)k ? 1 - smoothing : 0);
            loss -= q * (x[k] - top - log(sum));
        }
        stats[2 * b] = top + log(sum);
        if (label >= 0 && label < (double)classes) {
            stats[2 * b + 1] = 1.0 / (double)counted;
            c->value[2][0] += loss / (double)counted;
        }
    }
}

const check_operator check_cross_entropy = {oracle};
