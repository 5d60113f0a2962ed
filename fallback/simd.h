/* SPDX-License-Identifier: MIT */
/* simd.h: the one place that knows how wide a vector is and how memory is hinted. Every file of
 * this folder is compiled once for each instruction set; the width follows the compiler's target.
 */
#ifndef PDESSM_FALLBACK_SIMD_H
#define PDESSM_FALLBACK_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
enum { LANES = 16 };
#elif defined(__AVX__)
#include <immintrin.h>
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif

/* A vector of LANES floats; arithmetic by the ordinary operators. */
#if defined(__AVX512F__)
typedef float vec __attribute__((vector_size(64)));
typedef int32_t veci __attribute__((vector_size(64)));
#elif defined(__AVX__)
typedef float vec __attribute__((vector_size(32)));
typedef int32_t veci __attribute__((vector_size(32)));
#else
typedef float vec __attribute__((vector_size(16)));
typedef int32_t veci __attribute__((vector_size(16)));
#endif

static inline vec vec_load(const float *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vec_store(float *p, vec v) {
    memcpy(p, &v, sizeof v);
}

static inline vec vec_set(float x) {
    return (vec){0} + x;
}

/* The first n < LANES lanes; the others read as zero and are not written. */
static inline vec vec_load_part(const float *p, int64_t n) {
    vec v = {0};
    memcpy(&v, p, (size_t)n * sizeof *p);
    return v;
}

static inline void vec_store_part(float *p, vec v, int64_t n) {
    memcpy(p, &v, (size_t)n * sizeof *p);
}

/* Stores past the caches; p is aligned to the vector. Ordered by vec_stream_end(). */
static inline void vec_stream(float *p, vec v) {
#if defined(__AVX512F__)
    _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX__)
    _mm256_stream_ps(p, (__m256)v);
#else
    vec_store(p, v);
#endif
}

static inline void vec_stream_end(void) {
#if defined(__AVX__)
    _mm_sfence();
#endif
}

enum { CACHE_LINE = 64 }; /* bytes */

/* Any address will do, mapped or not. */
static inline void prefetch(const void *p) {
    __builtin_prefetch(p, 0, 3);
}

/* Into the second-level cache only: for what is wanted later than at once. */
static inline void prefetch_later(const void *p) {
    __builtin_prefetch(p, 0, 2);
}

#endif
