/* SPDX-License-Identifier: MIT */
/* cdr_coefficients.c: what the optimiser sees becomes coefficients that are always admissible:
 *
 *   K = L L^T + eps I,  L = [[softplus(l0), 0], [l1, softplus(l2)]]     (kyy, kxy, kxx)
 *   b = b_max tanh(beta),  r = -softplus(rho)
 *
 * in units of a domain of `extent` images: K / extent^2, b / extent.
 * A few thousand numbers a step, so the C library's functions are fast enough. */
#include <math.h>

#include "fallback.h"

/* Keeps a blur of a tenth of a token (of 16) at least: sqrt(2 eps) = 0.1/16. */
static const float EPS = 0.00625f * 0.00625f / 2;

typedef struct coefficients {
    float b_max, area; /* K is multiplied by area, b_max already is in units of the domain */
    const float *raw[3], *dphysical[3];
    float *out[3]; /* physical, or gradients of raw */
    unsigned add;
} coefficients;

enum { DIFFUSION, CONVECTION, REACTION };

static float softplus(float x) {
    return (x > 0 ? x : 0) + log1pf(expf(-fabsf(x)));
}

/* Its slope; symmetric in form so that neither tail loses digits. */
static float sigmoid(float x) {
    float e = expf(-fabsf(x));
    return (x > 0 ? 1.0f : e) / (1.0f + e);
}

static void forward(const coefficients *c, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        const float *l = c->raw[DIFFUSION] + 3 * i, *beta = c->raw[CONVECTION] + 2 * i;
        float *k = c->out[DIFFUSION] + 3 * i, *b = c->out[CONVECTION] + 2 * i;
        float p = softplus(l[0]), q = softplus(l[2]);
        k[0] = c->area * (p * p + EPS);
        k[1] = c->area * (p * l[1]);
        k[2] = c->area * (l[1] * l[1] + q * q + EPS);
        b[0] = c->b_max * tanhf(beta[0]);
        b[1] = c->b_max * tanhf(beta[1]);
        c->out[REACTION][i] = -softplus(c->raw[REACTION][i]);
    }
}

static void put(const coefficients *c, int which, int64_t i, float v) {
    float *to = c->out[which] + i;
    *to = ((c->add >> which) & 1 ? *to : 0) + v;
}

static void backward(const coefficients *c, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end && c->out[DIFFUSION]; i++) {
        const float *l = c->raw[DIFFUSION] + 3 * i, *dphysical = c->dphysical[DIFFUSION] + 3 * i;
        float p = softplus(l[0]), q = softplus(l[2]);
        float dk[] = {c->area * dphysical[0], c->area * dphysical[1], c->area * dphysical[2]};
        put(c, DIFFUSION, 3 * i, (2 * p * dk[0] + l[1] * dk[1]) * sigmoid(l[0]));
        put(c, DIFFUSION, 3 * i + 1, p * dk[1] + 2 * l[1] * dk[2]);
        put(c, DIFFUSION, 3 * i + 2, 2 * q * dk[2] * sigmoid(l[2]));
    }
    for (int64_t i = 2 * begin; i < 2 * end && c->out[CONVECTION]; i++) {
        float s = 1 / coshf(c->raw[CONVECTION][i]); /* 1 - tanh^2 would cancel */
        put(c, CONVECTION, i, c->dphysical[CONVECTION][i] * c->b_max * s * s);
    }
    for (int64_t i = begin; i < end && c->out[REACTION]; i++)
        put(c, REACTION, i, -c->dphysical[REACTION][i] * sigmoid(c->raw[REACTION][i]));
}

/* A piece is short: these functions cost some fifty additions each. */
enum { PIECE = 256 };

typedef struct work {
    void (*task)(const coefficients *c, int64_t begin, int64_t end);
    const coefficients *c;
    int64_t n;
} work;

static void run_piece(void *argument, int64_t index, int worker) {
    (void)worker;
    const work *w = argument;
    int64_t begin = index * PIECE;
    w->task(w->c, begin, begin + PIECE < w->n ? begin + PIECE : w->n);
}

void FALLBACK(cdr_coefficients_forward)(pdessm_pool *pool, int64_t n, float b_max, float extent,
                                        const float *const raw[3], float *const physical[3]) {
    coefficients c = {.b_max = b_max / extent,
                      .area = 1 / (extent * extent),
                      .raw = {raw[0], raw[1], raw[2]},
                      .out = {physical[0], physical[1], physical[2]}};
    pdessm_parallel(pool, (n + PIECE - 1) / PIECE, run_piece, &(work){forward, &c, n});
}

void FALLBACK(cdr_coefficients_backward)(pdessm_pool *pool, int64_t n, float b_max, float extent,
                                         const float *const raw[3], const float *const dphysical[3],
                                         float *const draw[3], unsigned add) {
    coefficients c = {.b_max = b_max / extent,
                      .area = 1 / (extent * extent),
                      .raw = {raw[0], raw[1], raw[2]},
                      .dphysical = {dphysical[0], dphysical[1], dphysical[2]},
                      .out = {draw[0], draw[1], draw[2]},
                      .add = add};
    pdessm_parallel(pool, (n + PIECE - 1) / PIECE, run_piece, &(work){backward, &c, n});
}
