/* SPDX-License-Identifier: MIT */
/* grad_norm.c: the state of the optimiser: norm, factor, ok, bad in a row, bad, losses, good, loss.
 */
#include <math.h>

#include "check.h"

static void oracle(const check_case *c) {
    double clip = c->attribute[0], loss = c->value[1][0], *state = c->value[2], norm = 0;
    for (int64_t i = 0; i < c->count[0]; i++)
        norm += c->value[0][i] * c->value[0][i];
    norm = sqrt(norm);
    state[0] = norm;
    state[7] = loss;
    if (isfinite(norm) && isfinite(loss)) {
        state[1] = clip <= 0 || norm <= clip ? 1 : clip / norm;
        state[2] = 1;
        state[3] = 0;
        state[5] += loss;
        state[6] += 1;
    } else {
        state[1] = 0;
        state[2] = 0;
        state[3] += 1;
        state[4] += 1;
    }
}

/* A gradient or a loss that is no number: the step does not count. */
static void edges(check *c) {
    if (check_uniform(c, 0, 1) < 0.2)
        check_values(c, 0)[check_count(c, 0) - 1] = NAN;
    else if (check_uniform(c, 0, 1) < 0.2)
        check_values(c, 1)[0] = NAN;
}

const check_operator check_grad_norm = {oracle, edges};
