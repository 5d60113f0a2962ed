/* SPDX-License-Identifier: MIT */
/* add.c: y = a + b, where b [width] is repeated over the rows of a [rows, width]. */
#include "columns.h"
#include "fallback.h"

struct add {
    pdessm_pool *pool;
    int64_t width;
    const float *a, *b, *dy;
    float *y, *da;
    int add_a, wants_b;
    struct cut cut;
};

static void sum_row(int64_t n, const float *restrict a, const float *restrict b,
                    float *restrict y) {
    for (int64_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

/* Elements [begin, end) of a, one stretch for each row that they touch. */
static void forward(void *argument, int64_t begin, int64_t end) {
    const struct add *g = argument;
    for (int64_t i = begin, next; i < end; i = next) {
        int64_t column = i % g->width;
        next = least(end, i + g->width - column);
        sum_row(next - i, g->a + i, g->b + column, g->y + i);
    }
}

static void backward(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct add *g = argument;
    struct piece p = cut_piece(&g->cut, index);
    float *sum = g->wants_b ? cut_slot(&g->cut, g->pool, index) : NULL;
    if (sum)
        memset(sum, 0, (size_t)p.width * sizeof *sum);
    for (int64_t r = p.row_begin; r < p.row_end; r++) {
        int64_t at = r * g->width + p.column;
        if (g->da)
            put(p.width, g->dy + at, g->da + at, g->add_a);
        if (sum)
            put(p.width, g->dy + at, sum, 1);
    }
}

void FALLBACK(add_forward)(pdessm_pool *pool, int64_t rows, int64_t width, const float *a,
                           const float *b, float *y) {
    for_range(pool, rows * width, forward, &(struct add){.width = width, .a = a, .b = b, .y = y});
}

size_t FALLBACK(add_scratch)(pdessm_pool *pool, int64_t rows, int64_t width) {
    struct cut cut = cut_rows(1, rows, width, CHUNK, 1);
    return cut_scratch(&cut, pool);
}

void FALLBACK(add_backward)(pdessm_pool *pool, int64_t rows, int64_t width, const float *dy,
                            float *da, int add_a, float *db, int add_b) {
    struct add g = {.pool = pool,
                    .width = width,
                    .dy = dy,
                    .da = da,
                    .add_a = add_a,
                    .wants_b = db != NULL,
                    .cut = cut_rows(1, rows, width, CHUNK, 1)};
    pdessm_parallel(pool, cut_pieces(&g.cut), backward, &g);
    cut_sum(pool, &g.cut, 0, db, add_b);
}
