/* SPDX-License-Identifier: MIT */
/* dropout.c: y = x / (1 - rate) where a uniform number is at least rate, else 0; with ReLU, 0 where
 * x is negative too. Element c of row i takes word c % 4 of Philox block first_block + c / 4 of
 * sample node[i]. */
#include "dropout.h"

#include <math.h>

#include "core/random.h"
#include "elementwise.h"
#include "fallback.h"

enum { BLOCKS = 64 };

struct dropout {
    const pdessm_dropout_job *job;
    uint32_t least;     /* the least of the 2^24 values of a number that keeps its element */
    float scale, floor; /* floor: 0 to rectify */
    const float *from, *y;
    float *to;
    int add;
};

static void words(const struct dropout *g, uint32_t sample, uint32_t block, uint32_t count,
                  uint32_t w[restrict 4 * BLOCKS]) {
    const uint32_t step = (uint32_t)g->job->clock[2];
    const uint32_t key[] = {(uint32_t)g->job->clock[0], (uint32_t)g->job->clock[1]};
    for (uint32_t k = 0; k < count; k++) {
        uint32_t c[4] = {PDESSM_RANDOM_DROPOUT, step, sample, block + k};
        pdessm_philox_rounds(c, key[0], key[1]);
        for (int j = 0; j < 4; j++)
            w[4 * k + (uint32_t)j] = c[j];
    }
}

static void mask(const struct dropout *g, int64_t n, const uint32_t *restrict w,
                 const float *restrict from, float *restrict to) {
    for (int64_t c = 0; c < n; c++) {
        float x = from[c] < g->floor ? 0.0f : from[c];
        to[c] = (g->add ? to[c] : 0.0f) + ((w[c] >> 8) >= g->least ? g->scale * x : 0.0f);
    }
}

static void rows(void *argument, int64_t begin, int64_t end) {
    const struct dropout *g = argument;
    const int64_t channels = g->job->channels;
    uint32_t w[4 * BLOCKS];
    for (int64_t r = begin; r < end; r++)
        for (int64_t c = 0; c < channels; c += 4 * BLOCKS) {
            const int64_t at = r * channels + c, n = least(4 * BLOCKS, channels - c);
            words(g, (uint32_t)g->job->node[r], g->job->first_block + (uint32_t)(c / 4),
                  (uint32_t)(n + 3) / 4, w);
            mask(g, n, w, g->from + at, g->to + at);
        }
}

/* What was dropped and what was negative are both 0 in y. */
static void rectified(void *argument, int64_t begin, int64_t end) {
    const struct dropout *g = argument;
    const float *restrict y = g->y, *restrict dy = g->from;
    const float scale = g->scale;
    float *restrict dx = g->to;
    for (int64_t i = begin; i < end; i++)
        dx[i] = (g->add ? dx[i] : 0.0f) + (y[i] > 0.0f ? scale * dy[i] : 0.0f);
}

static struct dropout plan(const pdessm_dropout_job *job, const float *from, float *to) {
    /* w 2^-24 >= rate is w >= ceil(rate 2^24), which a float holds exactly. */
    const float bound = job->rate * 0x1p24f;
    const uint32_t least_kept = (uint32_t)bound;
    return (struct dropout){.job = job,
                            .least = least_kept + ((float)least_kept < bound),
                            .scale = 1.0f / (1.0f - job->rate),
                            .floor = -INFINITY,
                            .from = from,
                            .to = to};
}

void FALLBACK(dropout_forward)(pdessm_pool *pool, const pdessm_dropout_job *job, const float *x,
                               float *y) {
    struct dropout g = plan(job, x, y);
    if (job->rectify)
        g.floor = 0.0f;
    for_rows(pool, job->rows, job->channels, rows, &g);
}

void FALLBACK(dropout_backward)(pdessm_pool *pool, const pdessm_dropout_job *job, const float *y,
                                const float *dy, float *dx, int add) {
    struct dropout g = plan(job, dy, dx);
    g.y = y;
    g.add = add;
    if (job->rectify)
        for_range(pool, job->rows * job->channels, rectified, &g);
    else
        for_rows(pool, job->rows, job->channels, rows, &g);
}
