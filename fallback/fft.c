/* SPDX-License-Identifier: MIT */
/* fft.c: runs a plan: one pass over the line for each radix, and Bluestein's convolution. */
#include "fft.h"

#include "fft_butterfly.h"

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* Exchanging real and imaginary parts on the way in and out turns a forward transform into an
 * inverse one; so an inverse pass only differs in where it looks for the two parts. */
enum { FORWARD = 0, INVERSE = LANES };

static inline cvec load(const float *p, int direction) {
    return (cvec){vec_load(p + direction), vec_load(p + (LANES - direction))};
}

static inline void store(float *p, cvec v, int direction) {
    vec_store(p + direction, v.re);
    vec_store(p + (LANES - direction), v.im);
}

/* One pass works on `blocks` blocks of radix * m elements. */
typedef struct pass {
    const float *in;
    float *out;
    int64_t in_stride, out_stride, blocks, m;
    const float *twiddle;
} pass;

/* For each radix: butterflies whose results (forward, in frequency) or operands (inverse, in time)
 * are turned by twiddles, unless w is NULL. */
#define RADIX(r)                                                                                   \
    static inline __attribute__((always_inline)) void forward_step##r(                             \
        const float *x, int64_t sx, float *y, int64_t sy, const float *w) {                        \
        cvec v[r];                                                                                 \
        UNROLL for (int q = 0; q < r; q++) v[q] = load(x + q * sx, FORWARD);                       \
        dft##r(v);                                                                                 \
        store(y, v[0], FORWARD);                                                                   \
        UNROLL for (int q = 1; q < r; q++)                                                         \
            store(y + q * sy, w ? c_turn(v[q], w + 2 * q - 2) : v[q], FORWARD);                    \
    }                                                                                              \
    static inline __attribute__((always_inline)) void inverse_step##r(                             \
        const float *x, int64_t sx, float *y, int64_t sy, const float *w) {                        \
        cvec v[r];                                                                                 \
        v[0] = load(x, INVERSE);                                                                   \
        UNROLL for (int q = 1; q < r; q++) {                                                       \
            v[q] = load(x + q * sx, INVERSE);                                                      \
            v[q] = w ? c_turn(v[q], w + 2 * q - 2) : v[q];                                         \
        }                                                                                          \
        dft##r(v);                                                                                 \
        UNROLL for (int q = 0; q < r; q++) store(y + q * sy, v[q], INVERSE);                       \
    }                                                                                              \
    PASS(forward, r)                                                                               \
    PASS(inverse, r)

#define PASS(direction, r)                                                                         \
    static void direction##_pass##r(const pass *p) {                                               \
        int64_t sx = p->m * p->in_stride, sy = p->m * p->out_stride;                               \
        for (int64_t b = 0; b < p->blocks; b++) {                                                  \
            const float *x = p->in + b * r * sx, *w = p->twiddle;                                  \
            float *y = p->out + b * r * sy;                                                        \
            direction##_step##r(x, sx, y, sy, NULL);                                               \
            for (int64_t j = 1; j < p->m; j++, w += 2 * (r - 1))                                   \
                direction##_step##r(x + j * p->in_stride, sx, y + j * p->out_stride, sy, w);       \
        }                                                                                          \
    }

RADIX(1)
RADIX(2)
RADIX(3)
RADIX(4)
RADIX(5)
RADIX(6)
RADIX(7)
RADIX(8)

/* The same for a prime above 7. */
static void forward_pass_odd(const pass *p, int r, const float *circle) {
    cvec v[LARGEST_PRIME];
    for (int64_t i = 0; i < p->blocks * p->m; i++) {
        int64_t j = i % p->m, first = (i / p->m) * p->m * r + j;
        const float *w = j ? p->twiddle + (j - 1) * 2 * (r - 1) : NULL;
        for (int q = 0; q < r; q++)
            v[q] = load(p->in + (first + q * p->m) * p->in_stride, FORWARD);
        dft_odd(v, r, circle);
        for (int q = 0; q < r; q++)
            store(p->out + (first + q * p->m) * p->out_stride,
                  w && q ? c_turn(v[q], w + 2 * q - 2) : v[q], FORWARD);
    }
}

static void inverse_pass_odd(const pass *p, int r, const float *circle) {
    cvec v[LARGEST_PRIME];
    for (int64_t i = 0; i < p->blocks * p->m; i++) {
        int64_t j = i % p->m, first = (i / p->m) * p->m * r + j;
        const float *w = j ? p->twiddle + (j - 1) * 2 * (r - 1) : NULL;
        for (int q = 0; q < r; q++) {
            v[q] = load(p->in + (first + q * p->m) * p->in_stride, INVERSE);
            v[q] = w && q ? c_turn(v[q], w + 2 * q - 2) : v[q];
        }
        dft_odd(v, r, circle);
        for (int q = 0; q < r; q++)
            store(p->out + (first + q * p->m) * p->out_stride, v[q], INVERSE);
    }
}

static void run_pass(const fft_plan *plan, int stage, const pass *p, int inverse) {
    typedef void (*pass_fn)(const pass *);
    static const pass_fn table[2][9] = {
        {NULL, forward_pass1, forward_pass2, forward_pass3, forward_pass4, forward_pass5,
         forward_pass6, forward_pass7, forward_pass8},
        {NULL, inverse_pass1, inverse_pass2, inverse_pass3, inverse_pass4, inverse_pass5,
         inverse_pass6, inverse_pass7, inverse_pass8},
    };
    int radix = plan->radix[stage];
    if (radix <= 8)
        table[inverse][radix](p);
    else if (inverse)
        inverse_pass_odd(p, radix, plan->circle[stage]);
    else
        forward_pass_odd(p, radix, plan->circle[stage]);
}

/* X_k = c_k sum_j (x_j c_j) conj(c_{k-j}) with c_j = exp(-i pi j^2/n): a cyclic convolution of any
 * length m >= 2n - 1. */
static void bluestein(const fft_plan *plan, const float *in, int64_t in_stride, float *out,
                      int64_t out_stride, float *work, int direction) {
    const fft_plan *padded = plan->padded;
    for (int64_t j = 0; j < plan->n; j++)
        store(work + j * COMPLEX, c_turn(load(in + j * in_stride, direction), plan->chirp + 2 * j),
              FORWARD);
    memset(work + plan->n * COMPLEX, 0, (size_t)((padded->n - plan->n) * COMPLEX) * sizeof *work);
    FALLBACK(fft_forward)(padded, work, COMPLEX, work, COMPLEX, NULL);
    for (int64_t j = 0; j < padded->n; j++) {
        float *p = work + j * COMPLEX;
        store(p, c_turn(load(p, FORWARD), plan->response + 2 * j), FORWARD);
    }
    FALLBACK(fft_inverse)(padded, work, COMPLEX, work, COMPLEX, NULL);
    for (int64_t j = 0; j < plan->n; j++)
        store(out + j * out_stride, c_turn(load(work + j * COMPLEX, FORWARD), plan->chirp + 2 * j),
              direction);
}

void FALLBACK(fft_forward)(const fft_plan *plan, const float *in, int64_t in_stride, float *out,
                           int64_t out_stride, float *work) {
    if (plan->padded) {
        bluestein(plan, in, in_stride, out, out_stride, work, FORWARD);
        return;
    }
    pass p = {in, out, in_stride, out_stride, 1, plan->n, NULL};
    for (int s = 0; s < plan->stages; s++) {
        p.m /= plan->radix[s];
        p.twiddle = plan->twiddle[s];
        run_pass(plan, s, &p, 0);
        p.blocks *= plan->radix[s];
        p.in = out;
        p.in_stride = out_stride;
    }
}

void FALLBACK(fft_inverse)(const fft_plan *plan, float *in, int64_t in_stride, float *out,
                           int64_t out_stride, float *work) {
    if (plan->padded) {
        bluestein(plan, in, in_stride, out, out_stride, work, INVERSE);
        return;
    }
    pass p = {in, in, in_stride, in_stride, plan->n, 1, NULL};
    for (int s = plan->stages - 1; s >= 0; s--) {
        p.blocks /= plan->radix[s];
        p.twiddle = plan->twiddle[s];
        if (s == 0) {
            p.out = out;
            p.out_stride = out_stride;
        }
        run_pass(plan, s, &p, 1);
        p.m *= plan->radix[s];
    }
}
