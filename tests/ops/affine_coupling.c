/* SPDX-License-Identifier: MIT */
/* affine_coupling.c: s = bound tanh(r), y = x e^s + t or (x - t) e^-s. */
#include <math.h>

#include "check.h"

static void oracle(const check_case *c) {
    const double *x = c->value[0], *r = c->value[1], *t = c->value[1] + c->count[0];
    for (int64_t i = 0; i < c->count[0]; i++) {
        double s = c->attribute[0] * tanh(r[i]);
        c->value[2][i] = c->attribute[1] != 0 ? (x[i] - t[i]) * exp(-s) : x[i] * exp(s) + t[i];
        c->value[3][i] = s;
    }
}

const check_operator check_affine_coupling = {oracle};
