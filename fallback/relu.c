/* SPDX-License-Identifier: MIT */
/* relu.c: y = x where x is positive, else slope x. */
#include "elementwise.h"
#include "fallback.h"

struct relu {
    const float *x, *dy;
    float *out;
    float slope;
    int add;
};

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct relu *g = argument;
    const float *restrict x = g->x;
    float *restrict y = g->out, slope = g->slope;
    for (int64_t i = begin; i < end; i++)
        y[i] = x[i] > 0.0f ? x[i] : slope * x[i];
}

static void backward(void *argument, int64_t begin, int64_t end) {
    const struct relu *g = argument;
    const float *restrict x = g->x, *restrict dy = g->dy;
    float *restrict dx = g->out, slope = g->slope;
    for (int64_t i = begin; i < end; i++)
        dx[i] = (g->add ? dx[i] : 0.0f) + (x[i] > 0.0f ? dy[i] : slope * dy[i]);
}

void FALLBACK(relu_forward)(pdessm_pool *pool, int64_t n, float slope, const float *x, float *y) {
    for_range(pool, n, forward, &(struct relu){.x = x, .out = y, .slope = slope});
}

void FALLBACK(relu_backward)(pdessm_pool *pool, int64_t n, float slope, const float *x,
                             const float *dy, float *dx, int add) {
    for_range(pool, n, backward,
              &(struct relu){.x = x, .dy = dy, .out = dx, .slope = slope, .add = add});
}
