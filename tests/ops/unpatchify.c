/* SPDX-License-Identifier: MIT */
/* unpatchify.c: a patch is flattened as (y, x, channel). */
#include "check.h"

static void oracle(const check_case *c) {
    const double *tokens = c->value[0];
    double *image = c->value[1];
    int64_t p = (int64_t)c->attribute[0], height = (int64_t)c->attribute[1];
    int64_t width = (int64_t)c->attribute[2];
    int64_t batch = c->dims[0][0], channels = c->dims[0][2] / (p * p);
    int64_t rows = height / p, columns = width / p;
    for (int64_t b = 0; b < batch; b++)
        for (int64_t k = 0; k < channels; k++)
            for (int64_t y = 0; y < height; y++)
                for (int64_t x = 0; x < width; x++) {
                    int64_t token = (b * rows + y / p) * columns + x / p;
                    int64_t within = (y % p * p + x % p) * channels + k;
                    int64_t pixel = ((b * channels + k) * height + y) * width + x;
                    image[pixel] = tokens[token * channels * p * p + within];
                }
}

const check_operator check_unpatchify = {oracle};
