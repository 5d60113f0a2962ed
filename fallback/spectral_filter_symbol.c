/* SPDX-License-Identifier: MIT */
/* spectral_filter_symbol.c: the symbol between its place in memory (interleaved complex numbers,
 * natural order) and the form that the columns use (vectors, order of the transform). */
#include "fft_butterfly.h"
#include "fft_lanes.h"
#include "spectral_filter.h"

/* G of the two groups of a pair at one mode; channels that do not exist read as zero. */
static void load_mode(const float *at, int64_t size, cvec g[2]) {
    float whole[2 * COMPLEX];
    if (size < COMPLEX) {
        memset(whole, 0, sizeof whole);
        memcpy(whole, at, (size_t)(2 * size) * sizeof *at);
        at = whole;
    }
    g[0] = separate(vec_load(at), vec_load(at + LANES));
    g[1] = separate(vec_load(at + COMPLEX), vec_load(at + COMPLEX + LANES));
}

/* Modes of a column are far from each other; this many are on their way at a time. */
enum { AHEAD = 6 };

static void ask_for_mode(const float *at) {
    for (int64_t i = 0; i < 2 * COMPLEX; i += LINE / (int64_t)sizeof *at)
        prefetch(at + i);
}

static void load_column(const filter_job *job, int64_t pair, int64_t mx, float *symbol) {
    int64_t height = job->height, stride = job->half * job->channels * 2;
    int64_t size = pair_size(job, pair);
    const float *column = job->symbol + (mx * job->channels + pair_channel(pair)) * 2;
    float scale = 0.5f / (float)(height * job->width);
    float scale_im = job->backward ? -scale : scale;
    for (int64_t j = 0; j < height; j++) {
        int64_t my = job->columns->frequency[j];
        cvec g[2], h[2];
        ask_for_mode(column + job->columns->frequency[(j + AHEAD) % height] * stride);
        load_mode(column + my * stride, size, g);
        if (own_mirror(job, mx)) {
            load_mode(column + (height - my) % height * stride, size, h);
            for (int i = 0; i < 2; i++)
                g[i] = (cvec){(g[i].re + h[i].re) * 0.5f, (g[i].im - h[i].im) * 0.5f};
        }
        for (int i = 0; i < 2; i++, symbol += COMPLEX) {
            vec_store(symbol, g[i].re * scale);
            vec_store(symbol + LANES, g[i].im * scale_im);
        }
    }
}

void FALLBACK(filter_load_symbol)(const filter_job *job, int64_t block, float *symbol) {
    for (int64_t p = 0; p < block_pairs(job, block); p++)
        for (int64_t mx = 0; mx < job->half; mx++)
            load_column(job, block * job->wide + p, mx,
                        symbol + (p * job->half + mx) * job->height * 2 * COMPLEX);
}

/* dL/dG = m (Re Q, -Im Q) at one mode; m = 2 on columns that stand for their mirror image too. */
static void store_mode(const filter_job *job, const cvec q[2], int conjugate, float *at,
                       int64_t size) {
    float whole[2 * COMPLEX];
    int stream = size == COMPLEX && job->stream_symbol, add = job->add_symbol;
    float *to = size == COMPLEX && !stream && !add ? at : whole;
    for (int i = 0; i < 2; i++)
        interleave((cvec){q[i].re, conjugate ? q[i].im : -q[i].im}, to + i * COMPLEX);
    if (to == at)
        return;
    if (stream) {
        for (int i = 0; i < 2 * COMPLEX; i += LANES)
            vec_stream(at + i, vec_load(whole + i));
        return;
    }
    for (int64_t i = 0; i < 2 * size; i++)
        at[i] = (add ? at[i] : 0) + whole[i];
}

static void store_column(const filter_job *job, int64_t pair, int64_t mx, int64_t offset,
                         int64_t count, float *const *sums) {
    int64_t height = job->height, stride = job->half * job->channels * 2;
    int64_t size = pair_size(job, pair);
    float *column = job->dsymbol + (mx * job->channels + pair_channel(pair)) * 2;
    int alone = own_mirror(job, mx);
    float scale = (alone ? 0.25f : 0.5f) / (float)(height * job->width);
    for (int64_t j = 0; j < height; j++, offset += 2 * COMPLEX) {
        int64_t my = job->columns->frequency[j], mirror = job->columns->mirror[j];
        if (alone && mirror < j)
            continue;
        cvec q[2] = {get(sums[0] + offset), get(sums[0] + offset + COMPLEX)};
        for (int64_t s = 1; s < count; s++)
            for (int i = 0; i < 2; i++)
                q[i] = c_add(q[i], get(sums[s] + offset + i * COMPLEX));
        for (int i = 0; i < 2; i++)
            q[i] = c_scale(q[i], scale);
        store_mode(job, q, 0, column + my * stride, size);
        if (alone && mirror > j) /* Q(-k) = conj Q(k), and -k is in this column too */
            store_mode(job, q, 1, column + (height - my) * stride, size);
    }
}

void FALLBACK(filter_store_gradient)(const filter_job *job, int64_t block, int64_t mx,
                                     int64_t count, float *const *sums) {
    for (int64_t p = 0; p < block_pairs(job, block); p++)
        store_column(job, block * job->wide + p, mx,
                     (p * job->half + mx) * job->height * 2 * COMPLEX, count, sums);
}
