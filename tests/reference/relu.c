/* SPDX-License-Identifier: MIT */
/* relu.c: y = max(x, 0) + slope min(x, 0). */
#include <math.h>

#include "check.h"

void reference_relu(const check_case *c);

void reference_relu(const check_case *c) {
    for (int64_t i = 0; i < c->count[0]; i++)
        c->value[1][i] = fmax(c->value[0][i], 0) + c->attribute[0] * fmin(c->value[0][i], 0);
}
