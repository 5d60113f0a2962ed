/* SPDX-License-Identifier: MIT */
/* spectral_filter_image.c: one image, one block of channels: rows, columns, multiply, and back. */
#include "fft_butterfly.h"
#include "spectral_filter.h"

static inline cvec get(const float *p) {
    return (cvec){vec_load(p), vec_load(p + LANES)};
}

static inline cvec get_conj(const float *p) {
    return (cvec){vec_load(p), -vec_load(p + LANES)};
}

static inline void put(float *p, cvec v) {
    vec_store(p, v.re);
    vec_store(p + LANES, v.im);
}

static inline cvec multiply(cvec a, cvec b) {
    return (cvec){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/* n channels (at most two groups) as one complex vector, and back. */
static cvec get_part(const float *p, int64_t n) {
    cvec v = {{0}, {0}};
    v.re = vec_load_part(p, n < LANES ? n : LANES);
    if (n > LANES)
        v.im = vec_load_part(p + LANES, n - LANES);
    return v;
}

static void put_part(float *p, cvec v, int64_t n) {
    vec_store_part(p, v.re, n < LANES ? n : LANES);
    if (n > LANES)
        vec_store_part(p + LANES, v.im, n - LANES);
}

/* Rows that are transformed at a time, so that all passes over them stay in the first cache. */
static int64_t row_chunk(const filter_job *job, int64_t y) {
    return job->chunk < job->height - y ? job->chunk : job->height - y;
}

/* A channel pair's rows of an image into its plane, transformed. */
static void rows_in(const filter_job *job, int64_t pair, const float *image, float *plane,
                    float *line) {
    int64_t width = job->width, channels = job->channels, size = pair_size(job, pair);
    float *work = line + job->line_floats;
    for (int64_t y = 0, rows; y < job->height; y += rows) {
        const float *in = image + y * width * channels + pair_channel(pair);
        rows = row_chunk(job, y);
        fft_lines l = {rows, {channels, width * channels}, {COMPLEX, job->pitch}};
        if (size < COMPLEX) {
            for (int64_t i = 0; i < rows * width; i++)
                put(line + i * COMPLEX, get_part(in + i * channels, size));
            in = line;
            l.in = (fft_stride){COMPLEX, width * COMPLEX};
        }
        FALLBACK(fft_forward)(job->rows, &l, in, plane + y * job->pitch, work);
    }
}

/* Finished pixels to memory. */
static void emit(const filter_job *job, const float *line, float *out, int64_t pixels,
                 int64_t size) {
    int64_t channels = job->channels;
    for (int64_t i = 0; i < pixels; i++, line += COMPLEX, out += channels) {
        cvec v = get(line);
        if (job->stream && size == COMPLEX) {
            vec_stream(out, v.re);
            vec_stream(out + LANES, v.im);
        } else if (size == COMPLEX) {
            put(out, job->add_out ? c_add(v, get(out)) : v);
        } else {
            put_part(out, job->add_out ? c_add(v, get_part(out, size)) : v, size);
        }
    }
}

/* The planes of a block to an image, all pairs of some rows together: long runs of memory. */
static void rows_out(const filter_job *job, int64_t block, float *plane, float *image,
                     float *line) {
    int64_t width = job->width, channels = job->channels;
    float *work = line + job->line_floats;
    for (int64_t y = 0, rows; y < job->height; y += rows) {
        rows = row_chunk(job, y);
        for (int64_t p = 0; p < block_pairs(job, block); p++) {
            int64_t pair = block * job->wide + p, size = pair_size(job, pair);
            float *in = plane + p * plane_floats(job) + y * job->pitch;
            float *out = image + y * width * channels + pair_channel(pair);
            if (size == COMPLEX && !job->stream && !job->add_out) {
                fft_lines l = {rows, {COMPLEX, job->pitch}, {channels, width * channels}};
                FALLBACK(fft_inverse)(job->rows, &l, in, out, work);
                continue;
            }
            fft_lines l = {rows, {COMPLEX, job->pitch}, {COMPLEX, width * COMPLEX}};
            FALLBACK(fft_inverse)(job->rows, &l, in, line, work);
            emit(job, line, out, rows * width, size);
        }
    }
}

/* Where the next image of the block lies: its memory is asked for, a part for each mode, while the
 * columns of this one are at work, which touch none. */
typedef struct ahead {
    const char *at;
    int64_t left, run, skip; /* parts left of this run, parts of a run, bytes to the next run */
    int64_t runs;
} ahead;

/* Over the modes of a half spectrum, this asks for a whole image and a little more. */
enum { PART = 128, PARTS = 2 * COMPLEX * 4 < PART ? 1 : 2 * COMPLEX * 4 / PART };

static ahead look_ahead(const filter_job *job, int64_t block, const float *image, int there_is) {
    int64_t first = pair_channel(block * job->wide), channels = job->channels - first;
    channels = channels < job->wide * COMPLEX ? channels : job->wide * COMPLEX;
    int64_t run = (channels * (int64_t)sizeof(float) + PART - 1) / PART;
    return (ahead){.at = (const char *)(there_is ? image + first : NULL),
                   .left = run,
                   .run = run,
                   .skip = job->channels * (int64_t)sizeof(float) - run * PART,
                   .runs = there_is ? job->height * job->width : 0};
}

static inline void ask_ahead(ahead *a) {
    if (a->runs <= 0)
        return;
    for (int i = 0; i < PARTS; i++, a->at += PART) {
        prefetch(a->at);
        prefetch(a->at + 64);
        if (--a->left == 0) {
            a->at += a->skip;
            a->left = a->run;
            a->runs--;
        }
    }
}

/* The columns of mx and -mx, which may be the same, at their places in the transforms' order. */
typedef struct columns {
    float *at[2];
    int64_t element; /* floats from one to the next */
} columns;

/* The spectra of the pair's two real fields are (z + z')/2 and (z - z')/2i with z' = conj Z(-k), so
 * with P1 = G1 (z + z')/2 and P2 = G2 (z - z')/2 the results are P1 + P2 at k and, since fields are
 * real, conj(P1 - P2) at -k. */
static void filter_columns(columns c, const float *symbol, int64_t n, const int32_t *mirror,
                           ahead *next) {
    for (int64_t j = 0; j < n; j++, symbol += 2 * COMPLEX) {
        float *at = c.at[0] + j * c.element, *opposite = c.at[1] + mirror[j] * c.element;
        ask_ahead(next);
        if (c.at[0] == c.at[1] && mirror[j] < j)
            continue;
        cvec z = get(at), z1 = get_conj(opposite);
        cvec p1 = multiply(get(symbol), c_add(z, z1));
        cvec p2 = multiply(get(symbol + COMPLEX), c_sub(z, z1));
        cvec result = c_sub(p1, p2);
        put(opposite, (cvec){result.re, -result.im});
        put(at, c_add(p1, p2));
    }
}

/* sums += 4 U conj(g) for both fields of the pair. */
static void correlate_columns(columns u, columns g, float *sums, int64_t n, const int32_t *mirror,
                              ahead *next) {
    for (int64_t j = 0; j < n; j++, sums += 2 * COMPLEX) {
        int64_t at = j * u.element, opposite = mirror[j] * u.element;
        ask_ahead(next);
        if (u.at[0] == u.at[1] && mirror[j] < j)
            continue;
        cvec z = get(u.at[0] + at), z1 = get_conj(u.at[1] + opposite);
        cvec h = get_conj(g.at[0] + at), h1 = get(g.at[1] + opposite);
        put(sums, c_add(get(sums), multiply(c_add(z, z1), c_add(h, h1))));
        put(sums + COMPLEX, c_add(get(sums + COMPLEX), multiply(c_sub(z, z1), c_sub(h, h1))));
    }
}

/* Where the columns of mx and -mx stand in a plane. */
static columns columns_at(const filter_job *job, float *plane, int64_t mx) {
    int64_t opposite = (job->width - mx) % job->width;
    return (columns){
        {plane + job->rows->place[mx] * COMPLEX, plane + job->rows->place[opposite] * COMPLEX},
        job->pitch};
}

/* Small planes stay in the first cache, so all their columns are transformed together, in place. */
static void small_plane(const filter_job *job, float *plane, float *u_plane, const float *symbol,
                        float *sums, float *work, ahead next[2]) {
    const fft_lines l = {job->width, {job->pitch, COMPLEX}, {job->pitch, COMPLEX}};
    const int32_t *mirror = job->columns->mirror;
    int64_t height = job->height, size = height * 2 * COMPLEX;
    FALLBACK(fft_forward)(job->columns, &l, plane, plane, work);
    if (sums) {
        FALLBACK(fft_forward)(job->columns, &l, u_plane, u_plane, work);
        for (int64_t mx = 0; mx < job->half; mx++)
            correlate_columns(columns_at(job, u_plane, mx), columns_at(job, plane, mx),
                              sums + mx * size, height, mirror, &next[1]);
    }
    if (!job->out)
        return;
    for (int64_t mx = 0; mx < job->half; mx++)
        filter_columns(columns_at(job, plane, mx), symbol + mx * size, height, mirror, &next[0]);
    FALLBACK(fft_inverse)(job->columns, &l, plane, plane, work);
}

/* Large ones give up two columns at a time, which stay in the first cache until they return. */
static fft_lines borrow(const filter_job *job, columns from, float *line, columns *ret,
                        float *work) {
    int alone = from.at[0] == from.at[1];
    int64_t size = job->height * COMPLEX;
    fft_lines l = {alone ? 1 : 2, {job->pitch, from.at[1] - from.at[0]}, {COMPLEX, size}};
    FALLBACK(fft_forward)(job->columns, &l, from.at[0], line, work);
    *ret = (columns){{line, alone ? line : line + size}, COMPLEX};
    return l;
}

static void large_plane(const filter_job *job, float *plane, float *u_plane, const float *symbol,
                        float *sums, float *line, ahead next[2]) {
    float *work = line + job->line_floats;
    const int32_t *mirror = job->columns->mirror;
    int64_t height = job->height, size = height * 2 * COMPLEX;
    for (int64_t mx = 0; mx < job->half; mx++) {
        columns from = columns_at(job, plane, mx), g, u;
        fft_lines l = borrow(job, from, line, &g, work);
        if (sums) {
            borrow(job, columns_at(job, u_plane, mx), line + size, &u, work);
            correlate_columns(u, g, sums + mx * size, height, mirror, &next[1]);
        }
        if (!job->out)
            continue;
        filter_columns(g, symbol + mx * size, height, mirror, &next[0]);
        fft_lines back = {l.lines, l.out, l.in};
        FALLBACK(fft_inverse)(job->columns, &back, line, from.at[0], work);
    }
}

void FALLBACK(filter_image)(const filter_job *job, int64_t block, int64_t image, int last,
                            float *scratch, float *sums) {
    int64_t size = job->height * job->width * job->channels, offset = image * size;
    float *planes = scratch + job->at_plane, *line = scratch + job->at_lines;
    float *u_plane = planes + job->wide * plane_floats(job);
    ahead next[2] = {look_ahead(job, block, job->in + offset + size, !last),
                     look_ahead(job, block, sums ? job->u + offset + size : NULL, sums && !last)};
    for (int64_t p = 0; p < block_pairs(job, block); p++) {
        float *plane = planes + p * plane_floats(job);
        int64_t symbol_offset = p * pair_symbol_floats(job);
        rows_in(job, block * job->wide + p, job->in + offset, plane, line);
        if (sums)
            rows_in(job, block * job->wide + p, job->u + offset, u_plane, line);
        const float *symbol = scratch + job->at_symbol + symbol_offset;
        float *pair_sums = sums ? sums + symbol_offset : NULL;
        if (plane_floats(job) <= SMALL_PLANE)
            small_plane(job, plane, u_plane, symbol, pair_sums, line + job->line_floats, next);
        else
            large_plane(job, plane, u_plane, symbol, pair_sums, line, next);
    }
    if (job->out)
        rows_out(job, block, planes, job->out + offset, line);
}
