/* SPDX-License-Identifier: MIT */
/* head_dot.c: the sum, term by term. */
#include "check.h"

static void oracle(const check_case *c) {
    int64_t channels = c->dims[0][1], heads = c->dims[1][0], width = c->dims[1][1];
    for (int64_t i = 0; i < c->count[0]; i++) {
        int64_t row = i / channels, channel = i % channels;
        c->value[2][row * heads + channel / width] += c->value[1][channel] * c->value[0][i];
    }
}

const check_operator check_head_dot = {oracle};
