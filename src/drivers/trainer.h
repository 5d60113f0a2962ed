/* SPDX-License-Identifier: MIT */
/* trainer.h: inside of a training run. */
#ifndef PDESSM_DRIVERS_TRAINER_H
#define PDESSM_DRIVERS_TRAINER_H

#include <pdessm/train.h>

#include "drivers/calls.h"
#include "drivers/matcher.h"
#include "model/model.h"

/* Places in the optimiser's state tensor (src/ops/grad_norm.c). */
enum {
    STATE_NORM,
    STATE_FACTOR,
    STATE_OK,
    STATE_BAD_IN_A_ROW,
    STATE_BAD_TOTAL,
    STATE_LOSS_SUM,
    STATE_LOSS_COUNT,
    STATE_LAST_LOSS,
    STATE_SIZE
};

struct pdessm_trainer {
    pdessm_device *device;
    pdessm_context *ctx;
    pdessm_dataset *data;
    pdessm_train_options options;
    int64_t step; /* steps done */
    pdessm_model *model, *average;
    pdessm_arena first_moment, second_moment;
    pdessm_graph *graph;
    pdessm_tensor *image, *label; /* inputs of the tape */
    pdessm_tensor *noise, *time;  /* more of them; NULL for a classifier */
    pdessm_tensor *loss;          /* of one run of the tape */
    pdessm_tensor *step_loss, *state;
    /* The batch on its way to the device. */
    float *images, *times;
    int32_t *labels;
    int64_t *indices;        /* places of its images in the data */
    pdessm_matcher *matcher; /* NULL unless noise is coupled to images */
    /* The order of the data in one epoch. */
    uint32_t *order;
    int64_t order_epoch; /* -1: none yet */
};

static inline int pdessm_trainer_classifies(const pdessm_trainer *t) {
    return t->model->config.task == PDESSM_TASK_CLASSIFY;
}

/* Records and plans the tape (trainer_tape.c). */
pdessm_status pdessm_trainer_record(pdessm_trainer *t);

/* Refuses settings out of bounds, and data that does not fit the configuration
 * (trainer_options.c). */
pdessm_status pdessm_trainer_check_options(pdessm_context *ctx, const pdessm_train_options *o);
pdessm_status pdessm_trainer_check_data(pdessm_context *ctx, const pdessm_dataset_info *d,
                                        const pdessm_config *c);

/* Learning rate and decay of the average at step number `step`, from 0 (trainer_options.c). */
double pdessm_trainer_rate(const pdessm_train_options *o, int64_t step);
double pdessm_trainer_ema(const pdessm_train_options *o, int64_t step);

/* Fills images, times, labels and indices for run `micro` of the step at hand (batch.c). */
void pdessm_trainer_draw_batch(pdessm_trainer *t, int micro);

/* Fills the noise of that run, whose images are on the device already (trainer_noise.c). */
pdessm_status pdessm_trainer_draw_noise(pdessm_trainer *t, int micro);

/* Everything but the values of parameters and moments (trainer.c). */
pdessm_status pdessm_trainer_build(pdessm_device *device, pdessm_dataset *data,
                                   const pdessm_train_options *options, pdessm_model *model,
                                   pdessm_trainer **ret);

#endif
