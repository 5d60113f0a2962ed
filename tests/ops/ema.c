/* SPDX-License-Identifier: MIT */
/* ema.c: average = decay average + (1 - decay) parameter, if ok. */
#include "check.h"

static void oracle(const check_case *c) {
    double decay = c->attribute[0], *average = c->value[0];
    for (int64_t i = 0; c->value[2][2] != 0 && i < c->count[0]; i++)
        average[i] = decay * average[i] + (1 - decay) * c->value[1][i];
}

const check_operator check_ema = {oracle};
