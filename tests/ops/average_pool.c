/* SPDX-License-Identifier: MIT */
/* average_pool.c: y[b,c,i,j] = gain / 4 times the sum of u[b,c,2i+p,2j+q] over p, q in {0, 1}. */
#include "check.h"

static void oracle(const check_case *k) {
    const int64_t *u = k->dims[0], *y = k->dims[1];
    for (int64_t at = 0; at < k->count[1]; at++) {
        int64_t j = at % y[3], i = at / y[3] % y[2], image = at / y[3] / y[2];
        double sum = 0;
        for (int p = 0; p < 2; p++)
            for (int q = 0; q < 2; q++)
                sum += k->value[0][(image * u[2] + 2 * i + p) * u[3] + 2 * j + q];
        k->value[1][at] = k->attribute[0] * sum / 4;
    }
}

const check_operator check_average_pool = {oracle};
