/* SPDX-License-Identifier: MIT */
/* memory.c: what a training takes of the device, over all its levels. */
#include "train/trainer.h"

/* Images and noise of a tape at the levels above its own. */
static int64_t finer_bytes(const pdessm_config *full, int batch, int level) {
    const int64_t pixels = (int64_t)full->channels * full->image_size[0] * full->image_size[1];
    int64_t bytes = 0;
    for (int k = 0; k < level; k++)
        bytes += 2 * batch * (pixels >> (2 * k)) * (int64_t)sizeof(float);
    return bytes;
}

/* Coarse-to-fine has one tape at a time, and none is larger than the finest: twice the images, a
 * quarter of the tokens. */
pdessm_status pdessm_train_memory(pdessm_context *ctx, const pdessm_config *config,
                                  const pdessm_train_options *options,
                                  pdessm_memory_estimate *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_memory_estimate sum;
    pdessm_config coarse = *config;
    PDESSM_TRY(pdessm_train_check(ctx, config, options));
    PDESSM_TRY(pdessm_config_check(ctx, &coarse)); /* positions stay those of the full grid */
    PDESSM_TRY(pdessm_memory_to_train(ctx, &coarse, options->batch, &sum));
    for (int l = 1; options->resolution == PDESSM_RESOLUTION_MGE && l < options->levels; l++) {
        const int batch = pdessm_level_batch(options, l);
        const int runs = 3; /* of a difference, and two of a mean */
        pdessm_memory_estimate more;
        coarse.image_size[0] = config->image_size[0] >> l;
        coarse.image_size[1] = config->image_size[1] >> l;
        PDESSM_TRY(pdessm_memory_to_train(ctx, &coarse, batch, &more));
        more.activations += finer_bytes(config, batch, l);
        sum.activations += more.activations;
        sum.total += more.activations;
        sum.flops += runs * more.flops;
        if (more.largest_buffer > sum.largest_buffer)
            sum.largest_buffer = more.largest_buffer;
    }
    sum.flops *= options->accumulate;
    *ret = sum;
out:
    return status;
}
