/* SPDX-License-Identifier: MIT */
/* corner.c: images [batch, height, width, channels] to images of another size that have the first
 * rows and columns in common; what the source does not have is zero. The adjoint is the way back.
 */
#include "elementwise.h"
#include "fallback.h"

struct corner {
    int64_t from_height, from_width, to_height, to_width, channels;
    const float *from;
    float *to;
    int add;
};

/* Rows [begin, end) of all images of the target. */
static void move_rows(void *argument, int64_t begin, int64_t end) {
    const struct corner *g = argument;
    int64_t width = g->to_width * g->channels;
    for (int64_t r = begin; r < end; r++) {
        int64_t image = r / g->to_height, row = r % g->to_height;
        int64_t columns = row < g->from_height ? least(g->from_width, g->to_width) : 0;
        int64_t shared = columns * g->channels;
        int64_t from = (image * g->from_height + row) * g->from_width * g->channels;
        float *to = g->to + r * width;
        if (shared)
            put(shared, g->from + from, to, g->add);
        if (!g->add)
            memset(to + shared, 0, (size_t)(width - shared) * sizeof *to);
    }
}

void FALLBACK(corner_forward)(pdessm_pool *pool, int64_t batch, const int64_t from[3],
                              const int64_t to[2], const float *u, float *y) {
    struct corner g = {.from_height = from[0],
                       .from_width = from[1],
                       .to_height = to[0],
                       .to_width = to[1],
                       .channels = from[2],
                       .from = u,
                       .to = y};
    for_rows(pool, batch * to[0], to[1] * from[2], move_rows, &g);
}

void FALLBACK(corner_backward)(pdessm_pool *pool, int64_t batch, const int64_t from[3],
                               const int64_t to[2], const float *dy, float *du, int add) {
    struct corner g = {.from_height = to[0],
                       .from_width = to[1],
                       .to_height = from[0],
                       .to_width = from[1],
                       .channels = from[2],
                       .from = dy,
                       .to = du,
                       .add = add};
    for_rows(pool, batch * from[0], from[1] * from[2], move_rows, &g);
}
