/* SPDX-License-Identifier: MIT */
/* add.c: y[r][i] = a[r][i] + b[i]. */
#include "check.h"

static void oracle(const check_case *c) {
    const double *a = c->value[0], *b = c->value[1];
    double *y = c->value[2];
    for (int64_t i = 0; i < c->count[0]; i++)
        y[i] = a[i] + b[i % c->count[1]];
}

const check_operator check_add = {oracle};
