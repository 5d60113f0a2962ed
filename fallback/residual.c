/* SPDX-License-Identifier: MIT */
/* residual.c: y = x + gate m with one gate for each sample and channel. */
#include "columns.h"
#include "fallback.h"

struct residual {
    pdessm_pool *pool;
    int64_t tokens, channels;
    const float *x, *gate, *m, *dy;
    float *y, *dx, *dm;
    int add_x, add_m, wants_gate;
    struct cut cut;
};

static void forward_row(int64_t n, const float *restrict x, const float *restrict gate,
                        const float *restrict m, float *restrict y) {
    for (int64_t c = 0; c < n; c++)
        y[c] = x[c] + gate[c] * m[c];
}

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct residual *g = argument;
    int64_t n = g->channels;
    for (int64_t r = begin; r < end; r++)
        forward_row(n, g->x + r * n, g->gate + r / g->tokens * n, g->m + r * n, g->y + r * n);
}

static void gradient_m(int64_t n, const float *restrict gate, const float *restrict dy,
                       float *restrict dm, int add) {
    for (int64_t c = 0; c < n; c++)
        dm[c] = (add ? dm[c] : 0.0f) + gate[c] * dy[c];
}

static void gradient_gate(int64_t n, const float *restrict m, const float *restrict dy,
                          float *restrict sum) {
    for (int64_t c = 0; c < n; c++)
        sum[c] += m[c] * dy[c];
}

static void backward(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct residual *g = argument;
    struct piece p = cut_piece(&g->cut, index);
    const float *gate = g->gate + p.sample * g->channels + p.column;
    float *sum = g->wants_gate ? cut_slot(&g->cut, g->pool, index) : NULL;
    if (sum)
        memset(sum, 0, (size_t)p.width * sizeof *sum);
    for (int64_t r = p.row_begin; r < p.row_end; r++) {
        int64_t at = (p.sample * g->tokens + r) * g->channels + p.column;
        const float *dy = g->dy + at;
        if (g->dx)
            put(p.width, dy, g->dx + at, g->add_x);
        if (g->dm)
            gradient_m(p.width, gate, dy, g->dm + at, g->add_m);
        if (sum)
            gradient_gate(p.width, g->m + at, dy, sum);
    }
}

void FALLBACK(residual_forward)(pdessm_pool *pool, int64_t batch, int64_t tokens, int64_t channels,
                                const float *x, const float *gate, const float *m, float *y) {
    struct residual g = {
        .tokens = tokens, .channels = channels, .x = x, .gate = gate, .m = m, .y = y};
    for_rows(pool, batch * tokens, channels, forward, &g);
}

size_t FALLBACK(residual_scratch)(pdessm_pool *pool, int64_t batch, int64_t tokens,
                                  int64_t channels) {
    struct cut cut = cut_rows(batch, tokens, channels, CHUNK, 1);
    return cut_scratch(&cut, pool);
}

void FALLBACK(residual_backward)(pdessm_pool *pool, int64_t batch, int64_t tokens, int64_t channels,
                                 const float *gate, const float *m, const float *dy, float *dx,
                                 int add_x, float *dgate, int add_gate, float *dm, int add_m) {
    struct residual g = {.pool = pool,
                         .tokens = tokens,
                         .channels = channels,
                         .gate = gate,
                         .m = m,
                         .dy = dy,
                         .dx = dx,
                         .dm = dm,
                         .add_x = add_x,
                         .add_m = add_m,
                         .wants_gate = dgate != NULL,
                         .cut = cut_rows(batch, tokens, channels, CHUNK, 1)};
    pdessm_parallel(pool, cut_pieces(&g.cut), backward, &g);
    cut_sum(pool, &g.cut, 0, dgate, add_gate);
}
