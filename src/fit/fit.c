/* SPDX-License-Identifier: MIT */
/* fit.c: fitting a map to a set of images, and taking the set through it. */
#include "fit/fit.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/dataset.h"
#include "files/resumable.h"
#include "model/fingerprint.h"

pdessm_precondition_options pdessm_precondition_defaults(pdessm_precondition_kind kind) {
    return (pdessm_precondition_options){.kind = kind,
                                         .epsilon = 1e-3,
                                         .shrinkage = 0.1,
                                         .max_gain = 30,
                                         .batch = 64,
                                         .steps = 1000,
                                         .layers = 8,
                                         .hidden = 256,
                                         .solver_steps = 10};
}

/* ------------------------------------------------------------------ images by class */

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

static pdessm_status check_counts(const pdessm_fit_job *job) {
    for (int64_t k = 0; k < job->classes; k++)
        if (job->first[k + 1] - job->first[k] < 2)
            return pdessm_fail(job->ctx, PDESSM_ERROR_ARGUMENT,
                               "class %lld has %lld images; a map needs at least 2 of each: add "
                               "images, or fit one map for all classes (pooled)",
                               (long long)k, (long long)(job->first[k + 1] - job->first[k]));
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ fitting */

static pdessm_status check_options(pdessm_context *ctx, const pdessm_precondition_options *o) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, o->epsilon >= 1e-12 && o->epsilon <= 1e3, PDESSM_ERROR_ARGUMENT,
                   "preconditioning: epsilon is %g, expected 1e-12 to 1000", o->epsilon);
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
    PDESSM_REQUIRE(ctx, o->batch >= 1 && o->batch <= 1 << 20, PDESSM_ERROR_ARGUMENT,
                   "preconditioning: batch is %d, expected 1 to 1048576", o->batch);
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
    PDESSM_TRY(pdessm_fit_state_open(&job, &info));
    PDESSM_TRY(fit(&job, &info, ret));
out:
    pdessm_fit_job_release(&job);
    return status;
}

/* ------------------------------------------------------------------ a set through a map */

static pdessm_status copy_names(pdessm_context *ctx, const pdessm_dataset_info *from,
                                pdessm_dataset *to) {
    pdessm_status status = PDESSM_OK;
    if (!from->class_names)
        return PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)from->num_classes, sizeof *to->names, &to->names));
    to->info.class_names = (const char *const *)to->names;
    for (int64_t i = 0; i < from->num_classes; i++) {
        const size_t size = strlen(from->class_names[i]) + 1;
        PDESSM_TRY(pdessm_alloc(ctx, size, 1, &to->names[i]));
        memcpy(to->names[i], from->class_names[i], size);
    }
out:
    return status;
}

static pdessm_status copy_labels(pdessm_context *ctx, const pdessm_dataset *from,
                                 pdessm_dataset *to) {
    pdessm_status status = PDESSM_OK;
    const int64_t n = from->info.count;
    if (!from->info.has_labels)
        return PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)n, sizeof *to->labels, &to->labels));
    for (int64_t i = 0; i < n; i++)
        to->labels[i] = pdessm_dataset_label(from, i);
out:
    return status;
}

/* Images of a set through a map, as parts. */
typedef struct mapping {
    pdessm_precondition *map;
    const pdessm_dataset *data;
    const int32_t *labels;
} mapping;

static pdessm_status map_images(void *user, int64_t first, int64_t n, const pdessm_watch *watch,
                                float *ret) {
    const mapping *m = user;
    const pdessm_dataset_info *i = &m->data->info;
    const int64_t pixels = i->channels * i->height * i->width;
    for (int64_t k = 0; k < n; k++)
        pdessm_dataset_image(m->data, first + k, ret + k * pixels);
    return pdessm_map_turn(m->map, PDESSM_MAP_APPLY, n, i->height, i->width,
                           m->labels ? m->labels + first : NULL, ret, watch, ret);
}

static pdessm_status map_in_parts(mapping *m, const char *folder, const pdessm_watch *watch,
                                  float *ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *i = &m->data->info;
    char origin[PDESSM_ORIGIN_TEXT];
    uint64_t hash = 0;
    const pdessm_resumable parts = {.ctx = m->map->ctx,
                                    .folder = folder,
                                    .origin = origin,
                                    .count = i->count,
                                    .each = 1024,
                                    .channels = i->channels,
                                    .height = i->height,
                                    .width = i->width,
                                    .watch = *watch,
                                    .make = map_images,
                                    .user = m};
    PDESSM_TRY(pdessm_fingerprint_data(m->map->ctx, m->data, &hash));
    snprintf(origin, sizeof origin, "data %016" PRIx64 " map %016" PRIx64, hash,
             pdessm_fingerprint_map(m->map));
    PDESSM_TRY(pdessm_resumable_make(&parts));
    PDESSM_TRY(pdessm_resumable_read(&parts, ret));
out:
    return status;
}

pdessm_status pdessm_precondition_dataset_kept(pdessm_precondition *map, pdessm_dataset *data,
                                               const char *folder,
                                               int (*progress)(void *user, double share),
                                               void *user, pdessm_dataset **ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_watch watch = {progress, user, 0, 1};
    const pdessm_dataset_info *i = &data->info;
    const int64_t pixels = i->channels * i->height * i->width;
    mapping m = {.map = map, .data = data};
    pdessm_dataset *to = NULL;
    PDESSM_REQUIRE(map->ctx, i->channels == map->info.channels, PDESSM_ERROR_SHAPE,
                   "the map is made for images of %lld channels, these have %lld",
                   (long long)map->info.channels, (long long)i->channels);
    PDESSM_TRY(pdessm_alloc(map->ctx, 1, sizeof *to, &to));
    to->info = *i;
    to->info.is_float = 1;
    to->info.class_names = NULL;
    PDESSM_TRY(copy_names(map->ctx, i, to));
    PDESSM_TRY(copy_labels(map->ctx, data, to));
    m.labels = to->labels;
    PDESSM_TRY(
        pdessm_alloc(map->ctx, (size_t)i->count, (size_t)pixels * sizeof(float), &to->pixels));
    PDESSM_TRY(folder ? map_in_parts(&m, folder, &watch, to->pixels)
                      : map_images(&m, 0, i->count, &watch, to->pixels));
    *ret = to;
    to = NULL;
out:
    pdessm_dataset_destroy(&to);
    return status;
}

pdessm_status pdessm_precondition_dataset(pdessm_precondition *map, pdessm_dataset *data,
                                          int (*progress)(void *user, double share), void *user,
                                          pdessm_dataset **ret) {
    return pdessm_precondition_dataset_kept(map, data, NULL, progress, user, ret);
}

/* ------------------------------------------------------------------ there and back */

static void add_errors(const float *x, const float *back, int64_t n, double *sum, double *most) {
    for (int64_t i = 0; i < n; i++) {
        const double error = fabs((double)x[i] - (double)back[i]);
        *sum += error * error;
        *most = error <= *most ? *most : error; /* NaN counts as an error */
    }
}

pdessm_status pdessm_precondition_round_trip(pdessm_precondition *map, pdessm_dataset *data,
                                             int64_t n, double *ret_rms, double *ret_most) {
    enum { CHUNK = PDESSM_MAP_CHUNK };
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *i = &data->info;
    const int64_t pixels = i->channels * i->height * i->width;
    int32_t labels[CHUNK];
    float *x = NULL, *back = NULL;
    double sum = 0, most = 0;
    n = n && n < i->count ? n : i->count;
    PDESSM_TRY(pdessm_alloc(map->ctx, CHUNK * (size_t)pixels, sizeof *x, &x));
    PDESSM_TRY(pdessm_alloc(map->ctx, CHUNK * (size_t)pixels, sizeof *back, &back));
    for (int64_t at = 0; at < n; at += CHUNK) {
        const int64_t count = n - at < CHUNK ? n - at : CHUNK;
        for (int64_t k = 0; k < count; k++) {
            pdessm_dataset_image(data, at + k, x + k * pixels);
            labels[k] = pdessm_dataset_label(data, at + k);
        }
        PDESSM_TRY(pdessm_precondition_apply(map, count, i->height, i->width, labels, x, back));
        PDESSM_TRY(pdessm_precondition_invert(map, count, i->height, i->width, labels, back, back));
        add_errors(x, back, count * pixels, &sum, &most);
    }
    *ret_rms = sqrt(sum / (double)(n * pixels));
    *ret_most = most;
out:
    free(x);
    free(back);
    return status;
}
