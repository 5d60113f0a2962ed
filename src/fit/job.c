/* SPDX-License-Identifier: MIT */
/* job.c: the images of a fit, sorted by the map that they are fitted by. */
#include "fit/job.h"

#include <stdlib.h>
#include <string.h>

void pdessm_fit_images(const pdessm_fit_job *job, int64_t first, int64_t n, float *ret) {
    for (int64_t i = 0; i < n; i++)
        pdessm_dataset_image(job->data, job->members[first + i], ret + i * job->pixels);
}

pdessm_status pdessm_fit_mean(const pdessm_fit_job *job, int64_t label, double *ret) {
    pdessm_status status = PDESSM_OK;
    const int64_t begin = job->first[label], end = job->first[label + 1];
    float *image = NULL;
    PDESSM_TRY(pdessm_alloc(job->ctx, (size_t)job->pixels, sizeof *image, &image));
    memset(ret, 0, (size_t)job->pixels * sizeof *ret);
    for (int64_t i = begin; i < end; i++) {
        pdessm_fit_images(job, i, 1, image);
        for (int64_t k = 0; k < job->pixels; k++)
            ret[k] += (double)image[k];
    }
    for (int64_t k = 0; k < job->pixels; k++)
        ret[k] /= (double)(end - begin);
out:
    free(image);
    return status;
}

static int64_t map_of(const pdessm_fit_job *job, int64_t i) {
    return job->classes > 1 ? pdessm_dataset_label(job->data, i) : 0;
}

/* A counting sort. */
pdessm_status pdessm_fit_job_sort(pdessm_fit_job *job) {
    pdessm_status status = PDESSM_OK;
    const int64_t n = job->images->count;
    PDESSM_TRY(pdessm_alloc(job->ctx, (size_t)n, sizeof *job->members, &job->members));
    PDESSM_TRY(pdessm_alloc(job->ctx, (size_t)job->classes + 2, sizeof *job->first, &job->first));
    for (int64_t i = 0; i < n; i++)
        job->first[map_of(job, i) + 2]++;
    for (int64_t k = 2; k <= job->classes + 1; k++)
        job->first[k] += job->first[k - 1];
    for (int64_t i = 0; i < n; i++)
        job->members[job->first[map_of(job, i) + 1]++] = i;
out:
    return status;
}

void pdessm_fit_job_release(pdessm_fit_job *job) {
    free(job->members);
    free(job->first);
    job->members = job->first = NULL;
}
