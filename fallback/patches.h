/* SPDX-License-Identifier: MIT */
/* patches.h: images [batch, channels, height, width] to tokens [batch, tokens, channels p p] and
 * back. The two layouts of a token in use differ by the strides of (channel, y, x) alone. */
#ifndef PDESSM_FALLBACK_PATCHES_H
#define PDESSM_FALLBACK_PATCHES_H

#include "elementwise.h"

struct patches {
    int64_t channels, height, width, patch;
    int64_t stride_c, stride_y, stride_x; /* within a token */
    const float *from;
    float *to;
    int to_tokens, add;
};

/* One row of the image, y within its token: the inner loop has a constant length for the usual
 * patches. */
static inline void patch_row(const struct patches *g, int64_t patch, int64_t image_at,
                             int64_t token_at) {
    int64_t size = g->channels * patch * patch;
    for (int64_t j = 0; j < g->width / patch; j++)
        for (int64_t x = 0; x < patch; x++) {
            int64_t in_image = image_at + j * patch + x;
            int64_t in_token = token_at + j * size + x * g->stride_x;
            float *to = g->to + (g->to_tokens ? in_token : in_image);
            *to = (g->add ? *to : 0.0f) + g->from[g->to_tokens ? in_image : in_token];
        }
}

/* Rows of tokens [begin, end), counted over the batch. */
static inline void patch_rows(void *argument, int64_t begin, int64_t end) {
    const struct patches *g = argument;
    int64_t p = g->patch, rows = g->height / p, size = g->channels * p * p;
    for (int64_t r = begin; r < end; r++)
        for (int64_t c = 0; c < g->channels; c++)
            for (int64_t y = 0; y < p; y++) {
                int64_t b = r / rows, i = r % rows;
                int64_t image_at = ((b * g->channels + c) * g->height + i * p + y) * g->width;
                int64_t token_at = r * (g->width / p) * size + c * g->stride_c + y * g->stride_y;
                if (p == 2)
                    patch_row(g, 2, image_at, token_at);
                else if (p == 4)
                    patch_row(g, 4, image_at, token_at);
                else
                    patch_row(g, p, image_at, token_at);
            }
}

static inline void move_patches(pdessm_pool *pool, int64_t batch, struct patches *g) {
    for_rows(pool, batch * (g->height / g->patch), g->channels * g->patch * g->width, patch_rows,
             g);
}

#endif
