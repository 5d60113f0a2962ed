/* SPDX-License-Identifier: MIT */
/* gaussian_gain.c: a(t) = (2t - 1) / ((1 - t)^2 + t^2) for each sample, repeated. */
#include "elementwise.h"
#include "fallback.h"

struct gain {
    int64_t width;
    const float *t;
    float *a;
};

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct gain *g = argument;
    for (int64_t i = begin; i < end; i++) {
        float t = g->t[i / g->width], left = 1.0f - t;
        g->a[i] = (t - left) / (left * left + t * t);
    }
}

void FALLBACK(gaussian_gain_forward)(pdessm_pool *pool, int64_t batch, int64_t width,
                                     const float *t, float *a) {
    for_range(pool, batch * width, forward, &(struct gain){.width = width, .t = t, .a = a});
}
