/* SPDX-License-Identifier: MIT */
/* patchify.c: image to tokens, a patch flattened as (channel, y, x). */
#include "fallback.h"
#include "patches.h"

static struct patches layout(int64_t channels, int64_t height, int64_t width, int64_t patch) {
    return (struct patches){.channels = channels,
                            .height = height,
                            .width = width,
                            .patch = patch,
                            .stride_c = patch * patch,
                            .stride_y = patch,
                            .stride_x = 1};
}

void FALLBACK(patchify_forward)(pdessm_pool *pool, int64_t batch, int64_t channels, int64_t height,
                                int64_t width, int64_t patch, const float *image, float *tokens) {
    struct patches g = layout(channels, height, width, patch);
    g.from = image;
    g.to = tokens;
    g.to_tokens = 1;
    move_patches(pool, batch, &g);
}

void FALLBACK(patchify_backward)(pdessm_pool *pool, int64_t batch, int64_t channels, int64_t height,
                                 int64_t width, int64_t patch, const float *dtokens, float *dimage,
                                 int add) {
    struct patches g = layout(channels, height, width, patch);
    g.from = dtokens;
    g.to = dimage;
    g.add = add;
    move_patches(pool, batch, &g);
}
