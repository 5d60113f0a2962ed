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

/* Rows of an image into the planes of a block, transformed. */
static void rows_in(const filter_job *job, int64_t block, const float *image, float *plane,
                    float *line) {
    int64_t pairs = block_pairs(job, block), width = job->width, channels = job->channels;
    float *work = line + 4 * COMPLEX * (job->height > width ? job->height : width);
    for (int64_t y = 0; y < job->height; y++)
        for (int64_t p = 0; p < pairs; p++) {
            int64_t pair = block * job->wide + p, size = pair_size(job, pair);
            const float *in = image + y * width * channels + pair_channel(pair);
            float *out = plane + p * plane_floats(job) + y * job->pitch;
            if (size == COMPLEX) {
                FALLBACK(fft_forward)(job->rows, in, channels, out, COMPLEX, work);
                continue;
            }
            for (int64_t x = 0; x < width; x++)
                put(line + x * COMPLEX, get_part(in + x * channels, size));
            FALLBACK(fft_forward)(job->rows, line, COMPLEX, out, COMPLEX, work);
        }
}

/* A finished row to memory. */
static void emit(const filter_job *job, const float *line, float *out, int64_t size) {
    int64_t width = job->width, channels = job->channels;
    for (int64_t x = 0; x < width; x++, line += COMPLEX, out += channels) {
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

static void rows_out(const filter_job *job, int64_t block, float *plane, float *image,
                     float *line) {
    int64_t pairs = block_pairs(job, block), width = job->width, channels = job->channels;
    float *work = line + 4 * COMPLEX * (job->height > width ? job->height : width);
    for (int64_t y = 0; y < job->height; y++)
        for (int64_t p = 0; p < pairs; p++) {
            int64_t pair = block * job->wide + p, size = pair_size(job, pair);
            float *in = plane + p * plane_floats(job) + y * job->pitch;
            float *out = image + y * width * channels + pair_channel(pair);
            if (size == COMPLEX && !job->stream && !job->add_out) {
                FALLBACK(fft_inverse)(job->rows, in, COMPLEX, out, channels, work);
                continue;
            }
            FALLBACK(fft_inverse)(job->rows, in, COMPLEX, line, COMPLEX, work);
            emit(job, line, out, size);
        }
}

/* The spectra of the pair's two real fields are (z + z')/2 and (z - z')/2i with z' = conj Z(-k), so
 * with P1 = G1 (z + z')/2 and P2 = G2 (z - z')/2 the results are P1 + P2 at k and, since fields are
 * real, conj(P1 - P2) at -k. a holds the column of k, b that of -k. */
static void filter_column(float *a, float *b, const float *symbol, int64_t n,
                          const int32_t *mirror) {
    for (int64_t j = 0; j < n; j++, symbol += 2 * COMPLEX) {
        float *at = a + j * COMPLEX, *opposite = b + mirror[j] * COMPLEX;
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
                             const int32_t *mirror) {
    for (int64_t j = 0; j < n; j++, sums += 2 * COMPLEX) {
        int64_t opposite = mirror[j] * COMPLEX;
        if (u[0] == u[1] && mirror[j] < j)
            continue;
        cvec z = get(u[0] + j * COMPLEX), z1 = get_conj(u[1] + opposite);
        cvec h = get_conj(g[0] + j * COMPLEX), h1 = get(g[1] + opposite);
        put(sums, c_add(get(sums), multiply(c_add(z, z1), c_add(h, h1))));
        put(sums + COMPLEX, c_add(get(sums + COMPLEX), multiply(c_sub(z, z1), c_sub(h, h1))));
    }
}

/* Fetches the columns of mx and -mx from a plane and transforms them; which may be the same. */
static void columns_in(const filter_job *job, const float *plane, const int64_t at[2], float *line,
                       float *column[2], float *work) {
    column[0] = column[1] = line;
    FALLBACK(fft_forward)(job->columns, plane + at[0], job->pitch, line, COMPLEX, work);
    if (at[0] == at[1])
        return;
    column[1] = line + job->height * COMPLEX;
    FALLBACK(fft_forward)(job->columns, plane + at[1], job->pitch, column[1], COMPLEX, work);
}

static void filter_columns(const filter_job *job, float *plane, const float *u_plane,
                           const float *symbol, float *sums, float *line) {
    int64_t height = job->height, width = job->width;
    float *work = line + 4 * COMPLEX * (height > width ? height : width);
    const int32_t *mirror = job->columns->mirror;
    for (int64_t mx = 0; mx < job->half; mx++) {
        const int64_t at[2] = {job->rows->place[mx] * COMPLEX,
                               job->rows->place[(width - mx) % width] * COMPLEX};
        int64_t offset = mx * height * 2 * COMPLEX;
        float *g[2], *u[2];
        columns_in(job, plane, at, line, g, work);
        if (sums) {
            columns_in(job, u_plane, at, line + 2 * height * COMPLEX, u, work);
            correlate_column(u, g, sums + offset, height, mirror);
        }
        if (!job->out)
            continue;
        filter_column(g[0], g[1], symbol + offset, height, mirror);
        FALLBACK(fft_inverse)(job->columns, g[0], COMPLEX, plane + at[0], job->pitch, work);
        if (g[1] != g[0])
            FALLBACK(fft_inverse)(job->columns, g[1], COMPLEX, plane + at[1], job->pitch, work);
    }
}

void FALLBACK(filter_image)(const filter_job *job, int64_t block, int64_t image, float *scratch,
                            float *sums) {
    int64_t offset = image * job->height * job->width * job->channels;
    float *plane = scratch + job->at_plane, *line = scratch + job->at_lines;
    float *u_plane = plane + job->wide * plane_floats(job);
    rows_in(job, block, job->in + offset, plane, line);
    if (sums)
        rows_in(job, block, job->u + offset, u_plane, line);
    for (int64_t p = 0; p < block_pairs(job, block); p++)
        filter_columns(job, plane + p * plane_floats(job), u_plane + p * plane_floats(job),
                       scratch + job->at_symbol + p * pair_symbol_floats(job),
                       sums ? sums + p * pair_symbol_floats(job) : NULL, line);
    if (job->out)
        rows_out(job, block, plane, job->out + offset, line);
}
