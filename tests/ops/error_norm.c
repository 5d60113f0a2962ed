/* SPDX-License-Identifier: MIT */
/* error_norm.c: root mean square of e / (atol + rtol max(|x|, |y|)). */
#include <math.h>

#include "check.h"

static void oracle(const check_case *c) {
    double sum = 0;
    for (int64_t i = 0; i < c->count[0]; i++) {
        double size = fmax(fabs(c->value[1][i]), fabs(c->value[2][i]));
        double q = c->value[0][i] / (c->attribute[0] + c->attribute[1] * size);
        sum += q * q;
    }
    c->value[3][0] = sqrt(sum / (double)c->count[0]);
}

const check_operator check_error_norm = {oracle};
