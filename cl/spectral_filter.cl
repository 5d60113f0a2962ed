/* SPDX-License-Identifier: MIT */
/* spectral_filter.cl: y = irfft2(G rfft2(u)), channels last. Two programs in one text.
 *
 * With HEIGHT, WIDTH defined: one pass over memory. A work-group keeps one image of TILE pairs of
 * channels in local memory. A pair is two groups of LANES real channels, which ride in one complex
 * transform z = x1 + i x2 and are parted at the multiply. LANES is 1 where neighbouring work-items
 * share memory accesses and 16 where a work-item should use vectors; a group is then one item.
 * HR0 .. HR3 and WR0 .. WR3 are the radices of height and width (1: none), GROUP the group's size;
 * BACKWARD chooses the pass, so that sampling does not compile what only training needs.
 *
 * With POINTS too: the same with the plane in registers; see spectral_filter_registers.clh.
 *
 * Without: any grid, line by line by the definition, spectra in global memory; and what is needed
 * around a library's transforms.
 *
 * kernel_check: -DHEIGHT=16 -DWIDTH=56 -DTILE=2 -DGROUP=64 -DHR0=4 -DHR1=4 -DHR2=1 -DHR3=1 -DWR0=8 -DWR1=7 -DWR2=1 -DWR3=1
 * kernel_check: -DHEIGHT=16 -DWIDTH=56 -DTILE=2 -DGROUP=64 -DHR0=4 -DHR1=4 -DHR2=1 -DHR3=1 -DWR0=8 -DWR1=7 -DWR2=1 -DWR3=1 -DBACKWARD
 * kernel_check: -DHEIGHT=66 -DWIDTH=15 -DTILE=1 -DGROUP=64 -DHR0=11 -DHR1=6 -DHR2=1 -DHR3=1 -DWR0=5 -DWR1=3 -DWR2=1 -DWR3=1 -DBACKWARD
 * kernel_check: -DHEIGHT=16 -DWIDTH=32 -DTILE=8 -DPOINTS=16 -DWHOLE -DALIGNED -DHR0=16 -DHR1=1 -DHR2=1 -DHR3=1 -DWR0=8 -DWR1=4 -DWR2=1 -DWR3=1
 * kernel_check: -DHEIGHT=16 -DWIDTH=32 -DTILE=8 -DPOINTS=16 -DALIGNED -DHR0=16 -DHR1=1 -DHR2=1 -DHR3=1 -DWR0=8 -DWR1=4 -DWR2=1 -DWR3=1 -DBACKWARD
 * kernel_check: -DHEIGHT=9 -DWIDTH=15 -DTILE=4 -DPOINTS=15 -DHR0=3 -DHR1=3 -DHR2=1 -DHR3=1 -DWR0=5 -DWR1=3 -DWR2=1 -DWR3=1 -DBACKWARD -DWITHOUT_DU
 * kernel_check: -DANY_GRID
 */

/* All of them always: PoCL 3.1 runs what it leaves uninlined of such functions wrongly. */
#define HELPER static inline __attribute__((always_inline))

#if CPU_FORM
#define LANES 16
typedef float16 vec;
typedef float16 __attribute__((aligned(4))) vec_anywhere; /* vstore16 would cut it in four */
#define TOGETHER /* a group is one work-item */
#else
#define LANES 1
typedef float vec;
#define TOGETHER barrier(CLK_LOCAL_MEM_FENCE)
#endif

typedef struct {
    vec re, im;
} cvec;

HELPER cvec c_make(vec re, vec im) {
    cvec v;
    v.re = re;
    v.im = im;
    return v;
}

HELPER cvec c_add(cvec a, cvec b) { return c_make(a.re + b.re, a.im + b.im); }
HELPER cvec c_sub(cvec a, cvec b) { return c_make(a.re - b.re, a.im - b.im); }
HELPER cvec c_conj(cvec a) { return c_make(a.re, -a.im); }
HELPER cvec c_scale(cvec a, float s) { return c_make(a.re * s, a.im * s); }
HELPER cvec c_axpy(cvec a, float s, cvec b) { return c_make(a.re + s * b.re, a.im + s * b.im); }
HELPER cvec c_sub_i(cvec a, cvec b) { return c_make(a.re + b.im, a.im - b.re); }
HELPER cvec c_add_i(cvec a, cvec b) { return c_make(a.re - b.im, a.im + b.re); }
HELPER cvec c_turn(cvec a, float2 w) {
    return c_make(a.re * w.x - a.im * w.y, a.im * w.x + a.re * w.y);
}
HELPER cvec c_multiply(cvec a, cvec b) {
    return c_make(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
}

/* ------------------------------------------------------------------ LANES channels and memory */

/* The first `left` of LANES numbers, zero behind; and back. */
HELPER vec load(__global const float *p, int left) {
#if CPU_FORM
    if (left >= LANES)
        return *(__global const vec_anywhere *)p;
    float v[LANES];
    for (int i = 0; i < LANES; i++)
        v[i] = i < left ? p[i] : 0.0f;
    return vload16(0, v);
#else
    return left > 0 ? *p : 0.0f;
#endif
}

HELPER void store(__global float *p, vec v, int left, int add) {
#if CPU_FORM
    if (left >= LANES) {
        __global vec_anywhere *to = (__global vec_anywhere *)p;
        *to = add ? v + *to : v;
        return;
    }
    float lane[LANES];
    vstore16(v, 0, lane);
    for (int i = 0; i < left; i++)
        PUT(p[i], lane[i], add);
#else
    if (left > 0)
        PUT(*p, v, add);
#endif
}

/* The same for LANES complex numbers as they lie in a symbol: re, im, re, im, .. */
HELPER cvec load_complex(__global const float *p, int left) {
#if CPU_FORM
    float16 a = load(p, 2 * left), b = load(p + LANES, 2 * left - LANES);
    return c_make((float16)(a.even, b.even), (float16)(a.odd, b.odd));
#else
    return c_make(load(p, left), load(p + 1, left));
#endif
}

HELPER void store_complex(__global float *p, cvec v, int left, int add) {
#if CPU_FORM
    float16 a, b;
    a.even = v.re.lo;
    a.odd = v.im.lo;
    b.even = v.re.hi;
    b.odd = v.im.hi;
    store(p, a, 2 * left, add);
    store(p + LANES, b, 2 * left - LANES, add);
#else
    store(p, v.re, left, add);
    store(p + 1, v.im, left, add);
#endif
}

#define FORWARD_OPERANDS READ(u), READ(symbol), WRITE(y)
#define BACKWARD_OPERANDS                                                                          \
    READ(u), READ(symbol), UNUSED(y), WRITE(du), WRITE(dsymbol), READ(dy), uint accumulate

/* Columns of the half spectrum that hold their own mirror image: mx = 0, and mx = W/2, W even. Only
 * the part of G that is Hermitian along ky acts there. */
HELPER int own_mirror(int kx, int width) { return kx == 0 || 2 * kx == width; }

HELPER cvec load_symbol(__global const float *symbol, int ky, int kx, int c, int height, int width,
                        int channels) {
    int half_width = width / 2 + 1;
    size_t stride = (size_t)half_width * channels * 2, at = ((size_t)kx * channels + c) * 2;
    cvec g = load_complex(symbol + ky * stride + at, channels - c);
    if (!own_mirror(kx, width))
        return g;
    cvec h = load_complex(symbol + (ky ? height - ky : 0) * stride + at, channels - c);
    return c_scale(c_add(g, c_conj(h)), 0.5f);
}

#ifdef POINTS
#if !CPU_FORM
#include "spectral_filter_registers.clh"
#endif
#elif defined(HEIGHT)
#include "spectral_filter_fused.clh"
#else
#include "spectral_filter_any.clh"
#endif
