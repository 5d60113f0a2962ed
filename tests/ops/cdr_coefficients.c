/* SPDX-License-Identifier: MIT */
/* cdr_coefficients.c: K = L L^T + eps I, b = b_max tanh(beta), r = -softplus(rho); lengths in
 * units of the domain's side. */
#include <math.h>

#include "check.h"

static double softplus(double x) {
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

static void oracle(const check_case *k) {
    const double eps = 0.1 / 16 * 0.1 / 16 / 2, side = k->attribute[1] != 0 ? k->attribute[1] : 1;
    for (int64_t i = 0; i < k->count[2]; i++) {
        const double *l = k->value[0] + 3 * i;
        double lower[2][2] = {{softplus(l[0]), 0}, {l[1], softplus(l[2])}};
        for (int a = 0, at = 0; a < 2; a++)
            for (int b = a; b < 2; b++, at++)
                k->value[3][3 * i + at] =
                    (lower[a][0] * lower[b][0] + lower[a][1] * lower[b][1] + (a == b ? eps : 0)) /
                    (side * side);
        k->value[5][i] = -softplus(k->value[2][i]);
    }
    for (int64_t i = 0; i < k->count[1]; i++)
        k->value[4][i] = k->attribute[0] / side * tanh(k->value[1][i]);
}

const check_operator check_cdr_coefficients = {oracle};
