/* SPDX-License-Identifier: MIT */
/* spectral_filter_columns.c: columns there, multiply and correlate, columns back. The innermost
 * radix of the columns, both ways, and what stands between are one visit in registers. */
#include "spectral_filter.h"

enum { LARGEST_VISIT = 8 };

#define INLINE static inline __attribute__((always_inline))

INLINE cvec multiply(cvec a, cvec b) {
    return (cvec){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

INLINE cvec conjugate(cvec a) {
    return (cvec){a.re, -a.im};
}

/* Real and imaginary part exchanged: turns a forward transform into an inverse one. */
INLINE cvec exchange(cvec a) {
    return (cvec){a.im, a.re};
}

/* The spectra of the pair's two real fields are (z + z')/2 and (z - z')/2i with z' = conj Z(-k), so
 * with P1 = G1 (z + z')/2 and P2 = G2 (z - z')/2 the results are P1 + P2 at k and, since fields are
 * real, conj(P1 - P2) at -k. */
INLINE void filter_mode(cvec *z, cvec *opposite, const float *symbol) {
    cvec z1 = conjugate(*opposite);
    cvec p1 = multiply(get(symbol), c_add(*z, z1));
    cvec p2 = multiply(get(symbol + COMPLEX), c_sub(*z, z1));
    *opposite = conjugate(c_sub(p1, p2));
    *z = c_add(p1, p2);
}

/* sums += 4 U conj(g) for both fields of the pair. */
INLINE void correlate_mode(cvec u, cvec opposite_u, cvec g, cvec opposite_g, float *sums) {
    cvec u1 = conjugate(opposite_u), h = conjugate(g);
    put(sums, c_add(get(sums), multiply(c_add(u, u1), c_add(h, opposite_g))));
    sums += COMPLEX;
    put(sums, c_add(get(sums), multiply(c_sub(u, u1), c_sub(h, opposite_g))));
}

/* The columns of mx and -mx, which may be the same, at their places in the transforms' order. */
typedef struct columns {
    float *at[2];
    int64_t element; /* floats from one to the next */
} columns;

/* Two columns of g and, to correlate, of u, with their part of the symbol and of the sums. */
typedef struct visit {
    columns g, u;
    const float *symbol; /* NULL: the result is not wanted */
    float *sums;         /* NULL: do not correlate */
    int64_t n;
    const int32_t *mirror; /* of the plan of n */
    filter_ahead *ahead;
} visit;

/* ------------------------------------------------------------------ of whole transforms */

static void filter_modes(const visit *v) {
    const columns *c = &v->g;
    for (int64_t j = 0; j < v->n; j++) {
        float *at = c->at[0] + j * c->element, *opposite = c->at[1] + v->mirror[j] * c->element;
        ask_ahead(v->ahead, 2);
        if (c->at[0] == c->at[1] && v->mirror[j] < j)
            continue;
        cvec z = get(at), z1 = get(opposite);
        filter_mode(&z, &z1, v->symbol + j * 2 * COMPLEX);
        put(opposite, z1);
        put(at, z);
    }
}

static void correlate_modes(const visit *v) {
    const columns *u = &v->u, *g = &v->g;
    for (int64_t j = 0; j < v->n; j++) {
        int64_t at = j * u->element, opposite = v->mirror[j] * u->element;
        ask_ahead(v->ahead, 2);
        if (u->at[0] == u->at[1] && v->mirror[j] < j)
            continue;
        correlate_mode(get(u->at[0] + at), get(u->at[1] + opposite), get(g->at[0] + at),
                       get(g->at[1] + opposite), v->sums + j * 2 * COMPLEX);
    }
}

/* ------------------------------------------------------------------ within the innermost radix */

/* Block b of the column at k and block b1 of the one at -k become frequencies. */
INLINE void transform_blocks(const columns *c, int64_t b, int64_t b1, int r, void (*dft)(cvec *),
                             cvec *z, cvec *z1) {
    const float *x = c->at[0] + b * r * c->element, *x1 = c->at[1] + b1 * r * c->element;
    for (int q = 0; q < r; q++)
        z[q] = get(x + q * c->element);
    dft(z);
    for (int q = 0; q < r; q++)
        z1[q] = get(x1 + q * c->element);
    dft(z1);
}

INLINE void return_block(float *x, int64_t element, int r, void (*dft)(cvec *), cvec *z) {
    for (int q = 0; q < r; q++)
        z[q] = exchange(z[q]);
    dft(z);
    for (int q = 0; q < r; q++)
        put(x + q * element, exchange(z[q]));
}

/* Of a line of n = r B elements, block b holds the frequencies f + B q with 0 <= f < B; the
 * opposite ones are those of the block of B - f in reverse, or, where f = 0, of the same block from
 * its second on in reverse. */
INLINE void visit_blocks(const visit *v, int64_t b, int64_t b1, int r, void (*dft)(cvec *),
                         int zero, int correlate) {
    cvec z[LARGEST_VISIT], z1[LARGEST_VISIT], u[LARGEST_VISIT], u1[LARGEST_VISIT];
    const float *symbol = v->symbol + b * r * 2 * COMPLEX;
    ask_ahead(v->ahead, correlate ? 4 * r : 2 * r);
    transform_blocks(&v->g, b, b1, r, dft, z, z1);
    if (correlate) {
        float *sums = v->sums + b * r * 2 * COMPLEX;
        transform_blocks(&v->u, b, b1, r, dft, u, u1);
        for (int q = 0; q < r; q++) {
            int opposite = zero ? (r - q) % r : r - 1 - q;
            correlate_mode(u[q], u1[opposite], z[q], z1[opposite], sums + q * 2 * COMPLEX);
        }
    }
    for (int q = 0; q < r; q++)
        filter_mode(&z[q], &z1[zero ? (r - q) % r : r - 1 - q], symbol + q * 2 * COMPLEX);
    return_block(v->g.at[0] + b * r * v->g.element, v->g.element, r, dft, z);
    return_block(v->g.at[1] + b1 * r * v->g.element, v->g.element, r, dft, z1);
}

INLINE void visit_lines(const visit *v, int r, void (*dft)(cvec *), int correlate) {
    visit_blocks(v, 0, 0, r, dft, 1, correlate);
    for (int64_t b = 1; b < v->n / r; b++)
        visit_blocks(v, b, v->mirror[b * r] / r, r, dft, 0, correlate);
}

#define VISIT(r)                                                                                   \
    static void filter##r(const visit *v) {                                                        \
        visit_lines(v, r, dft##r, 0);                                                              \
    }                                                                                              \
    static void correlate##r(const visit *v) {                                                     \
        visit_lines(v, r, dft##r, 1);                                                              \
    }

VISIT(2)
VISIT(3)
VISIT(4)
VISIT(5)
VISIT(6)
VISIT(7)
VISIT(8)

/* NULL: these columns want whole transforms. */
static void (*visitor(const filter_job *job, int64_t mx, int correlate))(const visit *v) {
    static void (*const table[2][LARGEST_VISIT + 1])(const visit *v) = {
        {NULL, NULL, filter2, filter3, filter4, filter5, filter6, filter7, filter8},
        {NULL, NULL, correlate2, correlate3, correlate4, correlate5, correlate6, correlate7,
         correlate8},
    };
    int radix = fft_inner_radix(job->columns);
    return own_mirror(job, mx) || !job->out || radix > LARGEST_VISIT ? NULL
                                                                     : table[correlate][radix];
}

/* ------------------------------------------------------------------ planes */

/* All but the outer radices of two columns. `lines`: where they stand; u at the same places. */
static void inner(const filter_job *job, int64_t mx, const visit *v, int64_t lines, float *work) {
    const fft_plan *plan = job->columns;
    void (*quick)(const visit *v) = visitor(job, mx, v->sums != NULL);
    if (quick) {
        quick(v);
        return;
    }
    const fft_stride stride = {v->g.element, v->g.at[1] - v->g.at[0]};
    const fft_lines l = {lines, stride, stride, 0};
    FALLBACK(fft_inner)(plan, &l, v->g.at[0], work, 0);
    if (v->sums) {
        FALLBACK(fft_inner)(plan, &l, v->u.at[0], work, 0);
        correlate_modes(v);
    }
    if (!v->symbol)
        return;
    filter_modes(v);
    FALLBACK(fft_inner)(plan, &l, v->g.at[0], work, 1);
}

/* Where the columns of mx and -mx stand in a plane. */
static columns columns_at(const filter_job *job, float *plane, int64_t mx) {
    int64_t opposite = (job->width - mx) % job->width;
    return (columns){
        {plane + job->rows->place[mx] * COMPLEX, plane + job->rows->place[opposite] * COMPLEX},
        job->pitch};
}

static visit visit_of(const filter_job *job, int64_t mx, const float *symbol, float *sums,
                      filter_ahead *ahead) {
    int64_t offset = mx * job->height * 2 * COMPLEX;
    return (visit){.symbol = job->out ? symbol + offset : NULL,
                   .sums = sums ? sums + offset : NULL,
                   .n = job->height,
                   .mirror = job->columns->mirror,
                   .ahead = ahead};
}

/* Small planes stay in the first cache, so all their columns are transformed together, in place. */
static void small_plane(const filter_job *job, float *plane, float *u_plane, const float *symbol,
                        float *sums, float *work, filter_ahead *ahead) {
    const fft_lines l = {job->width, {job->pitch, COMPLEX}, {job->pitch, COMPLEX}, 0};
    FALLBACK(fft_open)(job->columns, &l, plane, plane);
    if (sums)
        FALLBACK(fft_open)(job->columns, &l, u_plane, u_plane);
    for (int64_t mx = 0; mx < job->half; mx++) {
        visit v = visit_of(job, mx, symbol, sums, ahead);
        v.g = columns_at(job, plane, mx);
        v.u = columns_at(job, u_plane, mx);
        inner(job, mx, &v, own_mirror(job, mx) ? 1 : 2, work);
    }
    if (job->out)
        FALLBACK(fft_close)(job->columns, &l, plane, plane);
}

/* Large ones give up two columns at a time, which stay in the first cache until they return. */
static fft_lines borrow(const filter_job *job, columns *c, float *line) {
    int alone = c->at[0] == c->at[1];
    int64_t size = job->height * COMPLEX;
    fft_lines l = {alone ? 1 : 2, {job->pitch, c->at[1] - c->at[0]}, {COMPLEX, size}, 0};
    FALLBACK(fft_open)(job->columns, &l, c->at[0], line);
    *c = (columns){{line, alone ? line : line + size}, COMPLEX};
    return l;
}

static void large_plane(const filter_job *job, float *plane, float *u_plane, const float *symbol,
                        float *sums, float *line, filter_ahead *ahead) {
    int outer = fft_has_outer(job->columns);
    for (int64_t mx = 0; mx < job->half; mx++) {
        visit v = visit_of(job, mx, symbol, sums, ahead);
        fft_lines l = {.lines = own_mirror(job, mx) ? 1 : 2};
        v.g = columns_at(job, plane, mx);
        v.u = columns_at(job, u_plane, mx);
        float *home = v.g.at[0];
        if (outer)
            l = borrow(job, &v.g, line);
        if (outer && sums)
            borrow(job, &v.u, line + 2 * job->height * COMPLEX);
        inner(job, mx, &v, l.lines, line + job->line_floats);
        fft_lines back = {l.lines, l.out, l.in, 0};
        if (outer && job->out)
            FALLBACK(fft_close)(job->columns, &back, line, home);
    }
}

void FALLBACK(filter_plane)(const filter_job *job, float *plane, float *u_plane,
                            const float *symbol, float *sums, float *line, filter_ahead *ahead) {
    if (plane_floats(job) <= SMALL_PLANE)
        small_plane(job, plane, u_plane, symbol, sums, line + job->line_floats, ahead);
    else
        large_plane(job, plane, u_plane, symbol, sums, line, ahead);
}
