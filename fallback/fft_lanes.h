/* SPDX-License-Identifier: MIT */
/* fft_lanes.h: complex vectors to and from interleaved complex numbers. */
#ifndef PDESSM_FALLBACK_FFT_LANES_H
#define PDESSM_FALLBACK_FFT_LANES_H

#include "fft.h"

/* Even and odd elements of 2 LANES floats; and back, lower and upper half. */
static inline cvec separate(vec a, vec b) {
#if defined(__AVX512F__)
    return (cvec){
        __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
        __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)};
#elif defined(__AVX__)
    return (cvec){__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14),
                  __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15)};
#else
    return (cvec){__builtin_shufflevector(a, b, 0, 2, 4, 6),
                  __builtin_shufflevector(a, b, 1, 3, 5, 7)};
#endif
}

static inline void interleave(cvec v, float *p) {
#if defined(__AVX512F__)
    vec_store(p, __builtin_shufflevector(v.re, v.im, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6,
                                         22, 7, 23));
    vec_store(p + LANES, __builtin_shufflevector(v.re, v.im, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                                 13, 29, 14, 30, 15, 31));
#elif defined(__AVX__)
    vec_store(p, __builtin_shufflevector(v.re, v.im, 0, 8, 1, 9, 2, 10, 3, 11));
    vec_store(p + LANES, __builtin_shufflevector(v.re, v.im, 4, 12, 5, 13, 6, 14, 7, 15));
#else
    vec_store(p, __builtin_shufflevector(v.re, v.im, 0, 4, 1, 5));
    vec_store(p + LANES, __builtin_shufflevector(v.re, v.im, 2, 6, 3, 7));
#endif
}

#endif
