/* SPDX-License-Identifier: MIT */
/* silu.c: y = x s, s = sigmoid(x); dy/dx = s + x s (1 - s). */
#include "elementwise.h"
#include "fallback.h"

struct silu {
    const float *x, *dy;
    float *out;
    int add;
};

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct silu *g = argument;
    const float *restrict x = g->x;
    float *restrict y = g->out;
    for (int64_t i = begin; i < end; i++)
        y[i] = x[i] * sigmoid_fast(x[i]);
}

static void backward(void *argument, int64_t begin, int64_t end) {
    const struct silu *g = argument;
    const float *restrict x = g->x, *restrict dy = g->dy;
    float *restrict dx = g->out;
    for (int64_t i = begin; i < end; i++) {
        float s = sigmoid_fast(x[i]);
        dx[i] = (g->add ? dx[i] : 0.0f) + dy[i] * (s + x[i] * s * (1.0f - s));
    }
}

void FALLBACK(silu_forward)(pdessm_pool *pool, int64_t n, const float *x, float *y) {
    for_range(pool, n, forward, &(struct silu){.x = x, .out = y});
}

void FALLBACK(silu_backward)(pdessm_pool *pool, int64_t n, const float *x, const float *dy,
                             float *dx, int add) {
    for_range(pool, n, backward, &(struct silu){.x = x, .dy = dy, .out = dx, .add = add});
}
