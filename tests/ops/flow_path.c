/* SPDX-License-Identifier: MIT */
/* flow_path.c: x_t = (1 - t) noise + t data, v = data - noise. */
#include "check.h"

static void oracle(const check_case *c) {
    const double *data = c->value[0], *noise = c->value[1], *t = c->value[2];
    int64_t size = c->count[0] / c->count[2];
    for (int64_t i = 0; i < c->count[0]; i++) {
        c->value[3][i] = (1 - t[i / size]) * noise[i] + t[i / size] * data[i];
        c->value[4][i] = data[i] - noise[i];
    }
}

const check_operator check_flow_path = {oracle};
