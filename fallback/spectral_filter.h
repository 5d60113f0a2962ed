/* SPDX-License-Identifier: MIT */
/* spectral_filter.h: what the files of the spectral filter share.
 *
 * The work is cut into tasks of one block of channels and one part of the batch. A block is up to
 * `wide` pairs; a pair is two groups of LANES real channels, x1 and x2, that ride in one complex
 * transform z = x1 + i x2. A task takes image after image and pair after pair: rows of the image
 * into a plane, columns there and back with the multiply between, rows out. So memory is passed
 * over once. */
#ifndef PDESSM_FALLBACK_SPECTRAL_FILTER_H
#define PDESSM_FALLBACK_SPECTRAL_FILTER_H

#include "fft_butterfly.h"
#include "spectral_filter_ahead.h"

/* Rows that are transformed at a time fill this at most (or are one): part of a first-level cache.
 */
enum { ROW_BYTES = 16384 };
/* Floats of a plane that fits a first-level cache with some room beside it. */
enum { SMALL_PLANE = 5 << 10 };

static inline cvec get(const float *p) {
    return (cvec){vec_load(p), vec_load(p + LANES)};
}

static inline void put(float *p, cvec v) {
    vec_store(p, v.re);
    vec_store(p + LANES, v.im);
}

typedef struct filter_job {
    pdessm_pool *pool;
    int64_t batch, height, width, channels;
    const float *symbol; /* [H, W/2+1, C, 2] */
    const float *in;     /* [B, H, W, C]: u, or dL/dy going backward */
    float *out;          /* [B, H, W, C]: y or dL/du; NULL: not wanted */
    const float *u;      /* backward with dsymbol, else NULL */
    float *dsymbol;      /* [H, W/2+1, C, 2] or NULL */
    int backward, add_out, add_symbol;
    /* How the work is cut, and where things lie in each worker's scratch (in floats). */
    int64_t half;  /* W/2+1 */
    int64_t pitch; /* floats between the rows of a plane */
    int64_t pairs, wide, blocks, parts;
    int64_t span;  /* parts that a task does in turn: 1 or all */
    int64_t chunk; /* rows that are transformed at a time */
    int64_t at_symbol, at_plane, at_lines, at_slots, end;
    int64_t line_floats; /* of at_lines: room for lines and row chunks, transforms' work behind */
    int stream, stream_symbol; /* out, dsymbol: they go past the caches */
    int early; /* there is room to ask for the images that come next, not just for rows */
    const fft_plan *rows, *columns;
} filter_job;

/* Four vectors for each mode of the half spectrum, [W/2+1][H places] for each pair of a block:
 * re G1, im G1, re G2, im G2, scaled by 1/(2HW), conjugated going backward. Where a column is its
 * own mirror image (mx = 0, Nyquist) only the part of G that is Hermitian along ky acts. */
void FALLBACK(filter_load_symbol)(const filter_job *job, int64_t block, float *symbol);

/* Adds up the partial sums of a block, in order, and writes its part of dL/dG, column mx.
 * sums[count]: laid out like the symbol, sum of 4 U conj(g). */
void FALLBACK(filter_store_gradient)(const filter_job *job, int64_t block, int64_t mx,
                                     int64_t count, float *const *sums);

/* A block of channels of an image; beyond the last block there is none. */
typedef struct filter_place {
    int64_t block, image;
} filter_place;

/* One image: from job->in to job->out, adding to sums (like the symbol) if there is job->dsymbol.
 * next: whose memory to ask for before the end. */
void FALLBACK(filter_image)(const filter_job *job, filter_place here, filter_place next,
                            float *scratch, float *sums);

/* Transformed rows of a pair's plane to filtered ones (if there is job->out), adding to sums (if
 * not NULL) with the rows of u_plane. line: work space; ahead: what to ask for meanwhile. */
void FALLBACK(filter_plane)(const filter_job *job, float *plane, float *u_plane,
                            const float *symbol, float *sums, float *line, filter_ahead *ahead);

/* First channel of a pair, and how many of its 2 LANES exist. */
static inline int64_t pair_channel(int64_t pair) {
    return pair * COMPLEX;
}

static inline int64_t pair_size(const filter_job *job, int64_t pair) {
    int64_t left = job->channels - pair * COMPLEX;
    return left < COMPLEX ? left : COMPLEX;
}

static inline int64_t block_pairs(const filter_job *job, int64_t block) {
    int64_t left = job->pairs - block * job->wide;
    return left < job->wide ? left : job->wide;
}

/* Floats of a pair's symbol or sums, and of its plane. */
static inline int64_t pair_symbol_floats(const filter_job *job) {
    return job->half * job->height * 2 * COMPLEX;
}

static inline int64_t plane_floats(const filter_job *job) {
    return job->height * job->pitch;
}

/* Columns mx = 0 and, W even, mx = W/2. */
static inline int own_mirror(const filter_job *job, int64_t mx) {
    return mx == 0 || 2 * mx == job->width;
}

#endif
