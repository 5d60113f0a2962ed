/* SPDX-License-Identifier: MIT */
/* trainer_tape.c: the tapes of a run, one for each level at which the network is trained. */
#include "train/trainer.h"

/* Flow matching: x_t = (1 - t) z + t x, v = x - z, loss = mean (v_theta(x_t, t, y) - v)^2. */
static pdessm_tensor *velocity_loss(pdessm_trainer *t, pdessm_trainer_tape *tape,
                                    const int64_t image[4]) {
    pdessm_tape *g = tape->tape;
    const int l = tape->level;
    pdessm_tensor *x_t, *v;
    tape->noise[l] = pdessm_tape_input(g, PDESSM_FLOAT32, 4, image);
    tape->time = pdessm_tape_input(g, PDESSM_FLOAT32, 1, image);
    pdessm_flow_path(g, tape->image[l], tape->noise[l], tape->time, &x_t, &v);
    return pdessm_mse_loss(g, pdessm_model_velocity(t->model, g, x_t, tape->time, tape->label), v);
}

/* Classification: loss = mean -log p_theta(y | x), smoothed. */
static pdessm_tensor *class_loss(pdessm_trainer *t, pdessm_trainer_tape *tape) {
    pdessm_tensor *logits = pdessm_model_logits(t->model, tape->tape, tape->image[0], NULL);
    return pdessm_cross_entropy(tape->tape, logits, tape->label, t->options.label_smoothing);
}

/* [batch, channels, height, width] of images at level k. */
static void extents(const pdessm_trainer *t, const pdessm_trainer_tape *tape, int k,
                    int64_t ret[4]) {
    const pdessm_config *c = &t->model->config;
    ret[0] = tape->batch;
    ret[1] = c->channels;
    ret[2] = c->image_size[0] >> k;
    ret[3] = c->image_size[1] >> k;
}

static pdessm_status record(pdessm_trainer *t, int level) {
    pdessm_status status = PDESSM_OK;
    pdessm_trainer_tape *tape = &t->tape[level];
    int64_t image[4];
    tape->level = level;
    tape->batch = pdessm_level_batch(&t->options, level);
    for (int k = 0; k < level; k++) {
        extents(t, tape, k, image);
        PDESSM_TRY(pdessm_tensor_create(t->device, PDESSM_FLOAT32, 4, image, &tape->image[k]));
        PDESSM_TRY(pdessm_tensor_create(t->device, PDESSM_FLOAT32, 4, image, &tape->noise[k]));
    }
    extents(t, tape, level, image);
    PDESSM_TRY(pdessm_tape_create(t->device, &tape->tape));
    tape->image[level] = pdessm_tape_input(tape->tape, PDESSM_FLOAT32, 4, image);
    tape->label = pdessm_tape_input(tape->tape, PDESSM_INT32, 1, image);
    tape->loss = pdessm_trainer_classifies(t) ? class_loss(t, tape) : velocity_loss(t, tape, image);
    PDESSM_TRY(pdessm_tape_plan(tape->tape, tape->loss));
    tape->share = 1;
    if (t->options.coupling == PDESSM_COUPLING_OT && !pdessm_trainer_classifies(t))
        PDESSM_TRY(pdessm_matcher_create(t->device, tape->batch, &tape->matcher));
out:
    if (status != PDESSM_OK)
        pdessm_trainer_tape_release(tape);
    return status;
}

pdessm_status pdessm_trainer_record(pdessm_trainer *t) {
    pdessm_status status = PDESSM_OK;
    const pdessm_train_options *o = &t->options;
    int64_t first;
    const int finest = pdessm_level_at(o, t->step, &first);
    const int coarsest = o->resolution == PDESSM_RESOLUTION_MGE ? o->levels - 1 : finest;
    for (int l = coarsest + 1; l < PDESSM_MOST_LEVELS; l++)
        pdessm_trainer_tape_release(&t->tape[l]);
    for (int l = finest; l <= coarsest; l++)
        if (!t->tape[l].tape)
            PDESSM_TRY(record(t, l));
out:
    return status;
}

void pdessm_trainer_tape_release(pdessm_trainer_tape *tape) {
    for (int k = 0; k < tape->level; k++) {
        pdessm_tensor_destroy(&tape->image[k]);
        pdessm_tensor_destroy(&tape->noise[k]);
    }
    pdessm_tape_destroy(&tape->tape);
    pdessm_matcher_destroy(&tape->matcher);
    *tape = (pdessm_trainer_tape){0};
}
