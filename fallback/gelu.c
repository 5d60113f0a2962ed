/* SPDX-License-Identifier: MIT */
/* gelu.c: y = x/2 (1 + tanh(q)), q = sqrt(2/pi) (x + 0.044715 x^3). */
#include "elementwise.h"
#include "fallback.h"

/* With s = sigmoid(2q): y = x s, and dy/dx = s + x s (1 - s) 2q'. */
static const float Q1 = 1.5957691216f; /* 2 sqrt(2/pi) */
static const float Q3 = 1.5957691216f * 0.044715f;

struct gelu {
    const float *x, *dy;
    float *out;
    int add;
};

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct gelu *g = argument;
    const float *restrict x = g->x;
    float *restrict y = g->out;
    for (int64_t i = begin; i < end; i++)
        y[i] = x[i] * sigmoid_fast(x[i] * (Q1 + Q3 * x[i] * x[i]));
}

static void backward(void *argument, int64_t begin, int64_t end) {
    const struct gelu *g = argument;
    const float *restrict x = g->x, *restrict dy = g->dy;
    float *restrict dx = g->out;
    for (int64_t i = begin; i < end; i++) {
        float square = x[i] * x[i];
        float s = sigmoid_fast(x[i] * (Q1 + Q3 * square));
        float slope = s + x[i] * s * (1.0f - s) * (Q1 + 3.0f * Q3 * square);
        dx[i] = (g->add ? dx[i] : 0.0f) + dy[i] * slope;
    }
}

void FALLBACK(gelu_forward)(pdessm_pool *pool, int64_t n, const float *x, float *y) {
    for_range(pool, n, forward, &(struct gelu){.x = x, .out = y});
}

void FALLBACK(gelu_backward)(pdessm_pool *pool, int64_t n, const float *x, const float *dy,
                             float *dx, int add) {
    for_range(pool, n, backward, &(struct gelu){.x = x, .dy = dy, .out = dx, .add = add});
}
