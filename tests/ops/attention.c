/* SPDX-License-Identifier: MIT */
/* attention.c: y = softmax(q k^T / sqrt(D)) v for each head of each image. */
#include <math.h>

#include "check.h"

/* Query i of one head; k and v begin at their channel offsets in rows of 3 C. */
static void attend(const double *qkv, int64_t n, int64_t channels, int64_t first, int64_t width,
                   int64_t i, double *y, double *lse) {
    const double *q = qkv + i * 3 * channels + first;
    double sum = 0, largest = -INFINITY;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t j = 0; j < n; j++) {
            const double *k = qkv + j * 3 * channels + channels + first, *v = k + channels;
            double score = 0;
            for (int64_t d = 0; d < width; d++)
                score += q[d] * k[d] / sqrt((double)width);
            if (pass == 0) {
                largest = fmax(largest, score);
                continue;
            }
            sum += exp(score - largest);
            for (int64_t d = 0; d < width; d++)
                y[d] += exp(score - largest) * v[d];
        }
    for (int64_t d = 0; d < width; d++)
        y[d] /= sum;
    *lse = largest + log(sum);
}

static void oracle(const check_case *c) {
    int64_t batch = c->dims[0][0], n = c->dims[0][1], channels = c->dims[0][2] / 3;
    int64_t heads = (int64_t)c->attribute[0], width = channels / heads;
    for (int64_t b = 0; b < batch; b++)
        for (int64_t h = 0; h < heads; h++)
            for (int64_t i = 0; i < n; i++)
                attend(c->value[0] + b * n * 3 * channels, n, channels, h * width, width, i,
                       c->value[1] + (b * n + i) * channels + h * width,
                       c->value[2] + (b * heads + h) * n + i);
}

const check_operator check_attention = {oracle};
