/* SPDX-License-Identifier: MIT */
/* embedding.c: rows of a table by index. An index outside of the table gives a row of NaN, which
 * the loss then shows; nothing outside is ever read or written. */
#include <math.h>

#include "elementwise.h"
#include "fallback.h"

/* Channels of one piece of the backward pass: each adds its samples in rising order. */
enum { WIDTH = 64 };

struct embedding {
    int64_t rows, channels, batch;
    const float *table, *dy;
    const int32_t *index;
    float *y, *dtable;
    int add;
};

static int inside(const struct embedding *g, int64_t b) {
    return g->index[b] >= 0 && g->index[b] < g->rows;
}

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct embedding *g = argument;
    int64_t n = g->channels;
    for (int64_t b = begin; b < end; b++) {
        if (inside(g, b))
            memcpy(g->y + b * n, g->table + g->index[b] * n, (size_t)n * sizeof *g->y);
        else
            for (int64_t c = 0; c < n; c++)
                g->y[b * n + c] = NAN;
    }
}

static void backward(void *argument, int64_t begin, int64_t end) {
    const struct embedding *g = argument;
    int64_t n = g->channels;
    for (int64_t v = 0; !g->add && v < g->rows; v++)
        memset(g->dtable + v * n + begin, 0, (size_t)(end - begin) * sizeof *g->dtable);
    for (int64_t b = 0; b < g->batch; b++)
        if (inside(g, b))
            put(end - begin, g->dy + b * n + begin, g->dtable + g->index[b] * n + begin, 1);
}

void FALLBACK(embedding_forward)(pdessm_pool *pool, int64_t rows, int64_t channels, int64_t batch,
                                 const float *table, const int32_t *index, float *y) {
    struct embedding g = {
        .rows = rows, .channels = channels, .table = table, .index = index, .y = y};
    for_rows(pool, batch, channels, forward, &g);
}

void FALLBACK(embedding_backward)(pdessm_pool *pool, int64_t rows, int64_t channels, int64_t batch,
                                  const int32_t *index, const float *dy, float *dtable, int add) {
    struct embedding g = {.rows = rows,
                          .channels = channels,
                          .batch = batch,
                          .index = index,
                          .dy = dy,
                          .dtable = dtable,
                          .add = add};
    for_pieces(pool, channels, WIDTH, backward, &g);
}
