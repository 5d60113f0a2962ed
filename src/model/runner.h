/* SPDX-License-Identifier: MIT */
/* runner.h: a model recorded once for a batch of images, to be run over as many batches as there
 * are. */
#ifndef PDESSM_MODEL_RUNNER_H
#define PDESSM_MODEL_RUNNER_H

#include "model/model.h"

/* All zero is releasable. Inputs of the tape, and what it gives: velocities like x, or (of a
 * classifier, which has neither t nor y) logits and features. */
typedef struct pdessm_runner {
    int64_t batch;  /* images of one run */
    int64_t pixels; /* numbers of an image */
    pdessm_tape *tape;
    pdessm_tensor *x, *t, *y;
    pdessm_tensor *result[2]; /* velocity, NULL; or logits, features */
} pdessm_runner;

/* Of a model that draws images. guidance other than 1: inputs hold 2 batch images, the first half
 * for the null class, and the velocity is the guided one of `batch` images. */
pdessm_status pdessm_runner_velocity(pdessm_model *model, int64_t batch, int64_t height,
                                     int64_t width, double guidance, pdessm_runner *ret);
/* Of a classifier, at its own size. */
pdessm_status pdessm_runner_logits(pdessm_model *model, int64_t batch, pdessm_runner *ret);
void pdessm_runner_release(pdessm_runner *runner);

/* One run on host memory: images like x, times and labels (NULL for a classifier) like t and y.
 * Results that are not wanted are NULL. */
pdessm_status pdessm_runner_run(pdessm_runner *runner, const float *images, const float *times,
                                const int32_t *labels, float *ret_first, float *ret_second);

#endif
