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

/* Rows that are transformed at a time: all passes over them in the first-level cache. */
static int64_t row_chunk(const filter_job *job, int64_t y) {
    int64_t rows = ROW_BYTES / (job->width * COMPLEX * (int64_t)sizeof(float));
    int64_t left = job->height - y;
    rows = rows < 1 ? 1 : rows;
    return rows < left ? rows : left;
}

/* A channel pair's rows of an image into its plane, transformed. */
static void rows_in(const filter_job *job, int64_t pair, const float *image, float *plane,
                    float *line) {
    int64_t width = job->width, channels = job->channels, size = pair_size(job, pair);
    float *work = line + job->line_floats;
    for (int64_t y = 0, rows; y < job->height; y += rows) {
        const float *in = image + y * width * channels + pair_channel(pair);
        fft_lines l = {0, channels, width * channels, COMPLEX, job->pitch};
        rows = l.lines = row_chunk(job, y);
        if (size < COMPLEX) {
            for (int64_t i = 0; i < rows * width; i++)
                put(line + i * COMPLEX, get_part(in + i * channels, size));
            in = line;
            l.in_stride = COMPLEX;
            l.in_line = width * COMPLEX;
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
                fft_lines l = {rows, COMPLEX, job->pitch, channels, width * channels};
                FALLBACK(fft_inverse)(job->rows, &l, in, out, work);
                continue;
            }
            fft_lines l = {rows, COMPLEX, job->pitch, COMPLEX, width * COMPLEX};
            FALLBACK(fft_inverse)(job->rows, &l, in, line, work);
            emit(job, line, out, rows * width, size);
        }
    }
}

/* Where the next image of the block lies, line by line of the cache: its memory is asked for while
 * the columns of this one are at work, which touch none. */
typedef struct ahead {
    const char *at;
    int64_t left, run, skip; /* lines left of this run, lines of a run, bytes to the next run */
    int64_t runs;
} ahead;

static ahead look_ahead(const filter_job *job, int64_t block, const float *image, int there_is) {
    int64_t pixels = job->height * job->width;
    int64_t channels = job->channels - pair_channel(block * job->wide);
    if (channels > job->wide * COMPLEX)
        channels = job->wide * COMPLEX;
    int64_t run = (channels * (int64_t)sizeof(float) + 63) / 64;
    return (ahead){.at = (const char *)(image + pair_channel(block * job->wide)),
                   .left = run,
                   .run = run,
                   .skip = job->channels * (int64_t)sizeof(float) - run * 64,
                   .runs = there_is ? pixels : 0};
}

/* Four lines for each mode make a whole image over the half spectrum. */
static inline void ask_ahead(ahead *a) {
    for (int i = 0; i < 4 && a->runs > 0; i++, a->at += 64) {
        prefetch(a->at);
        if (--a->left == 0) {
            a->at += a->skip;
            a->left = a->run;
            a->runs--;
        }
    }
}

/* The spectra of the pair's two real fields are (z + z')/2 and (z - z')/2i with z' = conj Z(-k), so
 * with P1 = G1 (z + z')/2 and P2 = G2 (z - z')/2 the results are P1 + P2 at k and, since fields are
 * real, conj(P1 - P2) at -k. a holds the column of k, b that of -k. */
static void filter_column(float *a, float *b, const float *symbol, int64_t n, const int32_t *mirror,
                          ahead *next) {
    for (int64_t j = 0; j < n; j++, symbol += 2 * COMPLEX) {
        float *at = a + j * COMPLEX, *opposite = b + mirror[j] * COMPLEX;
        ask_ahead(next);
        if (a == b && mirror[j] < j)
            continue;
        cvec z = get(at), z1 = get_conj(opposite);
        cvec p1 = multiply(get(symbol), c_add(z, z1));
        cvec p2 = multiply(get(symbol + COMPLEX), c_sub(z, z1));
        cvec result = c_sub(p1, p2);
        put(opposite, (cvec){result.re, -result.im});
        put(at, c_add(p1, p2));
    }
}

/* sums += 4 U conj(g) for both fields of the pair; u and g: columns of k and -k. */
static void correlate_column(float *const u[2], float *const g[2], float *sums, int64_t n,
                             const int32_t *mirror, ahead *next) {
    for (int64_t j = 0; j < n; j++, sums += 2 * COMPLEX) {
        int64_t opposite = mirror[j] * COMPLEX;
        ask_ahead(next);
        if (u[0] == u[1] && mirror[j] < j)
            continue;
        cvec z = get(u[0] + j * COMPLEX), z1 = get_conj(u[1] + opposite);
        cvec h = get_conj(g[0] + j * COMPLEX), h1 = get(g[1] + opposite);
        put(sums, c_add(get(sums), multiply(c_add(z, z1), c_add(h, h1))));
        put(sums + COMPLEX, c_add(get(sums + COMPLEX), multiply(c_sub(z, z1), c_sub(h, h1))));
    }
}

/* Columns mx and -mx of a plane, which may be the same, side by side in `line`. */
static fft_lines columns_in(const filter_job *job, const float *plane, int64_t mx, float *line,
                            float *column[2], float *work) {
    int64_t at = job->rows->place[mx], opposite = job->rows->place[(job->width - mx) % job->width];
    fft_lines l = {at == opposite ? 1 : 2, job->pitch, (opposite - at) * COMPLEX, COMPLEX,
                   job->height * COMPLEX};
    FALLBACK(fft_forward)(job->columns, &l, plane + at * COMPLEX, line, work);
    column[0] = line;
    column[1] = at == opposite ? line : line + job->height * COMPLEX;
    return l;
}

static void filter_columns(const filter_job *job, float *plane, const float *u_plane,
                           const float *symbol, float *sums, float *line, ahead next[2]) {
    int64_t height = job->height;
    float *work = line + job->line_floats;
    const int32_t *mirror = job->columns->mirror;
    for (int64_t mx = 0; mx < job->half; mx++) {
        int64_t offset = mx * height * 2 * COMPLEX;
        float *g[2], *u[2];
        fft_lines l = columns_in(job, plane, mx, line, g, work);
        if (sums) {
            columns_in(job, u_plane, mx, line + 2 * height * COMPLEX, u, work);
            correlate_column(u, g, sums + offset, height, mirror, &next[1]);
        }
        if (!job->out)
            continue;
        filter_column(g[0], g[1], symbol + offset, height, mirror, &next[0]);
        fft_lines back = {l.lines, l.out_stride, l.out_line, l.in_stride, l.in_line};
        FALLBACK(fft_inverse)
        (job->columns, &back, line, plane + job->rows->place[mx] * COMPLEX, work);
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
        filter_columns(job, plane, u_plane, scratch + job->at_symbol + symbol_offset,
                       sums ? sums + symbol_offset : NULL, line, next);
    }
    if (job->out)
        rows_out(job, block, planes, job->out + offset, line);
}
