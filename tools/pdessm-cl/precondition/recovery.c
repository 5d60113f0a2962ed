/* SPDX-License-Identifier: MIT */
/* recovery.c: how much of the data's variance a model draws, along each eigenvector of
 * the data's covariance. */
#include <math.h>
#include <stdlib.h>

#include "precondition.h"
#include "shared/interrupt.h"
#include "shared/memory.h"
#include "shared/progress.h"

static int show(void *user, double share) {
    pdessm_cli_progress_update(user, share, "images");
    return pdessm_cli_interrupted();
}

/* Classes in the shares that the data has them, which its covariance depends on; without labels the
 * null class. */
static void choose_labels(const pdessm_dataset *data, const pdessm_config *config, int64_t n,
                          int32_t *ret) {
    const pdessm_dataset_info *info = pdessm_dataset_get_info(data);
    for (int64_t i = 0; i < n; i++) {
        const int32_t label = pdessm_dataset_label(data, i * info->count / n);
        ret[i] = label < 0 || config->num_classes == 1 ? config->num_classes : label;
    }
}

/* What a file of 8 bits would hold: its rounding is noise as large as the least eigenvalues. */
static void round_to_bytes(float *images, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        images[i] = roundf((fminf(fmaxf(images[i], -1), 1) + 1) * 127.5f) / 127.5f - 1;
}

/* ret[k]: variance of the images, over n - 1, along row k of vectors. */
static pdessm_status measure(cli *c, const float *images, int64_t n, int64_t pixels,
                             const double *vectors, double *ret) {
    pdessm_status status = PDESSM_OK;
    double *along = NULL;
    PDESSM_TRY(pdessm_alloc(c->ctx, (size_t)n, sizeof *along, &along));
    for (int64_t k = 0; k < pixels; k++) {
        double mean = 0, sum = 0;
        for (int64_t i = 0; i < n; i++) {
            along[i] = 0;
            for (int64_t j = 0; j < pixels; j++)
                along[i] += vectors[k * pixels + j] * (double)images[i * pixels + j];
            mean += along[i] / (double)n;
        }
        for (int64_t i = 0; i < n; i++)
            sum += (along[i] - mean) * (along[i] - mean);
        ret[k] = sum / (double)(n - 1);
    }
out:
    free(along);
    return status;
}

pdessm_status pdessm_cli_precondition_recovery(cli *c, pdessm_model *model, pdessm_dataset *data,
                                               const double *values, const double *vectors,
                                               int64_t n, double *ret_variance,
                                               double *ret_recovery) {
    enum { STEPS = 25 };
    const pdessm_dataset_info *info = pdessm_dataset_get_info(data);
    const int64_t pixels = info->channels * info->height * info->width;
    pdessm_sample_options o = pdessm_sample_defaults();
    pdessm_status status = PDESSM_OK;
    cli_progress bar;
    float *images = NULL;
    int32_t *labels = NULL;
    o.steps = STEPS;
    o.seed = (uint64_t)c->seed;
    o.progress = show;
    o.user = &bar;
    PDESSM_TRY(pdessm_cli_check_host(c, 4 * (double)n * (double)pixels,
                                     pdessm_cli_text(c, "%lld images", (long long)n),
                                     "ask for fewer with --n"));
    PDESSM_TRY(pdessm_alloc(c->ctx, (size_t)n, (size_t)pixels * sizeof *images, &images));
    PDESSM_TRY(pdessm_alloc(c->ctx, (size_t)n, sizeof *labels, &labels));
    choose_labels(data, pdessm_model_get_config(model), n, labels);
    pdessm_cli_progress_begin(&bar, c, "draw", 0);
    status = pdessm_sample(model, &o, n, labels, images, NULL);
    pdessm_cli_progress_end(&bar);
    PDESSM_TRY(status);
    if (!info->is_float)
        round_to_bytes(images, n * pixels);
    PDESSM_TRY(measure(c, images, n, pixels, vectors, ret_variance));
    double drawn = 0, real = 0;
    for (int64_t i = 0; i < (pixels < 4 ? 1 : pixels / 4); i++) {
        drawn += ret_variance[i];
        real += fmax(values[i], 0);
    }
    *ret_recovery = info->count > pixels ? drawn / real : (double)NAN;
out:
    free(images);
    free(labels);
    return status;
}
