/* SPDX-License-Identifier: MIT */
/* mse_loss.c: the mean of (p - t)^2 over all elements, summed in double. */
#include "elementwise.h"
#include "fallback.h"

struct loss {
    const float *p, *t;
    float *dp, *dt;
    float factor; /* 2/n times the gradient of the loss */
    int add_p, add_t;
};

static double squares(void *argument, int64_t begin, int64_t end) {
    const struct loss *g = argument;
    const float *restrict p = g->p, *restrict t = g->t;
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = begin; i < end; i++) {
        double d = (double)(p[i] - t[i]);
        sum += d * d;
    }
    return sum;
}

static void difference(int64_t n, float factor, const float *restrict p, const float *restrict t,
                       float *restrict out, int add) {
    for (int64_t i = 0; i < n; i++)
        out[i] = (add ? out[i] : 0.0f) + factor * (p[i] - t[i]);
}

static void backward(void *argument, int64_t begin, int64_t end) {
    const struct loss *g = argument;
    const float *p = g->p + begin, *t = g->t + begin;
    if (g->dp)
        difference(end - begin, g->factor, p, t, g->dp + begin, g->add_p);
    if (g->dt)
        difference(end - begin, -g->factor, p, t, g->dt + begin, g->add_t);
}

void FALLBACK(mse_loss_forward)(pdessm_pool *pool, int64_t n, const float *p, const float *t,
                                float *loss) {
    struct loss g = {.p = p, .t = t};
    loss[0] = (float)(sum_range(pool, n, squares, &g) / (double)n);
}

void FALLBACK(mse_loss_backward)(pdessm_pool *pool, int64_t n, const float *p, const float *t,
                                 const float *dloss, float *dp, int add_p, float *dt, int add_t) {
    struct loss g = {.p = p,
                     .t = t,
                     .dp = dp,
                     .dt = dt,
                     .factor = (float)(2.0 / (double)n * (double)dloss[0]),
                     .add_p = add_p,
                     .add_t = add_t};
    for_range(pool, n, backward, &g);
}
