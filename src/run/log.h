/* SPDX-License-Identifier: MIT */
/* log.h: RUN/log.csv, one line for each report of a training run, and RUN/accuracy.csv, one
 * for each test of a classifier, as they are written. */
#ifndef PDESSM_RUN_LOG_H
#define PDESSM_RUN_LOG_H

#include <stdint.h>

#include "core/context.h"

enum { PDESSM_RUN_PATH = 4096 };

/* All zero is closed. */
typedef struct pdessm_log_file {
    pdessm_context *ctx; /* NULL: closed */
    char path[PDESSM_RUN_PATH];
    const char *head;
    int numbers; /* that a whole line has at least */
    int descriptor;
    int64_t last_step; /* of the last line; -1: none */
    double last_value; /* the number after it */
    double seconds;    /* wall seconds on the last line */
} pdessm_log_file;

/* levels: each line ends with the level and the work of its last step.
 * Opens or makes the log and locks it, so that two processes cannot train in one folder. Lines
 * beyond step `keep`, and whatever a killed process left half written, are cut off. */
pdessm_status pdessm_log_file_open(pdessm_context *ctx, const char *path, int64_t keep, int levels,
                                   pdessm_log_file *ret);

typedef struct pdessm_log_line {
    int64_t step;
    double loss, rate, gradient_norm, images_per_second, seconds;
    int64_t memory; /* bytes, at the peak */
    int level;
    double step_flops;
} pdessm_log_line;
pdessm_status pdessm_log_file_append(pdessm_log_file *log, const pdessm_log_line *line);

/* accuracy.csv, in the same way. */
pdessm_status pdessm_accuracy_file_open(pdessm_context *ctx, const char *path, int64_t keep,
                                        pdessm_log_file *ret);
pdessm_status pdessm_accuracy_file_append(pdessm_log_file *log, int64_t step, double accuracy);

void pdessm_log_file_close(pdessm_log_file *log);

#endif
