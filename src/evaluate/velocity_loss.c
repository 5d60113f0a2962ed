/* SPDX-License-Identifier: MIT */
/* velocity_loss.c: the loss of flow matching on held-out images, at times that cover [0, 1]. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/precondition.h>

#include "core/random.h"
#include "evaluate/metrics.h"
#include "model/runner.h"

typedef struct run {
    pdessm_model *model;
    pdessm_pool *pool;
    uint64_t seed;
    const float *images;
    const int32_t *labels;
    int64_t count, batch, pixels;
    pdessm_runner runner;
    int64_t first;                          /* image that place 0 of the batch holds */
    int64_t *order;                         /* rank of each image's time */
    float *data, *path, *target, *velocity; /* x, x_t, x - z, v of one batch */
    float *time;
    int32_t *label;
    double *loss; /* [batch] sums of squares */
} run;

static pdessm_status prepare(run *r) {
    pdessm_status status;
    pdessm_context *ctx = r->model->ctx;
    const pdessm_config *c = &r->model->config;
    const size_t images = (size_t)r->batch, bytes = (size_t)r->pixels * sizeof(float);
    PDESSM_TRY(pdessm_metric_order(ctx, r->seed, PDESSM_METRIC_TIMES, r->count, &r->order));
    PDESSM_TRY(pdessm_runner_velocity(r->model, r->batch, c->image_size[0], c->image_size[1], 1,
                                      &r->runner));
    PDESSM_TRY(pdessm_alloc(ctx, images, bytes, &r->data));
    PDESSM_TRY(pdessm_alloc(ctx, images, bytes, &r->path));
    PDESSM_TRY(pdessm_alloc(ctx, images, bytes, &r->target));
    PDESSM_TRY(pdessm_alloc(ctx, images, bytes, &r->velocity));
    PDESSM_TRY(pdessm_alloc(ctx, images, sizeof *r->time, &r->time));
    PDESSM_TRY(pdessm_alloc(ctx, images, sizeof *r->label, &r->label));
    PDESSM_TRY(pdessm_alloc(ctx, images, sizeof *r->loss, &r->loss));
out:
    return status;
}

static void release(run *r) {
    pdessm_runner_release(&r->runner);
    free(r->order);
    free(r->data);
    free(r->path);
    free(r->target);
    free(r->velocity);
    free(r->time);
    free(r->label);
    free(r->loss);
}

/* Behind the last image the batch repeats it, so that every run of the tape is the same. */
static int64_t image_at(const run *r, int64_t place) {
    return r->first + place < r->count ? r->first + place : r->count - 1;
}

/* Images of the batch and their labels, through the map that the model was trained behind. */
static pdessm_status take_batch(run *r) {
    const pdessm_config *c = &r->model->config;
    pdessm_precondition *map = pdessm_model_get_precondition(r->model);
    for (int64_t place = 0; place < r->batch; place++) {
        const int64_t i = image_at(r, place);
        memcpy(r->data + place * r->pixels, r->images + i * r->pixels,
               (size_t)r->pixels * sizeof *r->data);
        r->label[place] = r->labels ? r->labels[i] : c->num_classes;
    }
    return map ? pdessm_precondition_apply(map, r->batch, c->image_size[0], c->image_size[1],
                                           r->labels ? r->label : NULL, r->data, r->data)
               : PDESSM_OK;
}

static void put_on_path(void *argument, int64_t place, int worker) {
    run *r = argument;
    const int64_t i = image_at(r, place);
    const float *x = r->data + place * r->pixels;
    float *path = r->path + place * r->pixels, *target = r->target + place * r->pixels;
    const double u =
        pdessm_uniform(r->seed, PDESSM_RANDOM_METRIC, PDESSM_METRIC_TIMES, (uint32_t)i + 1, 0);
    const float t = (float)(((double)r->order[i] + u) / (double)r->count);
    (void)worker;
    r->time[place] = t;
    for (int64_t k = 0; k < r->pixels; k++) {
        const float z = (float)pdessm_normal(r->seed, PDESSM_RANDOM_VALIDATE, 0, (uint32_t)i, k);
        path[k] = (1 - t) * z + t * x[k];
        target[k] = x[k] - z;
    }
}

static void add_squares(void *argument, int64_t place, int worker) {
    run *r = argument;
    const float *v = r->velocity + place * r->pixels, *target = r->target + place * r->pixels;
    double sum = 0;
    (void)worker;
    for (int64_t k = 0; k < r->pixels; k++) {
        const double error = (double)v[k] - (double)target[k];
        sum += error * error;
    }
    r->loss[place] = sum;
}

/* Adds the squares of one batch to *sum. */
static pdessm_status run_batch(run *r, double *sum) {
    pdessm_status status;
    PDESSM_TRY(take_batch(r));
    pdessm_parallel(r->pool, r->batch, put_on_path, r);
    PDESSM_TRY(pdessm_runner_run(&r->runner, r->path, r->time, r->label, r->velocity, NULL));
    pdessm_parallel(r->pool, r->batch, add_squares, r);
    for (int64_t i = 0; i < r->batch && r->first + i < r->count; i++)
        *sum += r->loss[i];
out:
    return status;
}

static pdessm_status check(const run *r) {
    pdessm_context *ctx = r->model->ctx;
    const int classes = r->model->config.num_classes;
    const pdessm_points pixels = {r->count, r->pixels, r->images};
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, r->batch >= 1, PDESSM_ERROR_ARGUMENT,
                   "velocity loss: batch %lld, expected 1 or more", (long long)r->batch);
    PDESSM_TRY(pdessm_points_check(ctx, "velocity loss", &pixels, 1));
    for (int64_t i = 0; r->labels && i < r->count; i++)
        PDESSM_REQUIRE(ctx, r->labels[i] >= 0 && r->labels[i] <= classes, PDESSM_ERROR_ARGUMENT,
                       "velocity loss: class %d of image %lld, the model knows 0 to %d",
                       r->labels[i], (long long)i, classes - 1);
out:
    return status;
}

pdessm_status pdessm_velocity_loss(pdessm_model *model, int64_t count, const float *images,
                                   const int32_t *labels, int batch,
                                   const pdessm_metric_options *options, double *ret) {
    const pdessm_config *c = &model->config;
    const pdessm_watch watch = pdessm_metric_watch(options);
    pdessm_status status;
    double sum = 0;
    run r = {.model = model,
             .pool = model->ctx->pool,
             .seed = options->seed,
             .images = images,
             .labels = labels,
             .count = count,
             .batch = batch < count ? batch : count,
             .pixels = (int64_t)c->channels * c->image_size[0] * c->image_size[1]};
    PDESSM_TRY(check(&r));
    PDESSM_TRY(prepare(&r));
    for (; r.first < count; r.first += r.batch) {
        PDESSM_TRY(run_batch(&r, &sum));
        PDESSM_TRY(pdessm_watch_tell(model->ctx, &watch,
                                     fmin(1, (double)(r.first + r.batch) / (double)count)));
    }
    sum /= (double)count * (double)r.pixels;
    PDESSM_REQUIRE(model->ctx, isfinite(sum), PDESSM_ERROR_NUMERIC,
                   "velocity loss: the network's velocity is not finite; is the model trained?");
    *ret = sum;
out:
    release(&r);
    return status;
}
