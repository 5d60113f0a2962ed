/* SPDX-License-Identifier: MIT */
/* cdr_symbol.c: the symbol of convection, diffusion and reaction,
 *
 *   G = D + sum_n w_n E_n,  E = exp(l),
 *   l = -(kyy ky^2 + 2 kxy ~ky ~kx + kxx kx^2) + r + i (by ~ky + bx ~kx),  k = 2 pi m,
 *
 * with ~k = 0 on Nyquist lines, or phi1(l) instead of exp(l) (forced). The phases are products of
 * one factor for each row and one for each column, so that a mode costs one real exponential.
 * Vectors run over channels. */
#include <math.h>

#include "cdr_symbol.h"
#include "fft_lanes.h"

static const float TAU = 6.28318530718f;

typedef struct symbol_job {
    pdessm_pool *pool;
    pdessm_cdr c;
    int64_t half, cuts;
    float *symbol;
    const float *dsymbol;
    float *gradient[5]; /* of the five, in that order; NULL: not wanted */
    unsigned add;       /* bit i: gradient[i] is added to */
} symbol_job;

/* One term of LANES channels; k's factor 2 pi is folded in, so that wavenumbers are integers. */
typedef struct term {
    vec kyy, kxy2, kxx, by, bx, r, w;
} term;

/* Integer wavenumber at index i of n, and the same with the Nyquist rule. */
static inline float wave(int64_t i, int64_t n) {
    return (float)(2 * i < n ? i : i - n);
}

static inline float wave_odd(int64_t i, int64_t n) {
    return 2 * i == n ? 0.0f : wave(i, n);
}

static int64_t lanes_at(const symbol_job *job, int64_t group) {
    int64_t left = job->c.channels - group * LANES;
    return left < LANES ? left : LANES;
}

/* p[stride * i], i < count, and zero behind. */
static vec gather(const float *p, int64_t stride, int64_t count) {
    float v[LANES] = {0};
    for (int64_t i = 0; i < count; i++)
        v[i] = p[i * stride];
    return vec_load(v);
}

static term load_term(const symbol_job *job, int64_t group, int64_t n) {
    int64_t at = group * LANES * job->c.terms + n, s = job->c.terms, count = lanes_at(job, group);
    return (term){
        .kyy = gather(job->c.diffusion + 3 * at, 3 * s, count) * (TAU * TAU),
        .kxy2 = gather(job->c.diffusion + 3 * at + 1, 3 * s, count) * (2 * TAU * TAU),
        .kxx = gather(job->c.diffusion + 3 * at + 2, 3 * s, count) * (TAU * TAU),
        .by = gather(job->c.convection + 2 * at, 2 * s, count),
        .bx = gather(job->c.convection + 2 * at + 1, 2 * s, count),
        .r = gather(job->c.reaction + at, s, count),
        .w = gather(job->c.weight + at, s, count),
    };
}

static inline cvec get(const float *p) {
    return (cvec){vec_load(p), vec_load(p + LANES)};
}

static inline void put(float *p, cvec v) {
    vec_store(p, v.re);
    vec_store(p + LANES, v.im);
}

/* exp(i bx ~kx) for all columns of the half spectrum. */
static void column_phases(const symbol_job *job, vec bx, float *phase) {
    for (int64_t x = 0; x < job->half; x++)
        put(phase + x * COMPLEX, vec_phase(bx, wave_odd(x, job->c.width)));
}

/* exp(l) and l of one term along one row. */
typedef struct row {
    vec real, cross, kxx, im, bx; /* l = real - mx cross - mx^2 kxx + i (im + ~mx bx) */
    cvec phase;
    int64_t end; /* columns from here on hold nothing that a float would show */
} row;

/* Diffusion damps what lies further out. e^-25 = 1e-11 is lost beside the mean's e^r and D. */
static const float FAINT = -25.0f;

/* The first column from which on Re l < FAINT in all lanes; the cross term counts where it works
 * against the damping only, which covers the Nyquist column, where there is none. */
static int64_t visible_columns(const symbol_job *job, const row *r) {
    float real[LANES], cross[LANES], kxx[LANES], most = -1.0f;
    vec_store(real, r->real);
    vec_store(cross, r->cross);
    vec_store(kxx, r->kxx);
#pragma omp simd reduction(max : most)
    for (int i = 0; i < LANES; i++) {
        float c = cross[i] < 0.0f ? -cross[i] : 0.0f;
        float square = c * c + 4.0f * kxx[i] * (real[i] - FAINT);
        float root = square < 0.0f ? -1.0f : (c + sqrtf(square)) / (2.0f * kxx[i]);
        root = root == root ? root : INFINITY; /* K = 0, or what is no number must show */
        most = root > most ? root : most;
    }
    return most < (float)job->half - 1.0f ? (int64_t)(most + 1.0f) : job->half;
}

static row row_of(const symbol_job *job, const term *t, int64_t y) {
    float m = wave(y, job->c.height), odd = wave_odd(y, job->c.height);
    row r = {.real = t->r - t->kyy * (m * m),
             .cross = t->kxy2 * odd,
             .kxx = t->kxx,
             .im = t->by * (TAU * odd),
             .bx = t->bx * TAU,
             .phase = vec_phase(t->by, odd)};
    r.end = job->c.forced ? job->half : visible_columns(job, &r);
    return r;
}

static inline cvec exponential(const row *r, float m, float odd, const float *phase,
                               vec *ret_real) {
    vec real = r->real - odd * r->cross - (m * m) * r->kxx;
    *ret_real = real;
    vec size = vec_exp(real);
    cvec turn = c_multiply(r->phase, get(phase));
    return (cvec){size * turn.re, size * turn.im};
}

/* Rows [begin, end) of a group of channels. Scratch: phases of all terms' columns, then rows. */
static void forward_rows(const symbol_job *job, int64_t group, int64_t begin, int64_t end,
                         float *scratch) {
    int64_t s = job->c.terms, lanes = lanes_at(job, group);
    term *terms = (term *)scratch;
    row *rows = (row *)(terms + s);
    float *phases = (float *)(rows + s);
    vec skip = gather(job->c.skip + group * LANES, 1, lanes);
    for (int64_t n = 0; n < s; n++) {
        terms[n] = load_term(job, group, n);
        column_phases(job, terms[n].bx, phases + n * job->half * COMPLEX);
    }
    for (int64_t y = begin; y < end; y++) {
        for (int64_t n = 0; n < s; n++)
            rows[n] = row_of(job, &terms[n], y);
        for (int64_t x = 0; x < job->half; x++) {
            float m = wave(x, job->c.width), odd = wave_odd(x, job->c.width);
            cvec g = {skip, {0}};
            for (int64_t n = 0; n < s; n++) {
                if (x >= rows[n].end)
                    continue;
                vec real;
                cvec e =
                    exponential(&rows[n], m, odd, phases + (n * job->half + x) * COMPLEX, &real);
                if (job->c.forced) {
                    cvec slope;
                    c_phi1((cvec){real, rows[n].im + odd * rows[n].bx}, e, &e, &slope);
                }
                g.re += terms[n].w * e.re;
                g.im += terms[n].w * e.im;
            }
            float pair[COMPLEX];
            float *to = job->symbol + ((y * job->half + x) * job->c.channels + group * LANES) * 2;
            interleave(g, lanes == LANES ? to : pair);
            if (lanes < LANES)
                memcpy(to, pair, (size_t)(2 * lanes) * sizeof *to);
        }
    }
}

static void forward_task(void *argument, int64_t index, int worker) {
    const symbol_job *job = argument;
    int64_t group = index / job->cuts, cut = index % job->cuts;
    forward_rows(job, group, job->c.height * cut / job->cuts, job->c.height * (cut + 1) / job->cuts,
                 pdessm_pool_scratch(job->pool, worker));
}

/* dL/dG of LANES channels at one mode, as dRe - i dIm, which a change of G is multiplied by. */
static cvec load_gradient(const symbol_job *job, int64_t group, int64_t mode, int64_t lanes) {
    const float *p = job->dsymbol + (mode * job->c.channels + group * LANES) * 2;
    float pair[COMPLEX] = {0};
    if (lanes < LANES) {
        memcpy(pair, p, (size_t)(2 * lanes) * sizeof *p);
        p = pair;
    }
    cvec g = separate(vec_load(p), vec_load(p + LANES));
    return (cvec){g.re, -g.im};
}

/* Sums over modes of one term, with P = w E' dG (E' = dE/dl). */
typedef struct sums {
    vec kyy, kxy, kxx, by, bx, r, w;
} sums;

static void add_row(const symbol_job *job, int64_t group, int64_t y, const row *r,
                    const float *phases, sums *total) {
    int64_t lanes = lanes_at(job, group);
    float my = wave(y, job->c.height), my_odd = wave_odd(y, job->c.height);
    cvec zeroth = {{0}, {0}}, first = zeroth; /* sums of P and ~mx P, without the w */
    vec second = {0}, weight = {0};
    for (int64_t x = 0; x < r->end; x++) {
        float m = wave(x, job->c.width), odd = wave_odd(x, job->c.width);
        cvec g = load_gradient(job, group, y * job->half + x, lanes);
        vec real;
        cvec e = exponential(r, m, odd, phases + x * COMPLEX, &real), slope = e;
        if (job->c.forced)
            c_phi1((cvec){real, r->im + odd * r->bx}, e, &e, &slope);
        cvec p = c_multiply(slope, g);
        weight += e.re * g.re - e.im * g.im;
        zeroth = c_add(zeroth, p);
        first = c_axpy(first, odd, p);
        second += p.re * (m * m);
    }
    total->kyy -= (my * my) * zeroth.re;
    total->kxy -= my_odd * first.re;
    total->kxx -= second;
    total->by -= my_odd * zeroth.im;
    total->bx -= first.im;
    total->r += zeroth.re;
    total->w += weight;
}

/* Lane i goes to p[stride * i]. */
static void scatter(const symbol_job *job, int which, int64_t offset, int64_t stride, vec v,
                    int64_t count) {
    if (!job->gradient[which])
        return;
    float lane[LANES], *p = job->gradient[which] + offset;
    vec_store(lane, v);
    for (int64_t i = 0; i < count; i++, p += stride)
        *p = ((job->add >> which) & 1 ? *p : 0) + lane[i];
}

static vec skip_gradient(const symbol_job *job, int64_t group) {
    vec sum = {0};
    for (int64_t mode = 0; mode < job->c.height * job->half; mode++)
        sum += load_gradient(job, group, mode, lanes_at(job, group)).re;
    return sum;
}

enum { DIFFUSION, CONVECTION, REACTION, WEIGHT, SKIP };

static void backward_task(void *argument, int64_t index, int worker) {
    const symbol_job *job = argument;
    int64_t group = index / job->c.terms, n = index % job->c.terms, s = job->c.terms;
    int64_t lanes = lanes_at(job, group), at = group * LANES * s + n;
    float *phases = pdessm_pool_scratch(job->pool, worker);
    term t = load_term(job, group, n);
    sums total = {{0}, {0}, {0}, {0}, {0}, {0}, {0}};
    column_phases(job, t.bx, phases);
    for (int64_t y = 0; y < job->c.height; y++) {
        row r = row_of(job, &t, y);
        add_row(job, group, y, &r, phases, &total);
    }
    vec square = t.w * (TAU * TAU);
    scatter(job, DIFFUSION, 3 * at, 3 * s, total.kyy * square, lanes);
    scatter(job, DIFFUSION, 3 * at + 1, 3 * s, total.kxy * square * 2.0f, lanes);
    scatter(job, DIFFUSION, 3 * at + 2, 3 * s, total.kxx * square, lanes);
    scatter(job, CONVECTION, 2 * at, 2 * s, total.by * t.w * TAU, lanes);
    scatter(job, CONVECTION, 2 * at + 1, 2 * s, total.bx * t.w * TAU, lanes);
    scatter(job, REACTION, at, s, total.r * t.w, lanes);
    scatter(job, WEIGHT, at, s, total.w, lanes);
    if (n == 0)
        scatter(job, SKIP, group * LANES, 1, skip_gradient(job, group), lanes);
}

size_t FALLBACK(cdr_symbol_scratch)(int64_t terms, int64_t width) {
    return (size_t)terms *
           (sizeof(term) + sizeof(row) + (size_t)((width / 2 + 1) * COMPLEX) * sizeof(float));
}

void FALLBACK(cdr_symbol_forward)(pdessm_pool *pool, const pdessm_cdr *cdr, float *symbol) {
    int64_t groups = (cdr->channels + LANES - 1) / LANES;
    int64_t cuts = (4 * pdessm_pool_workers(pool) + groups - 1) / groups;
    symbol_job job = {.pool = pool,
                      .c = *cdr,
                      .half = cdr->width / 2 + 1,
                      .cuts = cuts < cdr->height ? cuts : cdr->height,
                      .symbol = symbol};
    pdessm_parallel(pool, groups * job.cuts, forward_task, &job);
}

void FALLBACK(cdr_symbol_backward)(pdessm_pool *pool, const pdessm_cdr *cdr, const float *dsymbol,
                                   float *const gradient[5], unsigned add) {
    int64_t groups = (cdr->channels + LANES - 1) / LANES;
    symbol_job job = {
        .pool = pool, .c = *cdr, .half = cdr->width / 2 + 1, .dsymbol = dsymbol, .add = add};
    memcpy(job.gradient, gradient, sizeof job.gradient);
    pdessm_parallel(pool, groups * cdr->terms, backward_task, &job);
}
