/* SPDX-License-Identifier: MIT */
/* fft.h: complex transforms of lines whose scalars are vectors of channels.
 *
 * A complex vector is LANES real parts followed by LANES imaginary parts; that is also how two
 * neighbouring groups of real channels lie in a channels-last image. A line is n of them at a
 * stride. Lengths are free: radices 2 to 8, primes to 31 by their definition, all other lengths by
 * Bluestein's convolution.
 *
 * A forward transform leaves its frequencies in the order that falls out of decimation in
 * frequency, and an inverse one (decimation in time) takes them in that order, so nothing is ever
 * sorted: whoever works on the spectrum asks the plan which frequency stands where. */
#ifndef PDESSM_FALLBACK_FFT_H
#define PDESSM_FALLBACK_FFT_H

#include <stddef.h>
#include <stdint.h>

#include "fallback.h"
#include "simd.h"

enum { COMPLEX = 2 * LANES, MAX_STAGES = 32, LARGEST_PRIME = 31 };

typedef struct cvec {
    vec re, im;
} cvec;

/* A length; immutable once built, so all threads may share it. Tables lie behind the struct. */
typedef struct fft_plan {
    int64_t n;
    int stages;
    int radix[MAX_STAGES];
    int64_t blocks[MAX_STAGES]; /* transforms that the stages before have left */
    int64_t apart[MAX_STAGES];  /* m: elements between those of a butterfly */
    const float
        *twiddle[MAX_STAGES];        /* (cos, sin) [m - 1][radix - 1]: exp(-2 pi i j q/(m radix)) */
    const float *circle[MAX_STAGES]; /* (cos, sin)(2 pi i/p), i < p, of a prime radix above 7 */
    const int32_t *frequency;        /* [n] which frequency stands at a place */
    const int32_t *place;            /* [n] where a frequency stands */
    const int32_t *mirror;           /* [n] the place of the opposite frequency */
    /* Bluestein: the convolution's length is padded->n, else padded is NULL. */
    const struct fft_plan *padded;
    const float *chirp;    /* (cos, sin) [n] of exp(-i pi j^2/n) */
    const float *response; /* complex [padded->n], in padded's order, with 1/padded->n */
} fft_plan;

/* Building costs about n sines, so a plan is made again in each call, in memory of the caller
 * (64-byte aligned; some of it is only used while building). */
size_t FALLBACK(fft_plan_bytes)(int64_t n);
const fft_plan *FALLBACK(fft_plan_build)(int64_t n, void *memory);

/* Floats of work space that transforms with this plan need; often 0. */
int64_t FALLBACK(fft_work_floats)(int64_t n);

/* Several lines at once; floats between their elements, and from line to line. */
typedef struct fft_stride {
    int64_t element, line;
} fft_stride;

typedef struct fft_lines {
    int64_t lines;
    fft_stride in, out;
    int stream; /* inverse: the result goes past the caches; it is aligned to vectors */
} fft_lines;

/* Input and output are apart or identical; after inverse() the input is garbage. Neither
 * normalises. */
void FALLBACK(fft_forward)(const fft_plan *plan, const fft_lines *lines, const float *in,
                           float *out, float *work);
void FALLBACK(fft_inverse)(const fft_plan *plan, const fft_lines *lines, float *in, float *out,
                           float *work);

/* A transform in two parts, for those who do its innermost radix themselves: the last of a forward
 * and the first of an inverse transform, butterflies of neighbours without twiddles. open() is all
 * before it, inner() is just that (there and back, in place), close() is all behind. Where there is
 * only one radix, open() and close() do nothing, not even copy. */
void FALLBACK(fft_open)(const fft_plan *plan, const fft_lines *lines, const float *in, float *out);
void FALLBACK(fft_close)(const fft_plan *plan, const fft_lines *lines, float *in, float *out);
void FALLBACK(fft_inner)(const fft_plan *plan, const fft_lines *lines, float *at, float *work,
                         int inverse);

/* Whether open() and close() do anything. */
static inline int fft_has_outer(const fft_plan *plan) {
    return plan->stages > 1;
}

/* The innermost radix; 0 where the transform has none (Bluestein). */
static inline int fft_inner_radix(const fft_plan *plan) {
    return plan->padded ? 0 : plan->radix[plan->stages - 1];
}

#endif
