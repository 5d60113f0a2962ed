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

static inline void stream(float *p, cvec v, int direction) {
    vec_stream(p + direction, v.re);
    vec_stream(p + (LANES - direction), v.im);
}

/* One pass works on `blocks` blocks of radix * m elements of each of `lines` lines. */
typedef struct pass {
    const float *in;
    float *out;
    const fft_stride *from,
        *to; /* not copied: a copy in one piece waits for the stores of its fields */
    int64_t lines, blocks, m;
    const float *twiddle;
    int stream;
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
    INVERSE_STEP(inverse, r, store)                                                                \
    INVERSE_STEP(streaming, r, stream)                                                             \
    PASS(forward, r)                                                                               \
    PASS(inverse, r)                                                                               \
    PASS(streaming, r)

#define INVERSE_STEP(name, r, put)                                                                 \
    static inline __attribute__((always_inline)) void name##_step##r(                              \
        const float *x, int64_t sx, float *y, int64_t sy, const float *w) {                        \
        cvec v[r];                                                                                 \
        v[0] = load(x, INVERSE);                                                                   \
        UNROLL for (int q = 1; q < r; q++) {                                                       \
            v[q] = load(x + q * sx, INVERSE);                                                      \
            v[q] = w ? c_turn(v[q], w + 2 * q - 2) : v[q];                                         \
        }                                                                                          \
        dft##r(v);                                                                                 \
        UNROLL for (int q = 0; q < r; q++) put(y + q * sy, v[q], INVERSE);                         \
    }

/* Lines run innermost, since they share their twiddles. Everything is read from *p first: for all
 * the compiler knows, the stores might change it. */
#define PASS(direction, r)                                                                         \
    static void direction##_pass##r(const pass *p) {                                               \
        const int64_t in_stride = p->from->element, in_line = p->from->line;                       \
        const int64_t out_stride = p->to->element, out_line = p->to->line;                         \
        const int64_t lines = p->lines, blocks = p->blocks, m = p->m;                              \
        const int64_t sx = m * in_stride, sy = m * out_stride;                                     \
        const float *twiddle = p->twiddle, *in = p->in;                                            \
        float *out = p->out;                                                                       \
        for (int64_t b = 0; b < blocks; b++) {                                                     \
            const float *x = in + b * r * sx, *w = twiddle;                                        \
            float *y = out + b * r * sy;                                                           \
            for (int64_t i = 0; i < lines; i++)                                                    \
                direction##_step##r(x + i * in_line, sx, y + i * out_line, sy, NULL);              \
            for (int64_t j = 1; j < m; j++, w += 2 * (r - 1)) {                                    \
                x += in_stride;                                                                    \
                y += out_stride;                                                                   \
                for (int64_t i = 0; i < lines; i++)                                                \
                    direction##_step##r(x + i * in_line, sx, y + i * out_line, sy, w);             \
            }                                                                                      \
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
static void odd_step(const pass *p, const float *x, float *y, int r, const float *circle,
                     const float *w, int direction) {
    cvec v[LARGEST_PRIME];
    for (int q = 0; q < r; q++) {
        v[q] = load(x + q * p->m * p->from->element, direction);
        if (direction == INVERSE && w && q)
            v[q] = c_turn(v[q], w + 2 * q - 2);
    }
    dft_odd(v, r, circle);
    for (int q = 0; q < r; q++) {
        if (direction == FORWARD && w && q)
            v[q] = c_turn(v[q], w + 2 * q - 2);
        (p->stream ? stream : store)(y + q * p->m * p->to->element, v[q], direction);
    }
}

static void odd_pass(const pass *p, int r, const float *circle, int direction) {
    for (int64_t i = 0; i < p->lines * p->blocks * p->m; i++) {
        int64_t j = i % p->m, block = i / p->m % p->blocks, line = i / p->m / p->blocks;
        int64_t at = block * r * p->m + j;
        odd_step(p, p->in + line * p->from->line + at * p->from->element,
                 p->out + line * p->to->line + at * p->to->element, r, circle,
                 j ? p->twiddle + (j - 1) * 2 * (r - 1) : NULL, direction);
    }
}

static void run_pass(const fft_plan *plan, int stage, const pass *p, int inverse) {
    typedef void (*pass_fn)(const pass *);
    static const pass_fn table[3][9] = {
        {NULL, forward_pass1, forward_pass2, forward_pass3, forward_pass4, forward_pass5,
         forward_pass6, forward_pass7, forward_pass8},
        {NULL, inverse_pass1, inverse_pass2, inverse_pass3, inverse_pass4, inverse_pass5,
         inverse_pass6, inverse_pass7, inverse_pass8},
        {NULL, streaming_pass1, streaming_pass2, streaming_pass3, streaming_pass4, streaming_pass5,
         streaming_pass6, streaming_pass7, streaming_pass8},
    };
    int radix = plan->radix[stage];
    if (radix <= 8)
        table[inverse + p->stream][radix](p);
    else
        odd_pass(p, radix, plan->circle[stage], inverse ? INVERSE : FORWARD);
}

/* X_k = c_k sum_j (x_j c_j) conj(c_{k-j}) with c_j = exp(-i pi j^2/n): a cyclic convolution of any
 * length m >= 2n - 1. */
static void bluestein(const fft_plan *plan, const float *in, int64_t in_stride, float *out,
                      int64_t out_stride, float *work, int direction, int past_caches) {
    const fft_plan *padded = plan->padded;
    for (int64_t j = 0; j < plan->n; j++)
        store(work + j * COMPLEX, c_turn(load(in + j * in_stride, direction), plan->chirp + 2 * j),
              FORWARD);
    memset(work + plan->n * COMPLEX, 0, (size_t)((padded->n - plan->n) * COMPLEX) * sizeof *work);
    const fft_lines line = {1, {COMPLEX, 0}, {COMPLEX, 0}, 0};
    FALLBACK(fft_forward)(padded, &line, work, work, NULL);
    for (int64_t j = 0; j < padded->n; j++) {
        float *p = work + j * COMPLEX;
        store(p, c_turn(load(p, FORWARD), plan->response + 2 * j), FORWARD);
    }
    FALLBACK(fft_inverse)(padded, &line, work, work, NULL);
    for (int64_t j = 0; j < plan->n; j++) {
        cvec v = c_turn(load(work + j * COMPLEX, FORWARD), plan->chirp + 2 * j);
        (past_caches ? stream : store)(out + j * out_stride, v, direction);
    }
}

static void bluestein_lines(const fft_plan *plan, const fft_lines *l, const float *in, float *out,
                            float *work, int direction) {
    for (int64_t i = 0; i < l->lines; i++)
        bluestein(plan, in + i * l->in.line, l->in.element, out + i * l->out.line, l->out.element,
                  work, direction, direction == INVERSE && l->stream);
}

static void set_stage(pass *p, const fft_plan *plan, int stage) {
    p->m = plan->apart[stage];
    p->blocks = plan->blocks[stage];
    p->twiddle = plan->twiddle[stage];
}

/* Stages first .. end - 1 of a forward transform. */
static void run_forward(const fft_plan *plan, const fft_lines *l, const float *in, float *out,
                        int first, int end) {
    pass p = {.in = in, .out = out, .from = &l->in, .to = &l->out, .lines = l->lines};
    for (int s = first; s < end; s++) {
        set_stage(&p, plan, s);
        run_pass(plan, s, &p, 0);
        p.in = out;
        p.from = p.to;
    }
}

/* Stages end - 1 .. 0 of an inverse one. */
static void run_inverse(const fft_plan *plan, const fft_lines *l, float *in, float *out, int end) {
    pass p = {.in = in, .out = in, .from = &l->in, .to = &l->in, .lines = l->lines};
    for (int s = end - 1; s >= 0; s--) {
        set_stage(&p, plan, s);
        if (s == 0) {
            p.out = out;
            p.to = &l->out;
            p.stream = l->stream;
        }
        run_pass(plan, s, &p, 1);
    }
}

void FALLBACK(fft_forward)(const fft_plan *plan, const fft_lines *l, const float *in, float *out,
                           float *work) {
    if (plan->padded)
        bluestein_lines(plan, l, in, out, work, FORWARD);
    else
        run_forward(plan, l, in, out, 0, plan->stages);
}

void FALLBACK(fft_inverse)(const fft_plan *plan, const fft_lines *l, float *in, float *out,
                           float *work) {
    if (plan->padded)
        bluestein_lines(plan, l, in, out, work, INVERSE);
    else
        run_inverse(plan, l, in, out, plan->stages);
}

void FALLBACK(fft_open)(const fft_plan *plan, const fft_lines *l, const float *in, float *out) {
    run_forward(plan, l, in, out, 0, plan->stages - 1);
}

void FALLBACK(fft_close)(const fft_plan *plan, const fft_lines *l, float *in, float *out) {
    run_inverse(plan, l, in, out, plan->stages - 1);
}

void FALLBACK(fft_inner)(const fft_plan *plan, const fft_lines *l, float *at, float *work,
                         int inverse) {
    if (plan->padded) {
        bluestein_lines(plan, l, at, at, work, inverse ? INVERSE : FORWARD);
        return;
    }
    pass p = {.in = at, .out = at, .from = &l->in, .to = &l->in, .lines = l->lines};
    set_stage(&p, plan, plan->stages - 1);
    run_pass(plan, plan->stages - 1, &p, inverse);
}
