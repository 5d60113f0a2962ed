/* SPDX-License-Identifier: MIT */
/* corner.c: y[b,i,j,c] = u[b,i,j,c] where u has such an element, else 0. */
#include "check.h"

static void oracle(const check_case *k) {
    const int64_t *u = k->dims[0], *y = k->dims[1];
    for (int64_t at = 0; at < k->count[1]; at++) {
        int64_t c = at % y[3], j = at / y[3] % y[2], i = at / y[3] / y[2] % y[1];
        int64_t b = at / y[3] / y[2] / y[1];
        if (i < u[1] && j < u[2])
            k->value[1][at] = k->value[0][((b * u[1] + i) * u[2] + j) * u[3] + c];
    }
}

const check_operator check_corner = {oracle};
