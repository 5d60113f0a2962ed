/* SPDX-License-Identifier: MIT */
/* elementwise.h: cuts elements and rows into pieces for the pool, and exp, log, sin, cos that
 * vectorise. */
#ifndef PDESSM_FALLBACK_ELEMENTWISE_H
#define PDESSM_FALLBACK_ELEMENTWISE_H

#include <string.h>

#include "core/pool.h"

/* PIECE: elements a piece, 64 KB: long enough to hide the hand-out, short enough to balance.
 * CHUNK: elements of a local array that stays in the first cache. */
enum { PIECE = 16384, CHUNK = 1024, MOST_PARTS = 256 };

typedef void (*range_task)(void *argument, int64_t begin, int64_t end);
typedef double (*range_sum)(void *argument, int64_t begin, int64_t end);

struct range {
    range_task task;
    range_sum sum;
    void *argument;
    double *partial;
    int64_t n, piece;
};

static inline int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static inline int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static inline void range_piece(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct range *r = argument;
    int64_t begin = index * r->piece;
    r->task(r->argument, begin, least(begin + r->piece, r->n));
}

static inline void for_pieces(pdessm_pool *pool, int64_t n, int64_t piece, range_task task,
                              void *argument) {
    struct range r = {.task = task, .argument = argument, .n = n, .piece = piece};
    pdessm_parallel(pool, ceil_div(n, piece), range_piece, &r);
}

/* Elements [0, n). */
static inline void for_range(pdessm_pool *pool, int64_t n, range_task task, void *argument) {
    for_pieces(pool, n, PIECE, task, argument);
}

/* Rows [0, rows) of the given width. */
static inline void for_rows(pdessm_pool *pool, int64_t rows, int64_t width, range_task task,
                            void *argument) {
    for_pieces(pool, rows, most(1, PIECE / width), task, argument);
}

static inline void range_part(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct range *r = argument;
    int64_t begin = index * r->piece;
    r->partial[index] = r->sum(r->argument, begin, least(begin + r->piece, r->n));
}

/* The sum over [0, n) of what `sum` answers for its parts, always cut and added in the same way. */
static inline double sum_range(pdessm_pool *pool, int64_t n, range_sum sum, void *argument) {
    double partial[MOST_PARTS], total = 0.0;
    int64_t piece = most(ceil_div(n, MOST_PARTS), PIECE / 4);
    struct range r = {.sum = sum, .argument = argument, .partial = partial, .n = n, .piece = piece};
    int64_t parts = ceil_div(n, piece);
    pdessm_parallel(pool, parts, range_part, &r);
    for (int64_t i = 0; i < parts; i++)
        total += partial[i];
    return total;
}

/* to = from, or to += from. */
static inline void put(int64_t n, const float *restrict from, float *restrict to, int add) {
    for (int64_t i = 0; i < n; i++)
        to[i] = (add ? to[i] : 0.0f) + from[i];
}

/* e^x to about 1 ulp for -87 <= x <= 88; e^-87 below, infinity from 88.4. 2^n times a polynomial on
 * [-ln2/2, ln2/2] (Taylor through x^7/5040: the remainder is below 1e-8). No branches, so loops
 * vectorise. The upper end is infinity for speed: GCC works out what a loop makes of either end and
 * does that arithmetic for every lane; with a finite end, 1 / (1 + e^88) is denormal, which costs
 * 150 cycles each time. */
static inline float exp_fast(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 89.0f ? 89.0f : x;
    float shifted = x * 1.44269504f + 12582912.0f; /* 1.5 2^23: rounds to integer */
    float n = shifted - 12582912.0f;
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23; /* unsigned: n is anything for a NaN */
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

static inline float sigmoid_fast(float x) {
    return 1.0f / (1.0f + exp_fast(-x));
}

/* tanh through the sigmoid: absolute error 1e-7, which is all that GELU's form asks for. */
static inline float tanh_fast(float x) {
    return 2.0f * sigmoid_fast(2.0f * x) - 1.0f;
}

/* ln x to about 2 ulp for normal x > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)), and the series of
 * 2 artanh((m - 1) / (m + 1)) through the ninth power (the remainder is below 1e-9 of it). */
static inline float log_fast(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int32_t above = bits - 0x3f3504f3; /* sqrt(1/2) */
    int32_t e = above >> 23;
    bits = (above & 0x007fffff) + 0x3f3504f3;
    float m;
    memcpy(&m, &bits, sizeof m);
    float s = (m - 1.0f) / (m + 1.0f);
    float q = s * s;
    float p = 2.0f / 9;
    p = p * q + 2.0f / 7;
    p = p * q + 2.0f / 5;
    p = p * q + 2.0f / 3;
    /* ln 2 in two parts, the first short enough for an exact product with e. */
    return (float)e * 0.693359375f + (s * (p * q + 2.0f) - (float)e * 2.12194440e-4f);
}

/* sin and cos of 2 pi r for a number r of turns in [-1, 1], to about 2 ulp. The quarter turn is
 * taken off exactly, what is left lies in [-pi/4, pi/4], where the Taylor series end early. */
static inline void sincos_turns(float r, float *restrict ret_sin, float *restrict ret_cos) {
    float shifted = 4.0f * r + 12582912.0f; /* 1.5 2^23: rounds to integer */
    float quarter = shifted - 12582912.0f;
    int32_t n = (int32_t)quarter;
    float a = (r - 0.25f * quarter) * 6.28318531f;
    float q = a * a;
    float s = 1.0f / 362880;
    s = s * q - 1.0f / 5040;
    s = s * q + 1.0f / 120;
    s = s * q - 1.0f / 6;
    s = s * q * a + a;
    float c = -1.0f / 3628800;
    c = c * q + 1.0f / 40320;
    c = c * q - 1.0f / 720;
    c = c * q + 1.0f / 24;
    c = c * q - 0.5f;
    c = c * q + 1.0f;
    float sine = (n & 1) ? c : s;
    float cosine = (n & 1) ? s : c;
    *ret_sin = (n & 2) ? -sine : sine;
    *ret_cos = ((n + 1) & 2) ? -cosine : cosine;
}

#endif
