/* SPDX-License-Identifier: MIT */
/* train.h: flow matching, and classifiers. z ~ N(0, I), data x in [-1, 1], x_t = (1 - t) z + t x,
 * loss = mean (v_theta(x_t, t, y) - (x - z))^2; AdamW, warm-up, schedule, clipping, accumulation,
 * EMA. */
#ifndef PDESSM_TRAIN_H
#define PDESSM_TRAIN_H

#include <pdessm/data.h>
#include <pdessm/evaluate.h>
#include <pdessm/precondition.h>
#include <pdessm/sample.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The learning rate after the warm-up. */
#define PDESSM_SCHEDULES(X) X(CONSTANT, "constant") X(COSINE, "cosine")
typedef enum pdessm_schedule {
#define X(id, name) PDESSM_SCHEDULE_##id,
    PDESSM_SCHEDULES(X)
#undef X
} pdessm_schedule;
PDESSM_API const char *pdessm_schedule_name(pdessm_schedule value);
PDESSM_API pdessm_status pdessm_schedule_find(pdessm_context *ctx, const char *name,
                                              pdessm_schedule *ret);

/* The distribution of t: uniform in [0, 1], or logit t normal (0, 1). */
#define PDESSM_TIME_LAWS(X) X(UNIFORM, "uniform") X(LOGIT_NORMAL, "logit-normal")
typedef enum pdessm_time_law {
#define X(id, name) PDESSM_TIME_##id,
    PDESSM_TIME_LAWS(X)
#undef X
} pdessm_time_law;
PDESSM_API const char *pdessm_time_law_name(pdessm_time_law value);
PDESSM_API pdessm_status pdessm_time_law_find(pdessm_context *ctx, const char *name,
                                              pdessm_time_law *ret);

/* Which noise z an image x gets. Independent: any. OT: within a batch (one run of the tape, all
 * labels together) noise is permuted so that sum |x_i - z_i|^2 is least, which straightens the
 * paths (minibatch optimal transport); each step then waits for the device once. Pairs: image i of
 * the data is the one that pdessm_sample() made of noise (pair_seed, i), and gets that noise
 * (reflow). */
#define PDESSM_COUPLINGS_OF_ANY_DATA(X) X(INDEPENDENT, "independent") X(OT, "ot")
#define PDESSM_COUPLINGS(X) PDESSM_COUPLINGS_OF_ANY_DATA(X) X(PAIRS, "pairs")
typedef enum pdessm_coupling {
#define X(id, name) PDESSM_COUPLING_##id,
    PDESSM_COUPLINGS(X)
#undef X
} pdessm_coupling;
PDESSM_API const char *pdessm_coupling_name(pdessm_coupling value);
PDESSM_API pdessm_status pdessm_coupling_find(pdessm_context *ctx, const char *name,
                                              pdessm_coupling *ret);

/* At which resolutions one set of weights learns. Level l of an image x is x averaged l times over
 * 2 x 2 squares; its noise is averaged with it and scaled back to unit variance, its time t stays.
 *
 * Coarse-to-fine: the coarsest level first, then the next finer one, each for a given number of
 * steps, the finest (level 0) for the rest; level l has batches of 2^l batch. Optimiser and
 * schedule continue; the EMA forgets the first steps of each level faster.
 *
 * Multiscale gradient estimation (MGE): every step has all levels, as a telescoping sum
 *
 *     g = sum_{l < L} mean_{B_l}[grad L_l - grad L_{l+1}] + mean_{B_L}[grad L_L],
 *
 * L the coarsest level, |B_l| = 2^l batch. Both terms of a difference see the same images, times,
 * labels and noise at their two resolutions. Its mean is that of grad L_0, whatever the losses of
 * the levels are; so is the mean of the loss that a step reports, which may be negative. */
#define PDESSM_RESOLUTIONS(X)                                                                      \
    X(FULL, "none") /* level 0 alone */                                                            \
    X(COARSE_TO_FINE, "coarse-to-fine")                                                            \
    X(MGE, "mge")
typedef enum pdessm_resolution {
#define X(id, name) PDESSM_RESOLUTION_##id,
    PDESSM_RESOLUTIONS(X)
#undef X
} pdessm_resolution;
PDESSM_API const char *pdessm_resolution_name(pdessm_resolution value);
PDESSM_API pdessm_status pdessm_resolution_find(pdessm_context *ctx, const char *name,
                                                pdessm_resolution *ret);

enum { PDESSM_MOST_LEVELS = 8 };

typedef struct pdessm_train_options {
    int64_t steps;  /* optimiser steps in all */
    int batch;      /* images of one run of the tape, at level 0 */
    int accumulate; /* runs that make one step */
    double rate;    /* peak learning rate */
    int64_t warmup; /* steps of linear rise */
    pdessm_schedule schedule;
    double final_rate;        /* where cosine ends, as a share of rate */
    double pde_rate_scale;    /* learning rate of the PDE coefficients over the others' */
    double filter_rate_scale; /* the same for free filters and convolutions */
    double beta1, beta2, epsilon;
    double weight_decay;    /* of the matrices of linear layers, nothing else */
    double clip;            /* global gradient norm; 0: none */
    double ema;             /* decay of the average */
    double label_dropout;   /* of flow matching: share of images trained without their class */
    double label_smoothing; /* of a classifier: share of the target that all classes have alike */
    pdessm_time_law time_law;
    pdessm_coupling coupling;
    uint64_t pair_seed; /* of PDESSM_COUPLING_PAIRS */
    pdessm_resolution resolution;
    int levels;                              /* level 0 among them; 1 for full */
    int64_t level_steps[PDESSM_MOST_LEVELS]; /* [l], 0 < l < levels: of coarse-to-fine at level l */
    int flip;                                /* mirror images left to right, half of them */
    int shift; /* move images by up to this many pixels each way; the border is black (floats: 0) */
    uint64_t seed;
} pdessm_train_options;

/* The defaults that pdessm-cl train has. */
PDESSM_API pdessm_train_options pdessm_train_defaults(void);

typedef struct pdessm_trainer pdessm_trainer;

/* Refuses options that are out of bounds, do not go together, or that this network cannot be
 * trained with: a level whose image the patch does not divide, a free filter at several levels. */
PDESSM_API pdessm_status pdessm_train_check(pdessm_context *ctx, const pdessm_config *config,
                                            const pdessm_train_options *options);

/* What pdessm_memory_to_train() says, for all tapes that these options hold at a time. flops: of
 * an optimiser step at its dearest. */
PDESSM_API pdessm_status pdessm_train_memory(pdessm_context *ctx, const pdessm_config *config,
                                             const pdessm_train_options *options,
                                             pdessm_memory_estimate *ret);

/* A new run. What is trained is the configuration's task: a velocity by flow matching, or a
 * classifier by cross-entropy, which needs labels and leaves noise, times and couplings aside. The
 * data set must fit the configuration (size, channels, classes) and outlive the
 * trainer. */
PDESSM_API pdessm_status pdessm_trainer_create(pdessm_device *device, pdessm_dataset *data,
                                               const pdessm_config *config,
                                               const pdessm_train_options *options,
                                               pdessm_trainer **ret);

/* Goes on from a checkpoint folder (DIR/step-00012000). Same device, data and options: the same
 * bits as without the break. */
PDESSM_API pdessm_status pdessm_trainer_resume(pdessm_device *device, pdessm_dataset *data,
                                               const char *checkpoint,
                                               const pdessm_train_options *options,
                                               pdessm_trainer **ret);
PDESSM_API void pdessm_trainer_destroy(pdessm_trainer **trainer);

/* Training behind a map (precondition.h): the trainer's data has been taken through it already
 * (pdessm_precondition_dataset). Both models carry it from here on, into every checkpoint. map may
 * be NULL; trainers of several resolutions take no other. */
PDESSM_API pdessm_status pdessm_trainer_set_precondition(pdessm_trainer *trainer,
                                                         pdessm_precondition *map);

/* One optimiser step. Queues work and returns; waits for nothing unless noise is coupled by optimal
 * transport, and allocates nothing but at the first step of a level of coarse-to-fine. */
PDESSM_API pdessm_status pdessm_trainer_step(pdessm_trainer *trainer);

/* What happened since the last call; waits for the device. */
typedef struct pdessm_train_report {
    int64_t step; /* steps done */
    double loss;  /* mean over the good steps since the last report; NaN if there are none */
    double rate;  /* learning rate of the last step */
    double gradient_norm; /* of the last step, before clipping */
    int64_t bad_steps;    /* skipped because not finite, in all */
    int bad_in_a_row;
    double flops; /* floating point operations of the last step's tapes; a multiply-add is two */
} pdessm_train_report;
PDESSM_API pdessm_status pdessm_trainer_report(pdessm_trainer *trainer, pdessm_train_report *ret);

/* After 10 bad steps in a row: the name of the first tensor that is not finite, or NULL. */
PDESSM_API pdessm_status pdessm_trainer_find_bad(pdessm_trainer *trainer, const char **ret_name);

/* Writes FOLDER/step-XXXXXXXX with model, ema and optimizer by a rename after fsync; then removes
 * all but the newest `keep` (0: keeps all). */
PDESSM_API pdessm_status pdessm_trainer_save(pdessm_trainer *trainer, const char *folder, int keep);

/* Weights of a model file instead of the ones that the run began with, for model and average. The
 * network must have the same tensors. Before the first step. */
PDESSM_API pdessm_status pdessm_trainer_load(pdessm_trainer *trainer, const char *path);

/* What reflow trains on: draws n images of all classes in turn (image i of class i % num_classes;
 * with a single class, of the null class) to a safetensors file that pdessm_dataset_open() reads.
 * Image i comes from noise (options->seed, i), which PDESSM_COUPLING_PAIRS finds again. Parts are
 * kept in PATH.parts until all are there: after an interruption the same call resumes. A file that
 * is there already is kept if it is the same drawing, else ERROR_FILE. */
PDESSM_API pdessm_status pdessm_pairs_draw(pdessm_model *model,
                                           const pdessm_sample_options *options, int64_t n,
                                           const char *path);

/* The newest complete checkpoint below a folder: *ret_path is released with free(), NULL if none.
 */
PDESSM_API pdessm_status pdessm_checkpoint_newest(pdessm_context *ctx, const char *folder,
                                                  char **ret_path);

PDESSM_API int64_t pdessm_trainer_step_count(const pdessm_trainer *trainer);
/* Images that they saw, one that MGE sees at two levels counted once; the finest level of the last
 * of them. */
PDESSM_API int64_t pdessm_trainer_image_count(const pdessm_trainer *trainer);
PDESSM_API int pdessm_trainer_level(const pdessm_trainer *trainer);
/* Owned by the trainer. average: the EMA weights, for sampling while training continues. */
PDESSM_API pdessm_model *pdessm_trainer_model(pdessm_trainer *trainer);
PDESSM_API pdessm_model *pdessm_trainer_average(pdessm_trainer *trainer);

#ifdef __cplusplus
}
#endif
#endif
