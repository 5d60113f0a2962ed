/* SPDX-License-Identifier: MIT */
/* relu.c: y = max(x, 0) + slope min(x, 0). */
#include <math.h>

#include "check.h"

static void oracle(const check_case *c) {
    for (int64_t i = 0; i < c->count[0]; i++)
        c->value[1][i] = fmax(c->value[0][i], 0) + c->attribute[0] * fmin(c->value[0][i], 0);
}

/* No number is so near to the kink that a difference would step over it. */
static void edges(check *c) {
    for (int64_t i = 0; i < check_count(c, 0); i++)
        if (fabs(check_values(c, 0)[i]) < 1e-3)
            check_values(c, 0)[i] = 0.5;
}

const check_operator check_relu = {oracle, edges};
