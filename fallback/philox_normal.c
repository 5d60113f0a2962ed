/* SPDX-License-Identifier: MIT */
/* philox_normal.c: normal numbers from Philox4x32-10, many blocks at a time; see core/random.h. */
#include "core/random.h"

#include <math.h>

#include "elementwise.h"
#include "fallback.h"

/* Blocks at a time; a block is four words and gives four normals. */
enum { BLOCKS = 256, SAMPLE_PIECE = PIECE };

struct noise {
    uint32_t key[2], purpose, step, first;
    int64_t elements, pieces; /* of a sample */
    float *y;
};

static void words(const struct noise *g, uint32_t sample, int64_t block,
                  uint32_t (*restrict w)[BLOCKS]) {
    for (int k = 0; k < BLOCKS; k++) {
        uint32_t c[4] = {g->purpose, g->step, sample, (uint32_t)block + (uint32_t)k};
        pdessm_philox_rounds(c, g->key[0], g->key[1]);
        for (int j = 0; j < 4; j++)
            w[j][k] = c[j];
    }
}

/* One pair of normals from each pair of words, to be found at y[4 k] and y[4 k + 1]. */
static void pairs(const uint32_t *restrict radius, const uint32_t *restrict angle,
                  float *restrict y) {
    for (int k = 0; k < BLOCKS; k++) {
        float u1 = (float)(int32_t)((radius[k] >> 8) + 1) * 0x1p-24f;
        float u2 = (float)(int32_t)(angle[k] >> 8) * 0x1p-24f;
        float r = sqrtf(-2.0f * log_fast(u1)), s, c;
        sincos_turns(u2, &s, &c);
        y[4 * k] = r * c;
        y[4 * k + 1] = r * s;
    }
}

/* index = (sample, piece of SAMPLE_PIECE elements) */
static void forward(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct noise *g = argument;
    int64_t sample = index / g->pieces, begin = index % g->pieces * SAMPLE_PIECE;
    int64_t end = least(begin + SAMPLE_PIECE, g->elements);
    uint32_t w[4][BLOCKS];
    float y[4 * BLOCKS];
    for (int64_t e = begin; e < end; e += 4 * BLOCKS) {
        words(g, g->first + (uint32_t)sample, e / 4, w);
        pairs(w[0], w[1], y);
        pairs(w[2], w[3], y + 2);
        memcpy(g->y + sample * g->elements + e, y, (size_t)least(4 * BLOCKS, end - e) * sizeof *y);
    }
}

void FALLBACK(philox_normal_forward)(pdessm_pool *pool, int64_t batch, int64_t elements,
                                     uint64_t seed, uint32_t purpose, uint32_t step, uint32_t first,
                                     float *y) {
    struct noise g = {.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
                      .purpose = purpose,
                      .step = step,
                      .first = first,
                      .elements = elements,
                      .pieces = ceil_div(elements, SAMPLE_PIECE),
                      .y = y};
    pdessm_parallel(pool, batch * g.pieces, forward, &g);
}
