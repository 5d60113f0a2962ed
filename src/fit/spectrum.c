/* SPDX-License-Identifier: MIT */
/* spectrum.c: eigenvalues of data and what they mean for training. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/diagnostics.h>

#include "fit/fit.h"
#include "numeric/eigen.h"

enum { MOST_PIXELS = 4096 };

static pdessm_status check(const pdessm_fit_job *job, int64_t label) {
    const pdessm_dataset_info *i = job->images;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(job->ctx, job->pixels <= MOST_PIXELS, PDESSM_ERROR_ARGUMENT,
                   "eigenvalues of images of %lld x %lld x %lld: %lld numbers each, at most %d are "
                   "allowed; use smaller images (--image-size)",
                   (long long)i->height, (long long)i->width, (long long)i->channels,
                   (long long)job->pixels, MOST_PIXELS);
    PDESSM_REQUIRE(job->ctx, label < job->classes, PDESSM_ERROR_ARGUMENT,
                   "eigenvalues of class %lld; the data has %lld", (long long)label,
                   (long long)job->classes);
out:
    return status;
}

pdessm_status pdessm_data_spectrum(pdessm_device *device, pdessm_dataset *data, int64_t label,
                                   double *ret_values, double *ret_vectors) {
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *images = pdessm_dataset_get_info(data);
    pdessm_fit_job job = {.device = device,
                          .ctx = device->ctx,
                          .data = data,
                          .images = images,
                          .classes = label >= 0 && images->has_labels ? images->num_classes : 1,
                          .pixels = images->channels * images->height * images->width};
    const int64_t which = label >= 0 ? label : 0;
    const size_t d = (size_t)job.pixels;
    double *mean = NULL, *matrix = NULL;
    PDESSM_TRY(check(&job, which));
    PDESSM_TRY(pdessm_fit_job_sort(&job));
    PDESSM_REQUIRE(job.ctx, job.first[which + 1] - job.first[which] >= 2, PDESSM_ERROR_ARGUMENT,
                   "eigenvalues of %lld images of class %lld; at least 2 are needed",
                   (long long)(job.first[which + 1] - job.first[which]), (long long)which);
    PDESSM_TRY(pdessm_alloc(job.ctx, d, sizeof *mean, &mean));
    PDESSM_TRY(pdessm_alloc(job.ctx, d * d, sizeof *matrix, &matrix));
    PDESSM_TRY(pdessm_fit_mean(&job, which, mean));
    PDESSM_TRY(pdessm_fit_add_covariance(&job, which, 1, mean, matrix));
    PDESSM_TRY(pdessm_symmetric_eigen(job.ctx, job.pixels, matrix, ret_values));
    if (ret_vectors)
        memcpy(ret_vectors, matrix, d * d * sizeof *matrix);
out:
    pdessm_fit_job_release(&job);
    free(mean);
    free(matrix);
    return status;
}

double pdessm_path_condition(const double *values, int64_t n, double t) {
    const double noise = (1 - t) * (1 - t);
    return (noise + t * t * fmax(values[n - 1], 0)) / (noise + t * t * fmax(values[0], 0));
}

double pdessm_effective_rank(const double *values, int64_t n) {
    double sum = 0, entropy = 0;
    for (int64_t i = 0; i < n; i++)
        sum += fmax(values[i], 0);
    for (int64_t i = 0; i < n; i++)
        if (values[i] > 0)
            entropy -= values[i] / sum * log(values[i] / sum);
    return exp(entropy);
}
