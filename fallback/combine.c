/* SPDX-License-Identifier: MIT */
/* combine.c: y = x + sum of c_j k_j, the step of a solver. y may be x or one of the k_j: the sum is
 * made in a local chunk, and y is written last. */
#include "elementwise.h"
#include "fallback.h"

enum { TERMS = 7 };

struct combine {
    const float *x, *const *k, *c;
    float *y;
};

static void add_scaled(int64_t n, float c, const float *restrict k, float *restrict sum) {
    for (int64_t i = 0; i < n; i++)
        sum[i] += c * k[i];
}

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct combine *g = argument;
    float sum[CHUNK];
    for (int64_t i = begin; i < end; i += CHUNK) {
        int64_t n = least(CHUNK, end - i);
        memcpy(sum, g->x + i, (size_t)n * sizeof *sum);
        for (int j = 0; j < TERMS; j++)
            if (g->k[j])
                add_scaled(n, g->c[j], g->k[j] + i, sum);
        memcpy(g->y + i, sum, (size_t)n * sizeof *sum);
    }
}

void FALLBACK(combine_forward)(pdessm_pool *pool, int64_t n, const float *x,
                               const float *const k[7], const float c[7], float *y) {
    for_range(pool, n, forward, &(struct combine){.x = x, .k = k, .c = c, .y = y});
}
