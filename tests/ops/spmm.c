/* SPDX-License-Identifier: MIT */
/* spmm.c: the matrix written out in full, [heads, nodes, nodes], times x. */
#include <stdlib.h>

#include "check.h"

static void oracle(const check_case *c) {
    int64_t nodes = c->dims[0][0], channels = c->dims[0][1];
    int64_t heads = c->value[1] && c->rank[1] == 2 ? c->dims[1][1] : 1;
    const double *start = c->value[2], *column = c->value[3];
    double *a = calloc((size_t)(heads * nodes * nodes), sizeof *a);
    for (int64_t h = 0; h < heads; h++)
        for (int64_t i = 0; i < nodes; i++)
            for (int64_t e = (int64_t)start[i]; e < (int64_t)start[i + 1]; e++)
                a[(h * nodes + i) * nodes + (int64_t)column[e]] +=
                    c->value[1] ? c->value[1][e * heads + h] : 1;
    for (int64_t i = 0; i < nodes; i++)
        for (int64_t k = 0; k < channels; k++) {
            int64_t h = k / (channels / heads);
            for (int64_t j = 0; j < nodes; j++)
                c->value[5][i * channels + k] +=
                    a[(h * nodes + i) * nodes + j] * c->value[0][j * channels + k];
        }
    free(a);
}

const check_operator check_spmm = {oracle};
