/* SPDX-License-Identifier: MIT */
/* patchify.c: a patch is flattened as (channel, y, x). */
#include "check.h"

static void oracle(const check_case *c) {
    const double *image = c->value[0];
    double *patches = c->value[1];
    int64_t batch = c->dims[0][0], channels = c->dims[0][1];
    int64_t height = c->dims[0][2], width = c->dims[0][3], p = (int64_t)c->attribute[0];
    int64_t rows = height / p, columns = width / p;
    for (int64_t b = 0; b < batch; b++)
        for (int64_t k = 0; k < channels; k++)
            for (int64_t y = 0; y < height; y++)
                for (int64_t x = 0; x < width; x++) {
                    int64_t token = (b * rows + y / p) * columns + x / p;
                    int64_t within = (k * p + y % p) * p + x % p;
                    int64_t pixel = ((b * channels + k) * height + y) * width + x;
                    patches[token * channels * p * p + within] = image[pixel];
                }
}

const check_operator check_patchify = {oracle};
