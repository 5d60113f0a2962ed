/* SPDX-License-Identifier: MIT */
/* timestep_embedding.c: e = [cos(1000 t f), sin(1000 t f)], f_q = 10000^(-q/half). */
#include <math.h>

#include "check.h"

static void oracle(const check_case *c) {
    const double *t = c->value[0];
    double *e = c->value[1];
    int64_t half = c->dims[1][1] / 2;
    for (int64_t b = 0; b < c->count[0]; b++)
        for (int64_t q = 0; q < half; q++) {
            double angle = 1000 * t[b] * pow(10000, -(double)q / (double)half);
            e[b * 2 * half + q] = cos(angle);
            e[b * 2 * half + half + q] = sin(angle);
        }
}

const check_operator check_timestep_embedding = {oracle};
