/* SPDX-License-Identifier: MIT */
/* accuracy.h: how well a classifier in training does on images that it has not seen. */
#ifndef PDESSM_CLI_TRAIN_ACCURACY_H
#define PDESSM_CLI_TRAIN_ACCURACY_H

#include "log.h"
#include "settings.h"

typedef struct cli_accuracy {
    cli *c;
    const pdessm_run_settings *settings;
    pdessm_dataset *test;
    cli_train_log log;
    int64_t step; /* of the last test; -1: none yet */
    double value; /* its result */
} cli_accuracy;

/* Opens the test images: --test, else the test split of --data, of the size and with the channels
 * of `images`. */
pdessm_status pdessm_cli_accuracy_open(cli *c, const pdessm_run_settings *s,
                                       const pdessm_dataset_info *images, cli_accuracy *ret);

/* Begins or goes on with FOLDER/accuracy.csv; lines beyond step `keep` are cut off. */
pdessm_status pdessm_cli_accuracy_begin(cli_accuracy *a, const char *folder, int64_t keep);

/* Tests the averaged weights with a bar, unless this step has been tested; prints, logs.
 * Interrupted: ERROR_CANCELLED. */
pdessm_status pdessm_cli_accuracy_test(cli_accuracy *a, pdessm_trainer *trainer);

void pdessm_cli_accuracy_close(cli_accuracy *a);

#endif
