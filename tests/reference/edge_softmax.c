/* SPDX-License-Identifier: MIT */
/* edge_softmax.c: straight from the definition, one row and head after the other. */
#include <math.h>

#include "check.h"

void reference_edge_softmax(const check_case *c);

void reference_edge_softmax(const check_case *c) {
    int64_t nodes = c->dims[0][0], heads = c->dims[0][1];
    const double *start = c->value[2], *column = c->value[3];
    for (int64_t i = 0; i < nodes; i++)
        for (int64_t h = 0; h < heads; h++) {
            double *y = c->value[5] + h, top = -INFINITY, sum = 0;
            for (int64_t e = (int64_t)start[i]; e < (int64_t)start[i + 1]; e++) {
                double z = c->value[0][i * heads + h] + c->value[1][(int64_t)column[e] * heads + h];
                y[e * heads] = fmax(z, 0) + c->attribute[0] * fmin(z, 0);
                top = fmax(top, y[e * heads]);
            }
            for (int64_t e = (int64_t)start[i]; e < (int64_t)start[i + 1]; e++)
                sum += exp(y[e * heads] - top);
            for (int64_t e = (int64_t)start[i]; e < (int64_t)start[i + 1]; e++)
                y[e * heads] = exp(y[e * heads] - top) / sum;
        }
}
