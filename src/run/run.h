/* SPDX-License-Identifier: MIT */
/* run.h: the loop of a training run: steps, reports, checkpoints, pictures. */
#ifndef PDESSM_CLI_TRAIN_RUN_H
#define PDESSM_CLI_TRAIN_RUN_H

#include "accuracy.h"
#include "log.h"
#include "settings.h"
#include "shared/progress.h"

typedef struct cli_train_run {
    cli *c;
    const pdessm_run_settings *settings;
    const char *folder;
    const pdessm_dataset_info *images;
    pdessm_trainer *trainer;
    cli_train_log log;
    cli_accuracy *accuracy; /* NULL: not a classifier */
    cli_progress bar;
    double start;       /* of this process's part */
    double earlier;     /* wall seconds of the parts before it */
    int64_t first_step; /* done before it */
    int64_t saved_step; /* of the last checkpoint; -1: none yet */
    double loss_sum;    /* since the last line of the log, over loss_steps good steps */
    int64_t loss_steps;
    int64_t bad_steps;              /* as last reported */
    int64_t look_step;              /* step of that report */
    int64_t line_step, line_images; /* those of the last line of the log, for images/s; so too: */
    double line_seconds;
    double last_loss, images_per_second;
} cli_train_run;

/* Runs until all steps are done, the time is up, or somebody interrupts; saves in each case. */
pdessm_status pdessm_cli_train_run(cli_train_run *r);

#endif
