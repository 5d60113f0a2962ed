/* SPDX-License-Identifier: MIT */
/* dot.h: the sum of products of two arrays. */
#ifndef PDESSM_FALLBACK_DOT_H
#define PDESSM_FALLBACK_DOT_H

#include <stdint.h>

static inline float dot(int64_t n, const float *restrict a, const float *restrict b) {
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < n; c++)
        sum += a[c] * b[c];
    return sum;
}

#endif
