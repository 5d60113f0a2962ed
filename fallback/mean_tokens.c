/* SPDX-License-Identifier: MIT */
/* mean_tokens.c: y[b,c] = mean of x[b,n,c] over n. */
#include "columns.h"
#include "fallback.h"

struct mean {
    pdessm_pool *pool;
    int64_t tokens, channels;
    const float *x, *dy;
    float *dx;
    int add;
    struct cut cut;
};

/* The share of a piece's tokens in the mean. */
static void forward(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct mean *g = argument;
    struct piece p = cut_piece(&g->cut, index);
    float *restrict sum = cut_slot(&g->cut, g->pool, index);
    float share = 1.0f / (float)g->tokens;
    memset(sum, 0, (size_t)p.width * sizeof *sum);
    for (int64_t r = p.row_begin; r < p.row_end; r++)
        put(p.width, g->x + (p.sample * g->tokens + r) * g->channels + p.column, sum, 1);
    for (int64_t c = 0; c < p.width; c++)
        sum[c] *= share;
}

static void backward_row(int64_t n, float share, const float *restrict dy, float *restrict dx,
                         int add) {
    for (int64_t c = 0; c < n; c++)
        dx[c] = (add ? dx[c] : 0.0f) + share * dy[c];
}

static void backward(void *argument, int64_t begin, int64_t end) {
    const struct mean *g = argument;
    for (int64_t r = begin; r < end; r++)
        backward_row(g->channels, 1.0f / (float)g->tokens, g->dy + r / g->tokens * g->channels,
                     g->dx + r * g->channels, g->add);
}

size_t FALLBACK(mean_tokens_scratch)(pdessm_pool *pool, int64_t batch, int64_t tokens,
                                     int64_t channels) {
    struct cut cut = cut_rows(batch, tokens, channels, CHUNK, 1);
    return cut_scratch(&cut, pool);
}

void FALLBACK(mean_tokens_forward)(pdessm_pool *pool, int64_t batch, int64_t tokens,
                                   int64_t channels, const float *x, float *y) {
    struct mean g = {.pool = pool,
                     .tokens = tokens,
                     .channels = channels,
                     .x = x,
                     .cut = cut_rows(batch, tokens, channels, CHUNK, 1)};
    pdessm_parallel(pool, cut_pieces(&g.cut), forward, &g);
    cut_sum(pool, &g.cut, 0, y, 0);
}

void FALLBACK(mean_tokens_backward)(pdessm_pool *pool, int64_t batch, int64_t tokens,
                                    int64_t channels, const float *dy, float *dx, int add) {
    struct mean g = {.tokens = tokens, .channels = channels, .dy = dy, .dx = dx, .add = add};
    for_rows(pool, batch * tokens, channels, backward, &g);
}
