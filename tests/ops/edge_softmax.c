/* SPDX-License-Identifier: MIT */
/* edge_softmax.c: straight from the definition, one row and head after the other. */
#include <math.h>

#include "check.h"

static void oracle(const check_case *c) {
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

/* Scores of one node are large enough to overflow where the largest is not taken off. */
static void edges(check *c) {
    double offset = check_coin(c) ? 0.0 : check_uniform(c, -150.0, 150.0);
    for (int64_t h = 0; h < check_drawn(c)->operand[1].dims[1]; h++)
        check_values(c, 1)[h] += floor(64 * offset) / 64;
    check_drawn(c)->condition = offset == 0.0 ? 8.0 : 64.0;
}

const check_operator check_edge_softmax = {oracle, edges};
