/* SPDX-License-Identifier: MIT */
/* random.h: random numbers without a state. Philox4x32-10 (Salmon et al., "Parallel random numbers:
 * as easy as 1, 2, 3") turns a key and a counter into four words, so that any number can be had at
 * any time on any device:
 *
 *     key     = the 64-bit seed (low half first)
 *     counter = (purpose, step, sample, block)
 *
 * Purposes keep streams apart that otherwise would count alike. */
#ifndef PDESSM_CORE_RANDOM_H
#define PDESSM_CORE_RANDOM_H

#include <stdint.h>

/* Stored runs depend on these numbers: append, never renumber. */
typedef enum pdessm_purpose {
    PDESSM_RANDOM_NOISE,    /* z of the flow, in training */
    PDESSM_RANDOM_TIME,     /* t of the flow */
    PDESSM_RANDOM_DROPOUT,  /* units dropped by a network */
    PDESSM_RANDOM_LABEL,    /* labels replaced by the null class */
    PDESSM_RANDOM_ORDER,    /* order of the data in an epoch */
    PDESSM_RANDOM_INIT,     /* initial parameters */
    PDESSM_RANDOM_SAMPLE,   /* z of the flow, in sampling */
    PDESSM_RANDOM_AUGMENT,  /* flips and crops */
    PDESSM_RANDOM_DATA,     /* built-in data sets */
    PDESSM_RANDOM_VALIDATE, /* noise and time of validation losses */
    PDESSM_RANDOM_METRIC,   /* subsets and directions of metrics */
    PDESSM_RANDOM_OPTIMIZE, /* homotopy and its baselines */
    PDESSM_RANDOM_SELECT,   /* nodes kept by a graph's pooling */
    PDESSM_RANDOM_CHECK,    /* operands of verify and bench */
    PDESSM_RANDOM_FIT,      /* batches and noise of fitted maps */
} pdessm_purpose;

/* Ten rounds on c in place. */
static inline void pdessm_philox_rounds(uint32_t c[4], uint32_t key0, uint32_t key1) {
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)c[0] * 0xd2511f53u;
        uint64_t b = (uint64_t)c[2] * 0xcd9e8d57u;
        uint32_t c1 = c[1], c3 = c[3];
        c[0] = (uint32_t)(b >> 32) ^ c1 ^ key0;
        c[1] = (uint32_t)b;
        c[2] = (uint32_t)(a >> 32) ^ c3 ^ key1;
        c[3] = (uint32_t)a;
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
}

/* Four words of 32 bits. */
void pdessm_philox(uint64_t seed, pdessm_purpose purpose, uint32_t step, uint32_t sample,
                   uint32_t block, uint32_t ret[4]);

/* Number `index` of a stream: 4 to a block. Uniform on [0, 1): the upper 24 bits of a word, which a
 * float32 holds exactly. */
double pdessm_uniform(uint64_t seed, pdessm_purpose purpose, uint32_t step, uint32_t sample,
                      int64_t index);

/* Normal (0, 1), the number that operator philox_normal computes, to float32's rounding: words
 * (w0, w1) give the even one and its odd neighbour as
 *     sqrt(-2 ln u1) (cos, sin)(2 pi u2),  u1 = ((w0 >> 8) + 1) 2^-24,  u2 = (w1 >> 8) 2^-24
 * and (w2, w3) the next two. */
double pdessm_normal(uint64_t seed, pdessm_purpose purpose, uint32_t step, uint32_t sample,
                     int64_t index);

/* A whole number in [0, n), 0 < n <= 2^32: 64 bits of the stream times n, so that no value is
 * favoured by more than 2^-32. Takes two of the four words of a block: index counts pairs. */
uint32_t pdessm_below(uint64_t seed, pdessm_purpose purpose, uint32_t step, uint32_t sample,
                      int64_t index, uint64_t n);

/* A sequence for buffers of no special content, where Philox would cost more than the work: the
 * linear congruential generator of Numerical Recipes. The upper bits are the good ones. */
static inline uint32_t pdessm_quick(uint32_t *state) {
    return *state = *state * 1664525u + 1013904223u;
}

/* n of them in [-1, 1). */
static inline void pdessm_quick_fill(float *x, int64_t n, uint32_t seed) {
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(pdessm_quick(&seed) >> 8) * 0x1p-23f - 1.0f;
}

#endif
