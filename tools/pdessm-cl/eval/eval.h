/* SPDX-License-Identifier: MIT */
/* eval.h: inside of `eval`: two sets of images, where they come from, and what is said of them. */
#ifndef PDESSM_CLI_EVAL_EVAL_H
#define PDESSM_CLI_EVAL_EVAL_H

#include <pdessm/pdessm.h>

#include "shared/cli.h"
#include "shared/progress.h"

/* Images in memory; all zero is empty and releasable. */
typedef struct cli_eval_set {
    const char *name; /* for people: the path, or what it was drawn from */
    int64_t count, channels, height, width;
    int is_float;    /* 0: 8 bits a channel, whatever they are stored as here */
    float *images;   /* [count, channels, height, width] */
    int32_t *labels; /* [count], or NULL */
    int64_t num_classes;
    float *features;  /* [count, feature_dimension] of the classifier, or NULL */
    int32_t *classes; /* [count] what the classifier sees, or NULL */
} cli_eval_set;

typedef struct cli_eval {
    cli *c;
    /* what is asked for */
    const char *samples_path, *model_path, *reference_path, *classifier_path, *keep;
    int split; /* auto, train, test */
    pdessm_resize fit;
    pdessm_layout layout;
    int64_t n, limit, steps, batch, image_size[2], channels;
    pdessm_sample_options sampling;
    pdessm_metric_options metrics;
    /* what there is */
    const char *model_file, *classifier_file;
    pdessm_model *model, *classifier;
    cli_eval_set samples, reference;
    cli_progress bar;
    const char *doing; /* beside the bar */
    /* what is found; not a number where nothing is */
    int64_t feature_dimension, evaluations;
    pdessm_evaluation found;
    double label_accuracy, reference_accuracy, velocity_loss, seconds;
} cli_eval;

/* Reads the real images, then reads or draws the others; sizes and channels agree afterwards
 * (sets.c). */
pdessm_status pdessm_cli_eval_open_reference(cli_eval *e);
pdessm_status pdessm_cli_eval_open_samples(cli_eval *e);
pdessm_status pdessm_cli_eval_check_model(cli_eval *e);
pdessm_status pdessm_cli_eval_draw(cli_eval *e);
void pdessm_cli_eval_release(cli_eval_set *set);

/* Refuses a classifier that does not fit the images; then asks it about both sets
 * (classify.c). */
pdessm_status pdessm_cli_eval_open_classifier(cli_eval *e);
pdessm_status pdessm_cli_eval_classify(cli_eval *e);

/* A bar around one part of the work; the callback suits the options of drivers. */
void pdessm_cli_eval_begin(cli_eval *e, const char *what, const char *doing);
int pdessm_cli_eval_progress(void *user, double share);

/* The result on stdout (print.c). */
void pdessm_cli_eval_print(const cli_eval *e);

#endif
