/* SPDX-License-Identifier: MIT */
/* depthwise_conv.c: y[b,i,j,c] = bias[c] + sum over p, q of weight[c,p,q] u[b,i+p-1,j+q-1,c]. */
#include "check.h"

static void oracle(const check_case *k) {
    const double *u = k->value[0], *weight = k->value[1], *bias = k->value[2];
    int64_t h = k->dims[0][1], w = k->dims[0][2], channels = k->dims[0][3];
    for (int64_t at = 0; at < k->count[0]; at++) {
        int64_t c = at % channels, j = at / channels % w, i = at / channels / w % h;
        double sum = bias ? bias[c] : 0;
        for (int64_t p = 0; p < 3; p++)
            for (int64_t q = 0; q < 3; q++) {
                int64_t y = i + p - 1, x = j + q - 1;
                if (y >= 0 && y < h && x >= 0 && x < w)
                    sum += weight[c * 9 + p * 3 + q] * u[at + ((p - 1) * w + q - 1) * channels];
            }
        k->value[3][at] = sum;
    }
}

const check_operator check_depthwise_conv = {oracle};
