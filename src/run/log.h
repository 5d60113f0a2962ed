/* SPDX-License-Identifier: MIT */
/* log.h: RUN/log.csv, one line for each report of a training run, and RUN/accuracy.csv, one
 * for each test of a classifier. */
#ifndef PDESSM_CLI_TRAIN_LOG_H
#define PDESSM_CLI_TRAIN_LOG_H

#include "shared/cli.h"

typedef struct cli_train_log {
    cli *c;
    const char *path, *head;
    int numbers; /* that a whole line has at least */
    int descriptor;
    int64_t last_step; /* of the last line; -1: none */
    double last_value; /* the number after it */
    double seconds;    /* wall seconds on the last line */
} cli_train_log;

/* levels: each line ends with the level and the work of its last step.
 * Opens or makes the log and locks it, so that two processes cannot train in one folder. Lines
 * beyond step `keep`, and whatever a killed process left half written, are cut off. */
pdessm_status pdessm_cli_train_log_open(cli *c, const char *path, int64_t keep, int levels,
                                        cli_train_log *ret);

typedef struct cli_log_line {
    int64_t step;
    double loss, rate, gradient_norm, images_per_second, seconds;
    int64_t memory; /* bytes, at the peak */
    int level;
    double step_flops;
} cli_log_line;
pdessm_status pdessm_cli_train_log_append(cli_train_log *log, const cli_log_line *line);

/* RUN/accuracy.csv, in the same way. */
pdessm_status pdessm_cli_accuracy_log_open(cli *c, const char *path, int64_t keep,
                                           cli_train_log *ret);
pdessm_status pdessm_cli_accuracy_log_append(cli_train_log *log, int64_t step, double accuracy);

void pdessm_cli_train_log_close(cli_train_log *log);

#endif
