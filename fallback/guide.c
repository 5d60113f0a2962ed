/* SPDX-License-Identifier: MIT */
/* guide.c: y = v_null + scale (v_class - v_null); the null half of v comes first. */
#include "elementwise.h"
#include "fallback.h"

struct guide {
    float scale;
    const float *null, *class;
    float *y;
};

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct guide *g = argument;
    const float *restrict null = g->null, *restrict class = g->class;
    float *restrict y = g->y;
    for (int64_t i = begin; i < end; i++)
        y[i] = null[i] + g->scale * (class[i] - null[i]);
}

void FALLBACK(guide_forward)(pdessm_pool *pool, int64_t n, float scale, const float *v, float *y) {
    struct guide g = {.scale = scale, .null = v, .class = v + n, .y = y};
    for_range(pool, n, forward, &g);
}
