/* SPDX-License-Identifier: MIT */
/* spectral_filter_image.c: one image, one block of channels: rows, columns, multiply, and back. */
#include "fft_butterfly.h"
#include "spectral_filter.h"

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

static void ask_for_rows(const filter_job *job, const float *in, int64_t rows, int64_t size) {
    for (int64_t i = 0; i < rows * job->width; i++, in += job->channels)
        for (int64_t c = 0; c < size; c += LINE / (int64_t)sizeof *in)
            prefetch_later(in + c);
}

/* A channel pair's rows of an image into its plane, transformed. */
static void rows_in(const filter_job *job, int64_t pair, const float *image, float *plane,
                    float *line) {
    int64_t width = job->width, channels = job->channels, size = pair_size(job, pair);
    float *work = line + job->line_floats;
    for (int64_t y = 0, rows; y < job->height; y += rows) {
        const float *in = image + y * width * channels + pair_channel(pair);
        rows = row_chunk(job, y);
        fft_lines l = {rows, {channels, width * channels}, {COMPLEX, job->pitch}, 0};
        if (!job->early)
            ask_for_rows(job, in + rows * width * channels, row_chunk(job, y + rows), size);
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
        if (size == COMPLEX)
            put(out, job->add_out ? c_add(v, get(out)) : v);
        else
            put_part(out, job->add_out ? c_add(v, get_part(out, size)) : v, size);
    }
}

/* A pair's plane to its channels of an image, transformed back. */
static void rows_out(const filter_job *job, int64_t pair, float *plane, float *image, float *line) {
    int64_t width = job->width, channels = job->channels, size = pair_size(job, pair);
    int direct = size == COMPLEX && !job->add_out;
    float *work = line + job->line_floats;
    for (int64_t y = 0, rows; y < job->height; y += rows) {
        rows = row_chunk(job, y);
        float *in = plane + y * job->pitch;
        float *out = image + y * width * channels + pair_channel(pair);
        const fft_stride from = {COMPLEX, job->pitch}, to = {channels, width * channels};
        const fft_lines straight = {rows, from, to, job->stream};
        const fft_lines round = {rows, from, {COMPLEX, width * COMPLEX}, 0};
        if (direct) {
            FALLBACK(fft_inverse)(job->rows, &straight, in, out, work);
        } else {
            FALLBACK(fft_inverse)(job->rows, &round, in, line, work);
            emit(job, line, out, rows * width, size);
        }
    }
}

/* Memory of the pair that comes next. */
static filter_ahead look_ahead(const filter_job *job, int64_t pair, int64_t image) {
    const filter_area none = {0};
    if (pair >= job->pairs || !job->early)
        return start_ahead(0, none, none, job->in);
    int64_t pixels = job->height * job->width;
    int64_t offset = image * pixels * job->channels + pair_channel(pair);
    filter_area in = {.at = (const char *)(job->in + offset),
                      .run = pair_size(job, pair) * (int64_t)sizeof(float),
                      .stride = job->channels * (int64_t)sizeof(float),
                      .runs = pixels};
    if (!job->u)
        return start_ahead(1, in, none, job->in);
    filter_area u = in;
    u.at = (const char *)(job->u + offset);
    return start_ahead(2, in, u, job->in);
}

void FALLBACK(filter_image)(const filter_job *job, filter_place here, filter_place next,
                            float *scratch, float *sums) {
    int64_t offset = here.image * job->height * job->width * job->channels;
    int64_t first = here.block * job->wide, pairs = block_pairs(job, here.block);
    float *plane = scratch + job->at_plane, *line = scratch + job->at_lines;
    float *u_plane = plane + plane_floats(job);
    for (int64_t p = 0; p < pairs; p++) {
        filter_ahead ahead = p + 1 < pairs ? look_ahead(job, first + p + 1, here.image)
                                           : look_ahead(job, next.block * job->wide, next.image);
        int64_t symbol_offset = p * pair_symbol_floats(job);
        rows_in(job, first + p, job->in + offset, plane, line);
        if (sums)
            rows_in(job, first + p, job->u + offset, u_plane, line);
        const float *symbol = scratch + job->at_symbol + symbol_offset;
        float *pair_sums = sums ? sums + symbol_offset : NULL;
        FALLBACK(filter_plane)(job, plane, u_plane, symbol, pair_sums, line, &ahead);
        if (job->out)
            rows_out(job, first + p, plane, job->out + offset, line);
    }
}
