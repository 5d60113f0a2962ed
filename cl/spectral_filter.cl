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
 * Without: any grid, line by line by the definition, spectra in global memory; and what is needed
 * around a library's transforms.
 *
 * kernel_check: -DHEIGHT=16 -DWIDTH=56 -DTILE=2 -DGROUP=64 -DHR0=4 -DHR1=4 -DHR2=1 -DHR3=1 -DWR0=8 -DWR1=7 -DWR2=1 -DWR3=1
 * kernel_check: -DHEIGHT=16 -DWIDTH=56 -DTILE=2 -DGROUP=64 -DHR0=4 -DHR1=4 -DHR2=1 -DHR3=1 -DWR0=8 -DWR1=7 -DWR2=1 -DWR3=1 -DBACKWARD
 * kernel_check: -DHEIGHT=66 -DWIDTH=15 -DTILE=1 -DGROUP=64 -DHR0=11 -DHR1=6 -DHR2=1 -DHR3=1 -DWR0=5 -DWR1=3 -DWR2=1 -DWR3=1 -DBACKWARD
 * kernel_check: -DANY_GRID
 */

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

inline cvec c_make(vec re, vec im) {
    cvec v;
    v.re = re;
    v.im = im;
    return v;
}

inline cvec c_add(cvec a, cvec b) { return c_make(a.re + b.re, a.im + b.im); }
inline cvec c_sub(cvec a, cvec b) { return c_make(a.re - b.re, a.im - b.im); }
inline cvec c_conj(cvec a) { return c_make(a.re, -a.im); }
inline cvec c_scale(cvec a, float s) { return c_make(a.re * s, a.im * s); }
inline cvec c_axpy(cvec a, float s, cvec b) { return c_make(a.re + s * b.re, a.im + s * b.im); }
inline cvec c_sub_i(cvec a, cvec b) { return c_make(a.re + b.im, a.im - b.re); }
inline cvec c_add_i(cvec a, cvec b) { return c_make(a.re - b.im, a.im + b.re); }
inline cvec c_turn(cvec a, float2 w) {
    return c_make(a.re * w.x - a.im * w.y, a.im * w.x + a.re * w.y);
}
inline cvec c_multiply(cvec a, cvec b) {
    return c_make(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
}

/* ------------------------------------------------------------------ LANES channels and memory */

/* The first `left` of LANES numbers, zero behind; and back. */
inline vec load(__global const float *p, int left) {
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

inline void store(__global float *p, vec v, int left, int add) {
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
inline cvec load_complex(__global const float *p, int left) {
#if CPU_FORM
    float16 a = load(p, 2 * left), b = load(p + LANES, 2 * left - LANES);
    return c_make((float16)(a.even, b.even), (float16)(a.odd, b.odd));
#else
    return c_make(load(p, left), load(p + 1, left));
#endif
}

inline void store_complex(__global float *p, cvec v, int left, int add) {
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
inline int own_mirror(int kx, int width) { return kx == 0 || 2 * kx == width; }

inline cvec load_symbol(__global const float *symbol, int ky, int kx, int c, int height, int width,
                        int channels) {
    int half_width = width / 2 + 1;
    size_t stride = (size_t)half_width * channels * 2, at = ((size_t)kx * channels + c) * 2;
    cvec g = load_complex(symbol + ky * stride + at, channels - c);
    if (!own_mirror(kx, width))
        return g;
    cvec h = load_complex(symbol + (ky ? height - ky : 0) * stride + at, channels - c);
    return c_scale(c_add(g, c_conj(h)), 0.5f);
}

#ifdef HEIGHT
/* ------------------------------------------------------------------ small transforms */

inline void dft1(cvec *v) { (void)v; }

inline void dft2(cvec *v) {
    cvec a = v[0];
    v[0] = c_add(a, v[1]);
    v[1] = c_sub(a, v[1]);
}

inline void dft3(cvec *v) {
    cvec sum = c_add(v[1], v[2]), difference = c_scale(c_sub(v[1], v[2]), 0.86602540378f);
    cvec t = c_axpy(v[0], -0.5f, sum);
    v[0] = c_add(v[0], sum);
    v[1] = c_sub_i(t, difference);
    v[2] = c_add_i(t, difference);
}

inline void dft4(cvec *v) {
    cvec a = c_add(v[0], v[2]), b = c_sub(v[0], v[2]), c = c_add(v[1], v[3]), d = c_sub(v[1], v[3]);
    v[0] = c_add(a, c);
    v[1] = c_sub_i(b, d);
    v[2] = c_sub(a, c);
    v[3] = c_add_i(b, d);
}

inline void dft8(cvec *v) {
    const float h = 0.70710678119f;
    cvec even[4], odd[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        even[i] = v[2 * i];
        odd[i] = v[2 * i + 1];
    }
    dft4(even);
    dft4(odd);
    odd[1] = c_turn(odd[1], (float2)(h, -h));
    odd[2] = c_make(odd[2].im, -odd[2].re);
    odd[3] = c_turn(odd[3], (float2)(-h, -h));
#pragma unroll
    for (int i = 0; i < 4; i++) {
        v[i] = c_add(even[i], odd[i]);
        v[i + 4] = c_sub(even[i], odd[i]);
    }
}

/* 6 = 2 x 3 without twiddles: sample 3a + 2b, frequency 3k + 4l (mod 6). */
inline void dft6(cvec *v) {
    cvec even[3], odd[3];
#pragma unroll
    for (int i = 0; i < 3; i++) {
        even[i] = v[2 * i];
        odd[i] = v[(2 * i + 3) % 6];
    }
    dft3(even);
    dft3(odd);
#pragma unroll
    for (int i = 0; i < 3; i++) {
        v[4 * i % 6] = c_add(even[i], odd[i]);
        v[(4 * i + 3) % 6] = c_sub(even[i], odd[i]);
    }
}

/* Odd p by the definition, opposite frequencies sharing their sums; roots[step i] = exp(-2 pi i/p) */
inline void dft_odd(cvec *v, const int p, __global const float2 *roots, int step) {
    cvec sum[16], difference[16], zero = v[0];
#pragma unroll 4
    for (int q = 1; q <= p / 2; q++) {
        sum[q] = c_add(v[q], v[p - q]);
        difference[q] = c_sub(v[q], v[p - q]);
        v[0] = c_add(v[0], sum[q]);
    }
#pragma unroll 4
    for (int k = 1; k <= p / 2; k++) {
        cvec even = zero, odd = c_scale(zero, 0.0f);
#pragma unroll 4
        for (int q = 1; q <= p / 2; q++) {
            float2 w = roots[k * q % p * step];
            even = c_axpy(even, w.x, sum[q]);
            odd = c_axpy(odd, -w.y, difference[q]);
        }
        v[k] = c_sub_i(even, odd);
        v[p - k] = c_add_i(even, odd);
    }
}

inline void dft(cvec *v, const int radix, __global const float2 *roots, int step) {
    switch (radix) {
    case 1:
        break;
    case 2:
        dft2(v);
        break;
    case 3:
        dft3(v);
        break;
    case 4:
        dft4(v);
        break;
    case 6:
        dft6(v);
        break;
    case 8:
        dft8(v);
        break;
    default:
        dft_odd(v, radix, roots, step);
    }
}

/* ------------------------------------------------------------------ the plane in local memory */

#define HALF_WIDTH (WIDTH / 2 + 1)
/* On CPUs an odd pitch keeps a column from falling into few sets of the cache. */
#define PITCH (CPU_FORM ? WIDTH | 1 : WIDTH)
#define PAIR (2 * LANES)
#define PLANE (HEIGHT * PITCH * TILE)
#define MODES (HEIGHT * HALF_WIDTH * TILE)

/* What the tables kernel leaves at the front of the scratch buffer. Transforms decimate in frequency
 * and leave their results in the order of reversed digits; nobody sorts them. */
typedef struct {
    float2 root_y[HEIGHT], root_x[WIDTH]; /* exp(-2 pi i k/n) */
    int place_y[HEIGHT], place_x[WIDTH];  /* where a frequency stands */
} tables;
/* Floats before the partial sums. */
#define TABLE_FLOATS (3 * (HEIGHT + WIDTH))

inline int place_of(int frequency, int n, int r0, int r1, int r2, int r3) {
    const int radix[4] = {r0, r1, r2, r3};
    int place = 0, block = n;
    for (int s = 0; s < 4; s++) {
        block /= radix[s];
        place += frequency % radix[s] * block;
        frequency /= radix[s];
    }
    return place;
}

inline void fill_tables(__global tables *t, int i) {
    if (i < HEIGHT) {
        t->root_y[i] = (float2)(cospi(2.0f * i / HEIGHT), -sinpi(2.0f * i / HEIGHT));
        t->place_y[i] = place_of(i, HEIGHT, HR0, HR1, HR2, HR3);
    }
    if (i < WIDTH) {
        t->root_x[i] = (float2)(cospi(2.0f * i / WIDTH), -sinpi(2.0f * i / WIDTH));
        t->place_x[i] = place_of(i, WIDTH, WR0, WR1, WR2, WR3);
    }
}

#ifdef BACKWARD
__kernel void spectral_filter_tables_backward(BACKWARD_OPERANDS, __global float *scratch) {
#else
__kernel void spectral_filter_tables_forward(FORWARD_OPERANDS, __global float *scratch) {
#endif
    fill_tables((__global tables *)scratch, (int)get_global_id(0));
}


/* Not plain assignment: a struct is copied in pieces of another size than a vector's. */
inline cvec take(__local const cvec *p) { return c_make(p->re, p->im); }

inline void keep(__local cvec *p, cvec v) {
    p->re = v.re;
    p->im = v.im;
}

/* One stage of one dimension: butterflies of `radix` elements `m` apart. The n elements of a line are
 * `step` apart, the lines `line_step`. Each butterfly writes where it read, so one barrier is enough.
 * An inverse stage decimates in time; with re and im exchanged it is the same transform. */
inline void stage(__local cvec *plane, const int inverse, const int n, const int step,
                  const int lines, const int line_step, const int radix, const int m,
                  __global const float2 *roots) {
    const int each = n / radix;
    if (radix == 1)
        return;
    for (int i = (int)get_local_id(0); i < lines * each * TILE; i += GROUP) {
        int pair = i % TILE, at = i / TILE % each, line = i / TILE / each, j = at % m;
        __local cvec *p = plane + line * line_step + (at / m * radix * m + j) * step + pair;
        cvec v[31];
#pragma unroll 8
        for (int q = 0; q < radix; q++) {
            v[q] = take(p + q * m * step);
            if (inverse)
                v[q] = c_make(v[q].im, v[q].re);
            if (inverse && q && m > 1)
                v[q] = c_turn(v[q], roots[j * q * (each / m)]);
        }
        dft(v, radix, roots, each);
#pragma unroll 8
        for (int q = 0; q < radix; q++) {
            if (inverse)
                v[q] = c_make(v[q].im, v[q].re);
            else if (q && m > 1)
                v[q] = c_turn(v[q], roots[j * q * (each / m)]);
            keep(p + q * m * step, v[q]);
        }
    }
    TOGETHER;
}

#define ROWS(inverse, radix, m)                                                                    \
    stage(plane, inverse, WIDTH, TILE, HEIGHT, PITCH *TILE, radix, m, t->root_x)
#define COLUMNS(inverse, radix, m)                                                                 \
    stage(plane, inverse, HEIGHT, PITCH *TILE, WIDTH, TILE, radix, m, t->root_y)

inline void transform(__local cvec *plane, __global const tables *t) {
    ROWS(0, WR0, WR1 * WR2 * WR3);
    ROWS(0, WR1, WR2 * WR3);
    ROWS(0, WR2, WR3);
    ROWS(0, WR3, 1);
    COLUMNS(0, HR0, HR1 * HR2 * HR3);
    COLUMNS(0, HR1, HR2 * HR3);
    COLUMNS(0, HR2, HR3);
    COLUMNS(0, HR3, 1);
}

inline void transform_back(__local cvec *plane, __global const tables *t) {
    COLUMNS(1, HR3, 1);
    COLUMNS(1, HR2, HR3);
    COLUMNS(1, HR1, HR2 * HR3);
    COLUMNS(1, HR0, HR1 * HR2 * HR3);
    ROWS(1, WR3, 1);
    ROWS(1, WR2, WR3);
    ROWS(1, WR1, WR2 * WR3);
    ROWS(1, WR0, WR1 * WR2 * WR3);
}

/* First channel of a pair of this group's tile. */
inline int channel_of(int pair) { return ((int)get_group_id(0) * TILE + pair) * PAIR; }

inline void image_in(__local cvec *plane, __global const float *image, int channels) {
    for (int i = (int)get_local_id(0); i < HEIGHT * WIDTH * TILE; i += GROUP) {
        int pair = i % TILE, point = i / TILE, c = channel_of(pair);
        __global const float *p = image + (size_t)point * channels + c;
        keep(plane + (point / WIDTH * PITCH + point % WIDTH) * TILE + pair,
             c_make(load(p, channels - c), load(p + LANES, channels - c - LANES)));
    }
    TOGETHER;
}

static /* LANES numbers past the caches, which a large result would only push others out of. */
inline void stream(__global float *p, vec v, int left) {
#if CPU_FORM && __has_builtin(__builtin_nontemporal_store)
    if (left >= LANES && ((size_t)p & 63) == 0) {
        __builtin_nontemporal_store(v, (__global vec *)p);
        return;
    }
#endif
    store(p, v, left, 0);
}

inline void image_out(__local const cvec *plane, __global float *image, int channels, int add) {
    for (int i = (int)get_local_id(0); i < HEIGHT * WIDTH * TILE; i += GROUP) {
        int pair = i % TILE, point = i / TILE, c = channel_of(pair);
        __global float *p = image + (size_t)point * channels + c;
        cvec v = take(plane + (point / WIDTH * PITCH + point % WIDTH) * TILE + pair);
        if (CPU_FORM && !add) {
            stream(p, v.re, channels - c);
            stream(p + LANES, v.im, channels - c - LANES);
            continue;
        }
        store(p, v.re, channels - c, add);
        store(p + LANES, v.im, channels - c - LANES, add);
    }
    TOGETHER;
}

/* Mode i of MODES: its place and that of the opposite mode. */
typedef struct {
    int pair, ky, kx, at, opposite;
    int twin; /* in a column that is its own mirror image, and done by the opposite mode */
} mode;

inline mode mode_at(int i, __global const tables *t) {
    mode m;
    m.pair = i % TILE;
    m.kx = i / TILE % HALF_WIDTH;
    m.ky = i / TILE / HALF_WIDTH;
    int ky = m.ky ? HEIGHT - m.ky : 0, kx = m.kx ? WIDTH - m.kx : 0;
    m.at = (t->place_y[m.ky] * PITCH + t->place_x[m.kx]) * TILE + m.pair;
    m.opposite = (t->place_y[ky] * PITCH + t->place_x[kx]) * TILE + m.pair;
    m.twin = own_mirror(m.kx, WIDTH) && ky < m.ky;
    return m;
}

/* The two fields' spectra are (z + z')/2 and (z - z')/2i with z' = conj Z(-k); with P1 = G1 (z + z')/2
 * and P2 = G2 (z - z')/2 the results are P1 + P2 at k and conj(P1 - P2) at -k. */
inline void filter(__local cvec *plane, __global const tables *t, __global const float *symbol,
                   int channels, int conjugate) {
    for (int i = (int)get_local_id(0); i < MODES; i += GROUP) {
        mode m = mode_at(i, t);
        if (m.twin)
            continue;
        int c = channel_of(m.pair);
        cvec g1 = load_symbol(symbol, m.ky, m.kx, c, HEIGHT, WIDTH, channels);
        cvec g2 = load_symbol(symbol, m.ky, m.kx, c + LANES, HEIGHT, WIDTH, channels);
        if (conjugate) {
            g1 = c_conj(g1);
            g2 = c_conj(g2);
        }
        cvec z = c_scale(take(plane + m.at), 0.5f / (HEIGHT * WIDTH));
        cvec z1 = c_scale(c_conj(take(plane + m.opposite)), 0.5f / (HEIGHT * WIDTH));
        cvec p1 = c_multiply(g1, c_add(z, z1)), p2 = c_multiply(g2, c_sub(z, z1));
        keep(plane + m.opposite, c_conj(c_sub(p1, p2)));
        keep(plane + m.at, c_add(p1, p2));
    }
    TOGETHER;
}

#ifndef BACKWARD
__kernel void spectral_filter_forward(FORWARD_OPERANDS, __global float *scratch, int channels) {
    __local cvec plane[PLANE];
    __global const tables *t = (__global const tables *)scratch;
    size_t image = get_global_id(1) * HEIGHT * WIDTH * channels;
    image_in(plane, AT(u) + image, channels);
    transform(plane, t);
    filter(plane, t, AT(symbol), channels, 0);
    transform_back(plane, t);
    image_out(plane, AT(y) + image, channels, 0);
}

#else
/* ------------------------------------------------------------------ backward */

/* Behind the tables: [part][tile][mode][re Q1, im Q1, re Q2, im Q2][LANES], 4 U conj(g). */
inline __global float *sums_of(__global float *scratch, int part) {
    size_t tile = (size_t)part * get_num_groups(0) + get_group_id(0);
    return scratch + TABLE_FLOATS + tile * MODES * 4 * LANES;
}

inline void put_sum(__global float *p, cvec v, int first) {
    store(p, v.re, LANES, !first);
    store(p + LANES, v.im, LANES, !first);
}

/* Each mode stays with one work-item, so the sums need no barrier. */
inline void correlate(__local const cvec *u, __local const cvec *g, __global const tables *t,
                      __global float *sums, int first) {
    for (int i = (int)get_local_id(0); i < MODES; i += GROUP) {
        mode m = mode_at(i, t);
        if (m.twin)
            continue;
        cvec z = take(u + m.at), z1 = c_conj(take(u + m.opposite));
        cvec h = c_conj(take(g + m.at)), h1 = take(g + m.opposite);
        __global float *p = sums + (size_t)i * 4 * LANES;
        put_sum(p, c_multiply(c_add(z, z1), c_add(h, h1)), first);
        put_sum(p + 2 * LANES, c_multiply(c_sub(z, z1), c_sub(h, h1)), first);
    }
    TOGETHER;
}

/* One part of the batch by one group. */
__kernel void spectral_filter_backward(BACKWARD_OPERANDS, __global float *scratch, int channels,
                                       int batch, int parts) {
    __local cvec plane[PLANE], u_plane[PLANE];
    __global const tables *t = (__global const tables *)scratch;
    int part = (int)get_global_id(1);
    int begin = (int)((long)batch * part / parts), end = (int)((long)batch * (part + 1) / parts);
    for (int b = begin; b < end; b++) {
        size_t image = (size_t)b * HEIGHT * WIDTH * channels;
        image_in(plane, AT(dy) + image, channels);
        transform(plane, t);
        if (GIVEN(dsymbol)) {
            image_in(u_plane, AT(u) + image, channels);
            transform(u_plane, t);
            correlate(u_plane, plane, t, sums_of(scratch, part), b == begin);
        }
        if (GIVEN(du)) {
            filter(plane, t, AT(symbol), channels, 1);
            transform_back(plane, t);
            image_out(plane, AT(du) + image, channels, ADDS(0));
        }
    }
}

/* dL/dG = m (Re Q, -Im Q), m = 2 on columns that stand for their mirror image too; one item for each
 * channel and mode, parts added in order. */
__kernel void spectral_filter_reduce(BACKWARD_OPERANDS, __global const float *scratch,
                                     int channels, int parts, int tiles) {
    int c = (int)get_global_id(0), k = (int)get_global_id(1);
    if (c >= channels || k >= HEIGHT * HALF_WIDTH)
        return;
    int ky = k / HALF_WIDTH, kx = k % HALF_WIDTH, own = own_mirror(kx, WIDTH);
    int opposite = ky ? HEIGHT - ky : 0, twin = own && opposite < ky;
    int pair = c / PAIR, inside = c % PAIR;
    size_t at = ((size_t)(twin ? opposite : ky) * HALF_WIDTH + kx) * TILE + pair % TILE;
    at = ((size_t)(pair / TILE) * MODES + at) * 4 * LANES;
    at += inside / LANES * 2 * LANES + inside % LANES;
    __global const float *sums = scratch + TABLE_FLOATS;
    float re = 0, im = 0;
    for (int part = 0; part < parts; part++, at += (size_t)tiles * MODES * 4 * LANES) {
        re += sums[at];
        im += sums[at + LANES];
    }
    float scale = (own ? 0.25f : 0.5f) / (HEIGHT * WIDTH);
    __global float *to = AT(dsymbol) + ((size_t)k * channels + c) * 2;
    PUT(to[0], scale * re, ADDS(1));
    PUT(to[1], scale * (twin ? im : -im), ADDS(1));
}
#endif

#else
/* ------------------------------------------------------------------ any grid, global memory */

/* Roots (cos, -sin) of 2 pi k/n stand at the front of scratch, those of the height, then those of
 * the width; behind them, from float `base` on, spectra [B, H, W/2+1, C, 2] with numbers 0, 1, 2.
 * Items run over (group of LANES channels, place in a line or mode, line or image). */
#define GRID int batch, int height, int width, int channels, uint base
#define GRID_OF batch, height, width, channels, base
#define HERE                                                                                       \
    int c = (int)get_global_id(0) * LANES, half_width = width / 2 + 1, left = channels - c;        \
    size_t place = get_global_id(1), line = get_global_id(2);                                      \
    if (c >= channels)                                                                             \
        return;

inline __global float *spectrum(__global float *scratch, int number, GRID) {
    return scratch + base + (size_t)number * batch * height * (width / 2 + 1) * channels * 2;
}

inline void fill_roots(__global float *scratch, int height, int width) {
    int i = (int)get_global_id(1);
    int n = i < height ? height : width, k = i < height ? i : i - height;
    if (i >= height + width || get_global_id(0) > 0)
        return;
    scratch[2 * i] = cospi(2.0f * k / n);
    scratch[2 * i + 1] = -sinpi(2.0f * k / n);
}

__kernel void spectral_filter_roots_forward(FORWARD_OPERANDS, __global float *scratch, GRID) {
    fill_roots(scratch, height, width);
}

__kernel void spectral_filter_roots_backward(BACKWARD_OPERANDS, __global float *scratch, GRID) {
    fill_roots(scratch, height, width);
}

/* Real rows to the half spectrum; line = image * height + y. */
inline void rows(__global const float *image, __global float *scratch, int to, GRID) {
    HERE
    __global const float2 *roots = (__global const float2 *)scratch + height;
    __global const float *p = image + line * width * channels + c;
    cvec sum = c_make((vec)(0.0f), (vec)(0.0f));
    for (int x = 0, k = 0; x < width; x++, p += channels) {
        vec v = load(p, left);
        sum.re += v * roots[k].x;
        sum.im += v * roots[k].y;
        k += (int)place;
        k -= k >= width ? width : 0;
    }
    store_complex(spectrum(scratch, to, GRID_OF) +
                      ((line * half_width + place) * channels + c) * 2,
                  sum, left, 0);
}

/* The half spectrum to real rows; a column that stands for its mirror image too counts twice. */
inline void rows_back(__global float *image, __global float *scratch, int from, int add, GRID) {
    HERE
    __global const float2 *roots = (__global const float2 *)scratch + height;
    __global const float *p =
        spectrum(scratch, from, GRID_OF) + (line * half_width * channels + c) * 2;
    vec sum = (vec)(0.0f);
    for (int kx = 0, k = 0; kx < half_width; kx++, p += channels * 2) {
        cvec v = load_complex(p, left);
        float weight = own_mirror(kx, width) ? 1.0f : 2.0f;
        sum += weight * (v.re * roots[k].x + v.im * roots[k].y);
        k += (int)place;
        k -= k >= width ? width : 0;
    }
    store(image + (line * width + place) * channels + c, sum, left, add);
}

/* Columns to frequencies (sign 1) or back (sign -1); line = image * half_width + kx. */
inline void columns(__global float *scratch, int from, int to, float sign, GRID) {
    HERE
    __global const float2 *roots = (__global const float2 *)scratch;
    size_t stride = (size_t)half_width * channels * 2;
    size_t at = line / half_width * height * stride + (line % half_width * channels + c) * 2;
    __global const float *p = spectrum(scratch, from, GRID_OF) + at;
    cvec sum = c_make((vec)(0.0f), (vec)(0.0f));
    for (int y = 0, k = 0; y < height; y++, p += stride) {
        float2 w = (float2)(roots[k].x, sign * roots[k].y);
        sum = c_add(sum, c_turn(load_complex(p, left), w));
        k += (int)place;
        k -= k >= height ? height : 0;
    }
    store_complex(spectrum(scratch, to, GRID_OF) + at + place * stride, sum, left, 0);
}

/* Spectrum times G/(HW), or its conjugate; place = mode, line = image. */
inline void filter(__global const float *symbol, __global float *scratch, int number,
                   int conjugate, GRID) {
    HERE
    int ky = (int)place / half_width, kx = (int)place % half_width;
    cvec g = load_symbol(symbol, ky, kx, c, height, width, channels);
    if (conjugate)
        g = c_conj(g);
    __global float *p = spectrum(scratch, number, GRID_OF) +
                        ((line * height * half_width + place) * channels + c) * 2;
    cvec v = c_scale(load_complex(p, left), 1.0f / ((float)height * width));
    store_complex(p, c_multiply(g, v), left, 0);
}

__kernel void spectral_filter_rows_forward(FORWARD_OPERANDS, __global float *scratch, GRID, int to,
                                           int of_u) {
    (void)of_u;
    rows(AT(u), scratch, to, GRID_OF);
}

__kernel void spectral_filter_rows_back_forward(FORWARD_OPERANDS, __global float *scratch, GRID,
                                                int from) {
    rows_back(AT(y), scratch, from, 0, GRID_OF);
}

__kernel void spectral_filter_columns_forward(FORWARD_OPERANDS, __global float *scratch, GRID,
                                              int from, int to, float sign) {
    columns(scratch, from, to, sign, GRID_OF);
}

__kernel void spectral_filter_multiply_forward(FORWARD_OPERANDS, __global float *scratch, GRID,
                                               int number) {
    filter(AT(symbol), scratch, number, 0, GRID_OF);
}

/* of_u: the rows of u, else those of dy. */
__kernel void spectral_filter_rows_backward(BACKWARD_OPERANDS, __global float *scratch, GRID,
                                            int to, int of_u) {
    rows(of_u ? AT(u) : AT(dy), scratch, to, GRID_OF);
}

__kernel void spectral_filter_rows_back_backward(BACKWARD_OPERANDS, __global float *scratch, GRID,
                                                 int from) {
    rows_back(AT(du), scratch, from, ADDS(0), GRID_OF);
}

__kernel void spectral_filter_columns_backward(BACKWARD_OPERANDS, __global float *scratch, GRID,
                                               int from, int to, float sign) {
    columns(scratch, from, to, sign, GRID_OF);
}

__kernel void spectral_filter_multiply_backward(BACKWARD_OPERANDS, __global float *scratch, GRID,
                                                int number) {
    filter(AT(symbol), scratch, number, 1, GRID_OF);
}

/* dL/dG from the spectra of u and dy; place = mode. */
__kernel void spectral_filter_correlate_backward(BACKWARD_OPERANDS, __global float *scratch, GRID, int of_u,
                                        int of_dy) {
    HERE
    size_t image = (size_t)height * half_width * channels * 2;
    size_t at = (place * channels + c) * 2;
    __global const float *u_hat = spectrum(scratch, of_u, GRID_OF) + at;
    __global const float *dy_hat = spectrum(scratch, of_dy, GRID_OF) + at;
    cvec q = c_make((vec)(0.0f), (vec)(0.0f));
    for (int b = 0; b < batch; b++, u_hat += image, dy_hat += image)
        q = c_add(q, c_multiply(load_complex(u_hat, left), c_conj(load_complex(dy_hat, left))));
    float weight = own_mirror((int)place % half_width, width) ? 1.0f : 2.0f;
    store_complex(AT(dsymbol) + at, c_scale(c_conj(q), weight / ((float)height * width)), left,
                  ADDS(1));
    (void)line;
}

#endif
