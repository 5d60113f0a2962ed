/* SPDX-License-Identifier: MIT */
/* dropout.c: y = x / (1 - rate) where a uniform number is at least rate, else 0. Element c of row i
 * takes word c % 4 of Philox block first_block + c / 4 of sample node[i]. */
#include "core/random.h"
#include "elementwise.h"
#include "fallback.h"

enum { BLOCKS = 64 };

struct dropout {
    int64_t channels;
    uint32_t key[2], step, first_block;
    uint32_t least; /* the least of the 2^24 values of a number that keeps its element */
    float scale;
    const int32_t *node;
    const float *from;
    float *to;
    int add;
};

static void words(const struct dropout *g, uint32_t sample, uint32_t block,
                  uint32_t w[restrict 4 * BLOCKS]) {
    for (uint32_t k = 0; k < BLOCKS; k++) {
        uint32_t c[4] = {PDESSM_RANDOM_DROPOUT, g->step, sample, block + k};
        pdessm_philox_rounds(c, g->key[0], g->key[1]);
        for (int j = 0; j < 4; j++)
            w[4 * k + (uint32_t)j] = c[j];
    }
}

static void mask(const struct dropout *g, int64_t n, const uint32_t *restrict w,
                 const float *restrict from, float *restrict to) {
    for (int64_t c = 0; c < n; c++)
        to[c] = (g->add ? to[c] : 0.0f) + ((w[c] >> 8) >= g->least ? g->scale * from[c] : 0.0f);
}

static void rows(void *argument, int64_t begin, int64_t end) {
    const struct dropout *g = argument;
    uint32_t w[4 * BLOCKS];
    for (int64_t r = begin; r < end; r++)
        for (int64_t c = 0; c < g->channels; c += 4 * BLOCKS) {
            int64_t at = r * g->channels + c;
            words(g, (uint32_t)g->node[r], g->first_block + (uint32_t)(c / 4), w);
            mask(g, least(4 * BLOCKS, g->channels - c), w, g->from + at, g->to + at);
        }
}

void FALLBACK(dropout_apply)(pdessm_pool *pool, int64_t count, int64_t channels, float rate,
                             uint32_t first_block, const int32_t *node, const int32_t *clock,
                             const float *from, float *to, int add) {
    /* w 2^-24 >= rate is w >= ceil(rate 2^24), which a float holds exactly. */
    float bound = rate * 0x1p24f;
    uint32_t least_kept = (uint32_t)bound;
    struct dropout g = {.channels = channels,
                        .key = {(uint32_t)clock[0], (uint32_t)clock[1]},
                        .step = (uint32_t)clock[2],
                        .first_block = first_block,
                        .least = least_kept + ((float)least_kept < bound),
                        .scale = 1.0f / (1.0f - rate),
                        .node = node,
                        .from = from,
                        .to = to,
                        .add = add};
    for_rows(pool, count, channels, rows, &g);
}
