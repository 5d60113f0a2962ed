/* SPDX-License-Identifier: MIT */
/* ema.c: average = decay average + (1 - decay) parameter, unless state[2] calls the step bad. */
#include "elementwise.h"
#include "fallback.h"

struct ema {
    float decay, rest;
    const float *parameter;
    float *average;
};

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct ema *g = argument;
    const float *restrict p = g->parameter;
    float *restrict average = g->average;
    for (int64_t i = begin; i < end; i++)
        average[i] = g->decay * average[i] + g->rest * p[i];
}

void FALLBACK(ema_forward)(pdessm_pool *pool, int64_t n, double decay, const float *parameter,
                           const float *state, float *average) {
    if (state[2] == 0.0f)
        return;
    struct ema g = {.decay = (float)decay,
                    .rest = (float)(1.0 - decay),
                    .parameter = parameter,
                    .average = average};
    for_range(pool, n, forward, &g);
}
