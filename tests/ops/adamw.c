/* SPDX-License-Identifier: MIT */
/* adamw.c: Adam with decoupled decay as Loshchilov and Hutter write it. */
#include <math.h>

#include "check.h"

static void oracle(const check_case *c) {
    double *p = c->value[0], *m = c->value[2], *v = c->value[3];
    const double *g = c->value[1], *state = c->value[4], *a = c->attribute;
    double rate = a[0], beta1 = a[1], beta2 = a[2], epsilon = a[3], decay = a[4], step = a[5];
    for (int64_t i = 0; state[2] != 0 && i < c->count[0]; i++) {
        double d = g[i] * state[1];
        m[i] = beta1 * m[i] + (1 - beta1) * d;
        v[i] = beta2 * v[i] + (1 - beta2) * d * d;
        double first = m[i] / (1 - pow(beta1, step)), second = v[i] / (1 - pow(beta2, step));
        p[i] -= rate * (first / (sqrt(second) + epsilon) + decay * p[i]);
    }
}

const check_operator check_adamw = {oracle};
