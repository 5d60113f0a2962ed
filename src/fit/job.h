/* SPDX-License-Identifier: MIT */
/* job.h: a fit under way: its images by class, its folder of states. */
#ifndef PDESSM_FIT_JOB_H
#define PDESSM_FIT_JOB_H

#include <pdessm/fit.h>

#include "core/context.h"

/* A fit under way. */
typedef struct pdessm_fit_job {
    pdessm_device *device;
    pdessm_context *ctx;
    pdessm_dataset *data;
    const pdessm_precondition_options *options;
    const pdessm_dataset_info *images;
    int64_t classes, pixels; /* maps to fit; channels height width */
    int64_t *members;        /* [count]: the images, sorted by class .. */
    int64_t *first;          /* [classes + 1]: .. where each class begins */
} pdessm_fit_job;

/* Sorts the images into job->classes classes; released with pdessm_fit_job_release(). */
pdessm_status pdessm_fit_job_sort(pdessm_fit_job *job);
void pdessm_fit_job_release(pdessm_fit_job *job);

/* Copies images first .. first + n - 1 of the sorted ones out: [n, channels, height, width]. */
void pdessm_fit_images(const pdessm_fit_job *job, int64_t first, int64_t n, float *ret);

/* The mean image of a class, [pixels], in float64. */
pdessm_status pdessm_fit_mean(const pdessm_fit_job *job, int64_t label, double *ret);

/* Adds weight times the covariance of a class around its mean, divided by the number of images, to
 * the upper triangle of sum [pixels, pixels] (whiten.c). */
pdessm_status pdessm_fit_add_covariance(const pdessm_fit_job *job, int64_t label, double weight,
                                        const double *mean, double *sum);

/* options->folder: a folder for this fit, or for one started earlier, which must be the same.
 * Nothing if the kind is fitted in one go, or no folder is requested (folder.c). */
pdessm_status pdessm_fit_folder_open(const pdessm_fit_job *job,
                                     const pdessm_precondition_info *info);
/* Steps between two savings. */
enum { PDESSM_FIT_SAVE_EVERY = 200 };

#endif
