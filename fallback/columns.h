/* SPDX-License-Identifier: MIT */
/* columns.h: sums over the rows of [samples, rows, columns], on many threads, in a fixed order.
 *
 * The tensor is cut into pieces (one sample, a block of rows, a block of columns). Each piece
 * leaves its sums in a separate slot, and a second pass adds the slots up. Slots lie spread over
 * the scratch of all workers; which worker owns a slot does not change what is in it. */
#ifndef PDESSM_FALLBACK_COLUMNS_H
#define PDESSM_FALLBACK_COLUMNS_H

#include "elementwise.h"

/* Enough pieces for any machine, and few enough for the slots to be small beside the tensor. */
enum { CUT_PIECES = 256, CUT_ROWS = 64 };

struct cut {
    int64_t samples, rows, columns;
    int64_t row_block, row_blocks, column_block, column_blocks;
    int sums; /* sums of one column block that a slot holds */
};

struct piece {
    int64_t sample, row_begin, row_end, column, width;
};

static inline struct cut cut_rows(int64_t samples, int64_t rows, int64_t columns,
                                  int64_t column_block, int sums) {
    struct cut c = {.samples = samples, .rows = rows, .columns = columns, .sums = sums};
    c.column_block = least(column_block, columns);
    c.column_blocks = ceil_div(columns, c.column_block);
    int64_t wanted = ceil_div(CUT_PIECES, samples * c.column_blocks);
    c.row_block = most(CUT_ROWS, ceil_div(rows, wanted));
    c.row_blocks = ceil_div(rows, c.row_block);
    return c;
}

static inline int64_t cut_pieces(const struct cut *c) {
    return c->samples * c->row_blocks * c->column_blocks;
}

static inline size_t slot_bytes(const struct cut *c) {
    return ((size_t)c->sums * (size_t)c->column_block * sizeof(float) + 63) / 64 * 64;
}

/* Scratch that each worker must have. */
static inline size_t cut_scratch(const struct cut *c, const pdessm_pool *pool) {
    return (size_t)ceil_div(cut_pieces(c), pdessm_pool_workers(pool)) * slot_bytes(c);
}

static inline struct piece cut_piece(const struct cut *c, int64_t index) {
    struct piece p = {.column = index % c->column_blocks * c->column_block};
    index /= c->column_blocks;
    p.row_begin = index % c->row_blocks * c->row_block;
    p.row_end = least(p.row_begin + c->row_block, c->rows);
    p.sample = index / c->row_blocks;
    p.width = least(c->column_block, c->columns - p.column);
    return p;
}

/* The slot of a piece: sum number k of its column j is at [k * column_block + j]. */
static inline float *cut_slot(const struct cut *c, const pdessm_pool *pool, int64_t index) {
    int64_t workers = pdessm_pool_workers(pool);
    char *base = pdessm_pool_scratch(pool, (int)(index % workers));
    return (float *)(base + (size_t)(index / workers) * slot_bytes(c));
}

struct cut_total {
    const struct cut *cut;
    const pdessm_pool *pool;
    int which, add;
    float *out; /* [samples, columns] */
};

/* index = (sample, column block) */
static inline void total_piece(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct cut_total *t = argument;
    const struct cut *c = t->cut;
    int64_t sample = index / c->column_blocks, block = index % c->column_blocks;
    int64_t first = sample * c->row_blocks * c->column_blocks + block;
    struct piece p = cut_piece(c, first);
    float *restrict out = t->out + sample * c->columns + p.column;
    if (!t->add)
        memset(out, 0, (size_t)p.width * sizeof *out);
    for (int64_t r = 0; r < c->row_blocks; r++) {
        const float *restrict slot = cut_slot(c, t->pool, first + r * c->column_blocks);
        slot += (int64_t)t->which * c->column_block;
        for (int64_t j = 0; j < p.width; j++)
            out[j] += slot[j];
    }
}

/* out [samples, columns] (+)= sum number `which` over all rows; nothing if out is NULL. */
static inline void cut_sum(pdessm_pool *pool, const struct cut *c, int which, float *out, int add) {
    if (!out)
        return;
    struct cut_total t = {.cut = c, .pool = pool, .which = which, .add = add, .out = out};
    pdessm_parallel(pool, c->samples * c->column_blocks, total_piece, &t);
}

#endif
