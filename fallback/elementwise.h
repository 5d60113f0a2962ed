/* SPDX-License-Identifier: MIT */
/* elementwise.h: cuts n elements into pieces for the pool, and exp and tanh that vectorise. */
#ifndef PDESSM_FALLBACK_ELEMENTWISE_H
#define PDESSM_FALLBACK_ELEMENTWISE_H

#include <string.h>

#include "core/pool.h"

/* Elements a piece: 64 KB, long enough to hide the hand-out, short enough to balance. */
enum { PIECE = 16384 };

typedef void (*range_task)(void *argument, int64_t begin, int64_t end);

struct range {
    range_task task;
    void *argument;
    int64_t n;
};

static inline void range_piece(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct range *r = argument;
    int64_t begin = index * PIECE;
    r->task(r->argument, begin, begin + PIECE < r->n ? begin + PIECE : r->n);
}

static inline void for_range(pdessm_pool *pool, int64_t n, range_task task, void *argument) {
    struct range r = {task, argument, n};
    pdessm_parallel(pool, (n + PIECE - 1) / PIECE, range_piece, &r);
}

/* e^x to about 1 ulp for |x| <= 87; saturates beyond. 2^n times a polynomial on [-ln2/2, ln2/2]
 * (Taylor through x^7/5040: the remainder is below 1e-8). No branches, so loops vectorise. */
static inline float exp_fast(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
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
    int32_t bits = ((int32_t)n + 127) << 23;
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

#endif
