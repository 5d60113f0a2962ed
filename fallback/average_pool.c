/* SPDX-License-Identifier: MIT */
/* average_pool.c: images of half the side. Two rows of u, one below the other, make a row of y. */
#include "elementwise.h"
#include "fallback.h"

struct pool2 {
    int64_t width; /* of y */
    float weight;  /* of each of four elements */
    const float *from;
    float *to;
    int add;
};

static void shrink_rows(void *argument, int64_t begin, int64_t end) {
    const struct pool2 *g = argument;
    for (int64_t r = begin; r < end; r++) {
        const float *above = g->from + 4 * r * g->width, *below = above + 2 * g->width;
        float *to = g->to + r * g->width;
        for (int64_t j = 0; j < g->width; j++)
            to[j] =
                g->weight * ((above[2 * j] + above[2 * j + 1]) + (below[2 * j] + below[2 * j + 1]));
    }
}

/* Each element of y's gradient goes to four places. */
static void spread_rows(void *argument, int64_t begin, int64_t end) {
    const struct pool2 *g = argument;
    for (int64_t r = begin; r < end; r++)
        for (int64_t j = 0; j < 4 * g->width; j++) {
            float *to = g->to + 4 * r * g->width + j;
            float value = g->weight * g->from[r * g->width + j % (2 * g->width) / 2];
            *to = (g->add ? *to : 0.0f) + value;
        }
}

void FALLBACK(average_pool_forward)(pdessm_pool *pool, int64_t rows, int64_t width, float gain,
                                    const float *u, float *y) {
    struct pool2 g = {.width = width, .weight = gain / 4, .from = u, .to = y};
    for_rows(pool, rows, 4 * width, shrink_rows, &g);
}

void FALLBACK(average_pool_backward)(pdessm_pool *pool, int64_t rows, int64_t width, float gain,
                                     const float *dy, float *du, int add) {
    struct pool2 g = {.width = width, .weight = gain / 4, .from = dy, .to = du, .add = add};
    for_rows(pool, rows, 4 * width, spread_rows, &g);
}
