/* SPDX-License-Identifier: MIT */
/* affine_coupling.c: y = x exp(s) + t, or (x - t) exp(-s), with s = bound tanh(r); parts = (r, t).
 */
#include "elementwise.h"
#include "fallback.h"

struct coupling {
    int64_t n;
    float bound;
    int inverse;
    const float *x, *parts;
    float *y, *s;
    const float *dy, *ds;
    float *dx, *dparts;
    int add_x, add_parts;
};

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct coupling *c = argument;
    const float *restrict x = c->x, *restrict r = c->parts, *restrict t = c->parts + c->n;
    float *restrict y = c->y, *restrict s = c->s;
    for (int64_t i = begin; i < end; i++)
        s[i] = c->bound * tanh_fast(r[i]);
    if (c->inverse)
        for (int64_t i = begin; i < end; i++)
            y[i] = (x[i] - t[i]) * exp_fast(-s[i]);
    else
        for (int64_t i = begin; i < end; i++)
            y[i] = x[i] * exp_fast(s[i]) + t[i];
}

/* dy/dx, which is also the size of dy/dt in the inverse. */
static void stretch(int64_t n, int inverse, const float *restrict s, float *restrict e) {
    const float sign = inverse ? -1.0f : 1.0f;
    for (int64_t i = 0; i < n; i++)
        e[i] = exp_fast(sign * s[i]);
}

/* dy/ds is x exp(s), or -y; ds/dr = bound (1 - tanh^2) = bound - s^2 / bound. */
static void gradient_r(const struct coupling *c, int64_t at, int64_t n, const float *restrict e) {
    const float *restrict x = c->x + at, *restrict y = c->y + at, *restrict s = c->s + at;
    const float *restrict dy = c->dy + at, *restrict ds = c->ds + at;
    float *restrict dr = c->dparts + at;
    const float over = 1.0f / c->bound;
    for (int64_t i = 0; i < n; i++) {
        float through = c->inverse ? -y[i] : x[i] * e[i];
        float slope = c->bound - s[i] * s[i] * over;
        dr[i] = (c->add_parts ? dr[i] : 0.0f) + (dy[i] * through + ds[i]) * slope;
    }
}

static void gradient_t(const struct coupling *c, int64_t at, int64_t n, const float *restrict e) {
    const float *restrict dy = c->dy + at;
    float *restrict dt = c->dparts + c->n + at;
    for (int64_t i = 0; i < n; i++)
        dt[i] = (c->add_parts ? dt[i] : 0.0f) + (c->inverse ? -dy[i] * e[i] : dy[i]);
}

static void gradient_x(int64_t n, const float *restrict e, const float *restrict dy,
                       float *restrict dx, int add) {
    for (int64_t i = 0; i < n; i++)
        dx[i] = (add ? dx[i] : 0.0f) + dy[i] * e[i];
}

/* The exponential is shared by all gradients through a chunk that stays in the first cache. */
static void backward(void *argument, int64_t begin, int64_t end) {
    const struct coupling *c = argument;
    float e[CHUNK];
    for (int64_t i = begin; i < end; i += CHUNK) {
        int64_t n = least(CHUNK, end - i);
        stretch(n, c->inverse, c->s + i, e);
        if (c->dparts) {
            gradient_r(c, i, n, e);
            gradient_t(c, i, n, e);
        }
        if (c->dx)
            gradient_x(n, e, c->dy + i, c->dx + i, c->add_x);
    }
}

void FALLBACK(affine_coupling_forward)(pdessm_pool *pool, int64_t n, float bound, int inverse,
                                       const float *x, const float *parts, float *y, float *s) {
    for_range(
        pool, n, forward,
        &(struct coupling){
            .n = n, .bound = bound, .inverse = inverse, .x = x, .parts = parts, .y = y, .s = s});
}

void FALLBACK(affine_coupling_backward)(pdessm_pool *pool, int64_t n, float bound, int inverse,
                                        const float *x, const float *y, const float *s,
                                        const float *dy, const float *ds, float *dx, int add_x,
                                        float *dparts, int add_parts) {
    struct coupling c = {.n = n,
                         .bound = bound,
                         .inverse = inverse,
                         .x = x,
                         .y = (float *)y,
                         .s = (float *)s,
                         .dy = dy,
                         .ds = ds,
                         .dx = dx,
                         .dparts = dparts,
                         .add_x = add_x,
                         .add_parts = add_parts};
    for_range(pool, n, backward, &c);
}
