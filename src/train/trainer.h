/* SPDX-License-Identifier: MIT */
/* trainer.h: inside of a trainer.
 *
 * The room `train` has the trainer: batches, noise, couplings, levels, the optimiser's step, and
 * checkpoints that resume bit for bit. It knows a model and a data set; folders of runs, logs and
 * settings in files are the business of `run`. */
#ifndef PDESSM_TRAIN_TRAINER_H
#define PDESSM_TRAIN_TRAINER_H

#include <pdessm/train.h>

#include "model/model.h"
#include "ops/calls.h"
#include "train/matcher.h"

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

/* A recorded run of the network at one level. */
typedef struct pdessm_trainer_tape {
    pdessm_tape *tape; /* NULL: not recorded */
    int level, batch;
    double share; /* of the step's gradient that a run of it is, with its sign */
    /* [k]: at the extents of level k. Those of `level` are inputs of the tape, the finer ones,
     * which they are averaged from, belong to the tape. */
    pdessm_tensor *image[PDESSM_MOST_LEVELS];
    pdessm_tensor *noise[PDESSM_MOST_LEVELS]; /* NULL for a classifier */
    pdessm_tensor *label, *time;              /* inputs; no time for a classifier */
    pdessm_tensor *loss;
    pdessm_matcher *matcher; /* NULL unless noise is coupled to images */
} pdessm_trainer_tape;

/* One run of a tape within a step: images first .. first + batch - 1 of the step, at that level. */
typedef struct pdessm_trainer_pass {
    int level;
    int64_t first;
    double share; /* of its mean in the step's gradient */
} pdessm_trainer_pass;

/* A pass of accumulation has one run of each tape for a difference, two for a mean. */
enum { PDESSM_MOST_RUNS = 3 * PDESSM_MOST_LEVELS };

struct pdessm_trainer {
    pdessm_device *device;
    pdessm_context *ctx;
    pdessm_dataset *data;
    pdessm_train_options options;
    int64_t step; /* steps done */
    pdessm_model *model, *average;
    pdessm_arena first_moment, second_moment;
    pdessm_trainer_tape tape[PDESSM_MOST_LEVELS]; /* [l]: of level l */
    pdessm_tensor *step_loss, *state;
    double flops; /* of the last step's tapes */
    /* The batch on its way to the device. */
    float *images, *times;
    int32_t *labels;
    int64_t *indices; /* places of its images in the data */
    /* The order of the data in one epoch. */
    uint32_t *order;
    int64_t order_epoch; /* -1: none yet */
};

static inline int pdessm_trainer_classifies(const pdessm_trainer *t) {
    return t->model->config.task == PDESSM_TASK_CLASSIFY;
}

/* One run of a tape; its gradients are added to the step's (trainer.c). */
pdessm_status pdessm_trainer_run(pdessm_trainer *t, const pdessm_trainer_pass *run);

/* Records the tapes of the current step that are not there yet, and drops those that no later step
 * needs (trainer_tape.c). */
pdessm_status pdessm_trainer_record(pdessm_trainer *t);
void pdessm_trainer_tape_release(pdessm_trainer_tape *tape);

/* Refuses several resolutions behind a map. */
pdessm_status pdessm_trainer_check_map(pdessm_context *ctx, pdessm_resolution resolution,
                                       int has_map);

/* Refuses data that does not fit the configuration (options.c). */
pdessm_status pdessm_trainer_check_data(pdessm_context *ctx, const pdessm_dataset_info *d,
                                        const pdessm_config *c);

/* Learning rate and decay of the average at step number `step`, from 0 (options.c). */
double pdessm_trainer_rate(const pdessm_train_options *o, int64_t step);
double pdessm_trainer_ema(const pdessm_train_options *o, int64_t step);

/* Steps over the levels (levels.c). The level that step number `step` has as its finest,
 * and the first step of that level: */
int pdessm_level_at(const pdessm_train_options *o, int64_t step, int64_t *ret_first);
/* Images of one run of a level's tape; the most of any level: */
int pdessm_level_batch(const pdessm_train_options *o, int level);
int pdessm_level_largest_batch(const pdessm_train_options *o);
/* Images that all steps before number `step` see: */
int64_t pdessm_level_images(const pdessm_train_options *o, int64_t step);
/* The runs of accumulation pass `micro` of that step. Returns their number. */
int pdessm_level_runs(const pdessm_train_options *o, int64_t step, int micro,
                      pdessm_trainer_pass ret[PDESSM_MOST_RUNS]);
/* The settings as text, for those who compare. */
void pdessm_level_text(const pdessm_train_options *o, size_t size, char *ret);
pdessm_status pdessm_level_check(pdessm_context *ctx, const pdessm_config *c,
                                 const pdessm_train_options *o);

/* Fills images, times, labels and indices for images first .. first + n - 1 of the current step
 * (batch.c). */
void pdessm_trainer_draw_batch(pdessm_trainer *t, int64_t first, int n);

/* Fills the noise of a tape for images from number `first` of the step on, whose images are on the
 * device already; both at the finest extents (noise.c). */
pdessm_status pdessm_trainer_draw_noise(pdessm_trainer *t, pdessm_trainer_tape *tape,
                                        int64_t first);

/* Everything but the values of parameters and moments (trainer.c). */
pdessm_status pdessm_trainer_build(pdessm_device *device, pdessm_dataset *data,
                                   const pdessm_train_options *options, pdessm_model *model,
                                   pdessm_trainer **ret);

#endif
