/* SPDX-License-Identifier: MIT */
/* timestep_embedding.c: e = [cos(1000 t f), sin(1000 t f)], f_q = 10000^(-q/half). The angle
 * reaches 1000 rad, where a float32 has lost four digits; so turns are counted and their whole part
 * is taken off in double. */
#include <math.h>

#include "elementwise.h"
#include "fallback.h"

struct embedding {
    int64_t half;
    const float *t;
    float *e;
};

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct embedding *g = argument;
    for (int64_t q = begin; q < end; q++) {
        double rate =
            1000.0 / 6.283185307179586477 * pow(10000.0, -(double)(q % g->half) / (double)g->half);
        int64_t sample = q / g->half;
        double turns = (double)g->t[sample] * rate;
        float *e = g->e + sample * 2 * g->half + q % g->half;
        sincos_turns((float)(turns - rint(turns)), e + g->half, e);
    }
}

void FALLBACK(timestep_embedding_forward)(pdessm_pool *pool, int64_t batch, int64_t half,
                                          const float *t, float *e) {
    struct embedding g = {.half = half, .t = t, .e = e};
    for_pieces(pool, batch * half, CHUNK, forward, &g);
}
