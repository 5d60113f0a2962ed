/* SPDX-License-Identifier: MIT */
/* noise.c: the noise z that each image of a run of the tape gets. It is drawn by counter,
 * so that row i of a batch can be any sample's noise without a copy of it being moved. */
#include "train/trainer.h"

/* Row i of the noise becomes the noise of sample number `sample`. */
static pdessm_status draw_row(pdessm_trainer *t, const pdessm_tensor *noise, uint64_t seed,
                              pdessm_purpose purpose, int64_t step, int64_t sample, int i) {
    pdessm_tensor row = *noise;
    row.whole = row.whole && row.dims[0] == 1;
    row.dims[0] = 1;
    row.offset += (size_t)i * pdessm_tensor_bytes(&row);
    return pdessm_call_normal(t->device, seed, purpose, step, sample, &row);
}

/* What pdessm_sample() began image number index[i] with. */
static pdessm_status draw_pairs(pdessm_trainer *t, const pdessm_trainer_tape *tape) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < tape->batch; i++)
        PDESSM_TRY(draw_row(t, tape->noise[0], t->options.pair_seed, PDESSM_RANDOM_SAMPLE, 0,
                            t->indices[i], i));
out:
    return status;
}

pdessm_status pdessm_trainer_draw_noise(pdessm_trainer *t, pdessm_trainer_tape *tape,
                                        int64_t first) {
    const pdessm_train_options *o = &t->options;
    pdessm_tensor *noise = tape->noise[0];
    pdessm_status status = PDESSM_OK;
    const int32_t *partner = NULL;
    if (o->coupling == PDESSM_COUPLING_PAIRS)
        return draw_pairs(t, tape);
    PDESSM_TRY(pdessm_call_normal(t->device, o->seed, PDESSM_RANDOM_NOISE, t->step, first, noise));
    if (o->coupling == PDESSM_COUPLING_INDEPENDENT)
        return PDESSM_OK;
    PDESSM_TRY(pdessm_matcher_match(tape->matcher, tape->image[0], noise, &partner));
    for (int i = 0; i < tape->batch; i++)
        if (partner[i] != i)
            PDESSM_TRY(
                draw_row(t, noise, o->seed, PDESSM_RANDOM_NOISE, t->step, first + partner[i], i));
out:
    return status;
}
