/* SPDX-License-Identifier: MIT */
/* fit.c: fitting a map to a set of images. */
#include "fit/fit.h"

#include <stdio.h>

#include <pdessm/train.h>

#include "core/text.h"
#include "model/maps/map.h"

/* Defaults and bounds of what runs are told, too (settings.def). */
typedef struct range {
    double usual, least, most;
} range;
static const struct {
#define PDESSM_REAL(owner, member, ...) range owner##_##member;
#define PDESSM_WHOLE PDESSM_REAL
#include <pdessm/settings.def>
} settings = {
#define PDESSM_REAL(owner, member, option, letter, argument, group, flags, usual, least, most,     \
                    help)                                                                          \
    {usual, least, most},
#define PDESSM_WHOLE PDESSM_REAL
#include <pdessm/settings.def>
};

pdessm_precondition_options pdessm_precondition_defaults(pdessm_precondition_kind kind) {
    return (pdessm_precondition_options){.kind = kind,
                                         .epsilon = settings.RUN_precondition_epsilon.usual,
                                         .shrinkage = 0.1,
                                         .max_gain = 30,
                                         .batch = (int)settings.TRAIN_batch.usual,
                                         .steps = (int64_t)settings.RUN_precondition_steps.usual,
                                         .layers = 8,
                                         .hidden = 256,
                                         .solver_steps = 10};
}

static pdessm_status check_counts(const pdessm_fit_job *job) {
    for (int64_t k = 0; k < job->classes; k++)
        if (job->first[k + 1] - job->first[k] < 2)
            return pdessm_fail(job->ctx, PDESSM_ERROR_ARGUMENT,
                               "class %lld has %lld images; a map needs at least 2 of each: add "
                               "images, or fit one map for all classes (pooled)",
                               (long long)k, (long long)(job->first[k + 1] - job->first[k]));
    return PDESSM_OK;
}

static pdessm_status check_options(pdessm_context *ctx, const pdessm_precondition_options *o) {
    pdessm_status status = PDESSM_OK;
    const range epsilon = settings.RUN_precondition_epsilon, batch = settings.TRAIN_batch;
    PDESSM_REQUIRE(ctx, o->epsilon >= epsilon.least && o->epsilon <= epsilon.most,
                   PDESSM_ERROR_ARGUMENT, "preconditioning: epsilon is %g, expected %g to %g",
                   o->epsilon, epsilon.least, epsilon.most);
    PDESSM_REQUIRE(ctx, o->shrinkage >= 0 && o->shrinkage <= 1, PDESSM_ERROR_ARGUMENT,
                   "preconditioning: shrinkage is %g, expected 0 to 1", o->shrinkage);
    PDESSM_REQUIRE(ctx, o->max_gain >= 1 && o->max_gain <= 1e6, PDESSM_ERROR_ARGUMENT,
                   "preconditioning: largest gain is %g, expected 1 to 1e6", o->max_gain);
    PDESSM_REQUIRE(ctx, o->steps >= 1 && o->solver_steps >= 1, PDESSM_ERROR_ARGUMENT,
                   "preconditioning: %lld steps of training, %d of the solver; expected at least 1",
                   (long long)o->steps, o->solver_steps);
    PDESSM_REQUIRE(ctx, o->layers >= 2 && o->layers <= 64 && o->hidden >= 1 && o->hidden <= 4096,
                   PDESSM_ERROR_ARGUMENT,
                   "preconditioning: %lld layers of %lld; expected 2 to 64 layers of 1 to 4096",
                   (long long)o->layers, (long long)o->hidden);
    PDESSM_REQUIRE(ctx, o->batch >= batch.least && o->batch <= batch.most, PDESSM_ERROR_ARGUMENT,
                   "preconditioning: batch is %d, expected %.0f to %.0f", o->batch, batch.least,
                   batch.most);
out:
    return status;
}

static pdessm_status fit(pdessm_fit_job *job, const pdessm_precondition_info *info,
                         pdessm_precondition **ret) {
    const pdessm_watch watch = {job->options->progress, job->options->user, 0, 1};
    pdessm_status status = PDESSM_OK;
    pdessm_precondition *map = NULL;
    if (info->kind == PDESSM_PRECONDITION_FLOW)
        return pdessm_fit_flow(job, &watch, info, ret);
    PDESSM_TRY(pdessm_fit_job_sort(job));
    PDESSM_TRY(check_counts(job));
    PDESSM_TRY(pdessm_map_create(job->device, info, &map));
    if (info->kind == PDESSM_PRECONDITION_WHITEN)
        PDESSM_TRY(pdessm_fit_whiten(job, &watch, map));
    else if (info->kind == PDESSM_PRECONDITION_REALNVP)
        PDESSM_TRY(pdessm_fit_realnvp(job, &watch, map));
    else
        PDESSM_TRY(pdessm_fit_spectral(job, &watch, map));
    *ret = map;
    map = NULL;
out:
    pdessm_precondition_destroy(&map);
    return status;
}

/* Matrices of D x D numbers leave memory, and the time for eigenvectors, long before images do. */
static pdessm_status check_size(pdessm_context *ctx, const pdessm_precondition_info *i) {
    const double most = 2147483648.0, d = (double)(i->channels * i->height * i->width);
    if (i->kind == PDESSM_PRECONDITION_REALNVP && d < 2)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                           "realnvp: images of one number; expected at least 2, as one half of an "
                           "image sees the other; use whiten");
    if ((i->kind != PDESSM_PRECONDITION_WHITEN && i->kind != PDESSM_PRECONDITION_REALNVP) ||
        4 * d * d * (double)i->classes <= most)
        return PDESSM_OK;
    return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                       "whitening keeps %lld matrices of %.0f x %.0f numbers (%.1f GiB, 2 GiB at "
                       "most) for images of %lld x %lld x %lld; use spectral, smaller images%s",
                       (long long)i->classes, d, d, 4 * d * d * (double)i->classes / 1073741824.0,
                       (long long)i->height, (long long)i->width, (long long)i->channels,
                       i->classes > 1 ? ", or one map for all classes (pooled)" : "");
}

pdessm_status pdessm_precondition_fit(pdessm_device *device, pdessm_dataset *data,
                                      const pdessm_precondition_options *options,
                                      pdessm_precondition **ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *images = pdessm_dataset_get_info(data);
    pdessm_fit_job job = {.device = device,
                          .ctx = device->ctx,
                          .data = data,
                          .options = options,
                          .images = images,
                          .classes =
                              options->pooled || !images->has_labels ? 1 : images->num_classes,
                          .pixels = images->channels * images->height * images->width};
    const pdessm_precondition_info info = {.kind = options->kind,
                                           .channels = images->channels,
                                           .height = images->height,
                                           .width = images->width,
                                           .classes = job.classes,
                                           .epsilon = options->epsilon,
                                           .shrinkage = options->shrinkage,
                                           .max_gain = options->max_gain,
                                           .layers = options->layers,
                                           .hidden = options->hidden,
                                           .solver_steps = options->solver_steps};
    PDESSM_TRY(check_options(job.ctx, options));
    PDESSM_TRY(check_size(job.ctx, &info));
    PDESSM_TRY(pdessm_fit_folder_open(&job, &info));
    PDESSM_TRY(fit(&job, &info, ret));
out:
    pdessm_fit_job_release(&job);
    return status;
}

pdessm_status pdessm_precondition_log_fit(pdessm_precondition *map, pdessm_dataset *data,
                                          double seconds) {
    enum { TRIED = 256 };
    const pdessm_precondition_info *info = pdessm_precondition_get_info(map);
    char scope[64] = "";
    double rms, most;
    pdessm_status status = pdessm_precondition_round_trip(map, data, TRIED, &rms, &most);
    if (status != PDESSM_OK)
        return status;
    if (info->classes > 1)
        snprintf(scope, sizeof scope, " for %lld classes", (long long)info->classes);
    pdessm_log(map->ctx, PDESSM_LOG_NOTE,
               "map: %s%s, %s, fitted in %.1f seconds; there and back: error %.2g (rms), %.2g "
               "(largest)",
               pdessm_precondition_name(info->kind), scope,
               pdessm_text_of_bytes(4 * info->numbers).text, seconds, rms, most);
    return PDESSM_OK;
}
