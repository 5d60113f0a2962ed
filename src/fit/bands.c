/* SPDX-License-Identifier: MIT */
/* bands.c: the error of a velocity along the eigenvectors of the data. */
#include <math.h>
#include <stdlib.h>

#include <pdessm/diagnostics.h>

#include "core/random.h"
#include "fit/fit.h"
#include "model/runner.h"

pdessm_band_options pdessm_band_defaults(void) {
    return (pdessm_band_options){.t = 0.95, .count = 512, .batch = 64, .bands = 8};
}

typedef struct run {
    pdessm_model *model;
    pdessm_dataset *data;
    const pdessm_band_options *options;
    const double *vectors;
    int64_t batch, pixels;
    pdessm_runner runner;
    float *image, *path, *velocity; /* [B, pixels]: x, then x - z; x_t; v, then the error */
    float *time;
    int32_t *label;
    double *square; /* [pixels]: sums over images, along each eigenvector */
} run;

static pdessm_status open(run *r) {
    pdessm_status status = PDESSM_OK;
    pdessm_context *ctx = r->model->ctx;
    const pdessm_dataset_info *i = pdessm_dataset_get_info(r->data);
    const size_t numbers = (size_t)(r->batch * r->pixels), images = (size_t)r->batch;
    PDESSM_TRY(pdessm_runner_velocity(r->model, r->batch, i->height, i->width, 1, &r->runner));
    PDESSM_TRY(pdessm_alloc(ctx, numbers, sizeof *r->image, &r->image));
    PDESSM_TRY(pdessm_alloc(ctx, numbers, sizeof *r->path, &r->path));
    PDESSM_TRY(pdessm_alloc(ctx, numbers, sizeof *r->velocity, &r->velocity));
    PDESSM_TRY(pdessm_alloc(ctx, images, sizeof *r->time, &r->time));
    PDESSM_TRY(pdessm_alloc(ctx, images, sizeof *r->label, &r->label));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)r->pixels, sizeof *r->square, &r->square));
out:
    return status;
}

static void close(run *r) {
    pdessm_runner_release(&r->runner);
    free(r->image);
    free(r->path);
    free(r->velocity);
    free(r->time);
    free(r->label);
    free(r->square);
}

/* Images are chosen with replacement, each with separate noise. */
static void draw(run *r, int64_t first) {
    const pdessm_band_options *o = r->options;
    const uint64_t count = (uint64_t)pdessm_dataset_get_info(r->data)->count;
    const float t = (float)o->t;
    for (int64_t b = 0; b < r->batch; b++) {
        const uint32_t sample = (uint32_t)(first + b);
        const int64_t index = pdessm_below(o->seed, PDESSM_RANDOM_VALIDATE, 1, sample, 0, count);
        const int32_t label = pdessm_dataset_label(r->data, index);
        float *x = r->image + b * r->pixels, *path = r->path + b * r->pixels;
        pdessm_dataset_image(r->data, index, x);
        for (int64_t k = 0; k < r->pixels; k++) {
            const float z = (float)pdessm_normal(o->seed, PDESSM_RANDOM_VALIDATE, 2, sample, k);
            path[k] = (1 - t) * z + t * x[k];
            x[k] -= z;
        }
        r->time[b] = t;
        r->label[b] = label < 0 ? r->model->config.num_classes : label;
    }
}

/* square[k] += (u_k . error)^2 over the batch: each worker has separate eigenvectors. */
static void project(void *argument, int64_t k, int worker) {
    run *r = argument;
    const double *u = r->vectors + k * r->pixels;
    (void)worker;
    for (int64_t b = 0; b < r->batch; b++) {
        const float *error = r->velocity + b * r->pixels;
        double sum = 0;
        for (int64_t i = 0; i < r->pixels; i++)
            sum += u[i] * (double)error[i];
        r->square[k] += sum * sum;
    }
}

static pdessm_status run_batch(run *r, int64_t first) {
    pdessm_status status = PDESSM_OK;
    draw(r, first);
    PDESSM_TRY(pdessm_runner_run(&r->runner, r->path, r->time, r->label, r->velocity, NULL));
    for (int64_t i = 0; i < r->batch * r->pixels; i++)
        r->velocity[i] -= r->image[i];
    pdessm_parallel(r->model->ctx->pool, r->pixels, project, r);
out:
    return status;
}

static void gather(const run *r, const double *values, int64_t images, pdessm_band *ret) {
    const double t = r->options->t;
    for (int k = 0; k < r->options->bands; k++) {
        const int64_t begin = k * r->pixels / r->options->bands;
        const int64_t end = (k + 1) * r->pixels / r->options->bands;
        pdessm_band band = {.least = values[begin], .most = values[end - 1]};
        for (int64_t i = begin; i < end; i++) {
            const double l = fmax(values[i], 0);
            band.error += r->square[i] / (double)images / (double)(end - begin);
            band.linear += l / ((1 - t) * (1 - t) + t * t * l) / (double)(end - begin);
        }
        ret[k] = band;
    }
}

static pdessm_status check(const run *r) {
    pdessm_context *ctx = r->model->ctx;
    const pdessm_band_options *o = r->options;
    const pdessm_dataset_info *i = pdessm_dataset_get_info(r->data);
    const pdessm_config *c = &r->model->config;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, o->t > 0 && o->t < 1, PDESSM_ERROR_ARGUMENT,
                   "error by bands at t = %g, expected a time between 0 and 1", o->t);
    PDESSM_REQUIRE(ctx, o->count >= 1 && o->batch >= 1 && o->bands >= 1 && o->bands <= r->pixels,
                   PDESSM_ERROR_ARGUMENT,
                   "error by bands: %lld images, batch %d, %d bands; expected at least 1 of each, "
                   "and at most %lld bands",
                   (long long)o->count, o->batch, o->bands, (long long)r->pixels);
    PDESSM_REQUIRE(
        ctx, i->num_classes <= c->num_classes && i->channels == c->channels, PDESSM_ERROR_SHAPE,
        "the images have %lld classes and %lld channels, the model is made for %d and %d",
        (long long)i->num_classes, (long long)i->channels, c->num_classes, c->channels);
out:
    return status;
}

pdessm_status pdessm_velocity_bands(pdessm_model *model, pdessm_dataset *data, const double *values,
                                    const double *vectors, const pdessm_band_options *options,
                                    pdessm_band *ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *i = pdessm_dataset_get_info(data);
    run r = {.model = model,
             .data = data,
             .options = options,
             .vectors = vectors,
             .batch = options->batch,
             .pixels = i->channels * i->height * i->width};
    int64_t done = 0;
    PDESSM_TRY(check(&r));
    PDESSM_TRY(open(&r));
    for (; done < options->count; done += r.batch)
        PDESSM_TRY(run_batch(&r, done));
    gather(&r, values, done, ret);
out:
    close(&r);
    return status;
}
