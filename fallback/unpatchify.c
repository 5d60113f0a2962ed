/* SPDX-License-Identifier: MIT */
/* unpatchify.c: tokens to image, a patch flattened as (y, x, channel). */
#include "fallback.h"
#include "patches.h"

static struct patches layout(int64_t channels, int64_t height, int64_t width, int64_t patch) {
    return (struct patches){.channels = channels,
                            .height = height,
                            .width = width,
                            .patch = patch,
                            .stride_c = 1,
                            .stride_y = patch * channels,
                            .stride_x = channels};
}

void FALLBACK(unpatchify_forward)(pdessm_pool *pool, int64_t batch, int64_t channels,
                                  int64_t height, int64_t width, int64_t patch, const float *tokens,
                                  float *image) {
    struct patches g = layout(channels, height, width, patch);
    g.from = tokens;
    g.to = image;
    move_patches(pool, batch, &g);
}

void FALLBACK(unpatchify_backward)(pdessm_pool *pool, int64_t batch, int64_t channels,
                                   int64_t height, int64_t width, int64_t patch,
                                   const float *dimage, float *dtokens, int add) {
    struct patches g = layout(channels, height, width, patch);
    g.from = dimage;
    g.to = dtokens;
    g.to_tokens = 1;
    g.add = add;
    move_patches(pool, batch, &g);
}
