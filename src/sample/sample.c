/* SPDX-License-Identifier: MIT */
/* sample.c: integrates dx/dt = v_theta(x, t, y) from noise to images, batch by batch. */
#include <pdessm/sample.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/precondition.h>

#include "model/maps/map.h"
#include "model/runner.h"
#include "ops/calls.h"
#include "sample/tableau.h"

/* Smallest and largest change of an adaptive step, and how far below the tolerance it aims. */
static const double SHRINK_MOST = 0.2, GROW_MOST = 5, SAFETY = 0.9, FIRST_STEP = 0.02;
enum { MOST_REJECTED = 1000 };

typedef struct sampler {
    pdessm_device *device;
    pdessm_context *ctx;
    pdessm_model *model;
    const pdessm_sample_options *options;
    const pdessm_tableau *method;
    int64_t batch, image[4]; /* [B, channels, H, W] */
    int guided;
    pdessm_runner runner;                            /* guided: its input is [2B, ..] */
    pdessm_tensor half[2];                           /* the input's halves, or the input itself */
    pdessm_tensor *x, *next, *k[PDESSM_MOST_STAGES]; /* [B, ..] */
    pdessm_tensor *error, *zero, *norm;              /* adaptive methods only */
    float *times, *host;
    int32_t *labels;
    int64_t evaluations;
} sampler;

pdessm_sample_options pdessm_sample_defaults(void) {
    return (pdessm_sample_options){
        .solver = PDESSM_HEUN, .steps = 50, .rtol = 1e-5, .atol = 1e-5, .guidance = 1, .batch = 64};
}

/* ------------------------------------------------------------------ building */

static pdessm_status check_options(pdessm_context *ctx, const pdessm_sample_options *o) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, o->steps >= 1, PDESSM_ERROR_ARGUMENT,
                   "sampling: %d steps, expected 1 or more", o->steps);
    PDESSM_REQUIRE(ctx, o->batch >= 1, PDESSM_ERROR_ARGUMENT,
                   "sampling: batch %d, expected 1 or more", o->batch);
    PDESSM_REQUIRE(ctx, o->first >= 0 && o->first <= UINT32_MAX, PDESSM_ERROR_ARGUMENT,
                   "sampling: first image %lld, expected 0 to 4294967295", (long long)o->first);
    PDESSM_REQUIRE(ctx, isfinite(o->guidance), PDESSM_ERROR_ARGUMENT,
                   "sampling: guidance is not a number");
    PDESSM_REQUIRE(ctx, o->solver != PDESSM_DOPRI5 || (o->rtol > 0 && o->atol > 0),
                   PDESSM_ERROR_ARGUMENT, "sampling: rtol %g and atol %g, expected more than 0",
                   o->rtol, o->atol);
out:
    return status;
}

static pdessm_status record_tape(sampler *s) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_runner_velocity(s->model, s->batch, s->image[2], s->image[3],
                                      s->guided ? s->options->guidance : 1, &s->runner));
    for (int i = 0; i <= s->guided; i++) {
        s->half[i] = *s->runner.x;
        s->half[i].dims[0] = s->batch;
        s->half[i].whole = !s->guided;
        s->half[i].offset += (size_t)i * pdessm_tensor_bytes(&s->half[i]);
    }
out:
    return status;
}

static pdessm_status make_state(sampler *s) {
    pdessm_status status = PDESSM_OK;
    const size_t inputs = (size_t)pdessm_tensor_count(s->runner.t);
    const int adaptive = s->options->solver == PDESSM_DOPRI5;
    PDESSM_TRY(pdessm_tensor_create(s->device, PDESSM_FLOAT32, 4, s->image, &s->x));
    PDESSM_TRY(pdessm_tensor_create(s->device, PDESSM_FLOAT32, 4, s->image, &s->next));
    for (int i = 0; i < s->method->stages; i++)
        PDESSM_TRY(pdessm_tensor_create(s->device, PDESSM_FLOAT32, 4, s->image, &s->k[i]));
    if (adaptive) {
        PDESSM_TRY(pdessm_tensor_create(s->device, PDESSM_FLOAT32, 4, s->image, &s->error));
        PDESSM_TRY(pdessm_tensor_create(s->device, PDESSM_FLOAT32, 4, s->image, &s->zero));
        PDESSM_TRY(pdessm_tensor_create(s->device, PDESSM_FLOAT32, 1, (int64_t[]){1}, &s->norm));
        PDESSM_TRY(pdessm_tensor_zero(s->zero));
    }
    PDESSM_TRY(pdessm_alloc(s->ctx, inputs, sizeof *s->times, &s->times));
    PDESSM_TRY(pdessm_alloc(s->ctx, inputs, sizeof *s->labels, &s->labels));
    PDESSM_TRY(pdessm_alloc(s->ctx, (size_t)pdessm_tensor_count(s->x), sizeof *s->host, &s->host));
out:
    return status;
}

static void release(sampler *s) {
    pdessm_runner_release(&s->runner);
    pdessm_tensor_destroy(&s->x);
    pdessm_tensor_destroy(&s->next);
    for (int i = 0; i < PDESSM_MOST_STAGES; i++)
        pdessm_tensor_destroy(&s->k[i]);
    pdessm_tensor_destroy(&s->error);
    pdessm_tensor_destroy(&s->zero);
    pdessm_tensor_destroy(&s->norm);
    free(s->times);
    free(s->labels);
    free(s->host);
}

/* ------------------------------------------------------------------ integrating */

/* k[stage] = v(state, time); state = x + h sum_j a_j k_j is formed in the tape's input. */
static pdessm_status evaluate(sampler *s, int stage, double time, double h, const double *a) {
    pdessm_status status = PDESSM_OK;
    double scaled[PDESSM_MOST_STAGES];
    for (int j = 0; j < stage; j++)
        scaled[j] = h * a[j];
    for (int i = 0; i <= s->guided; i++)
        PDESSM_TRY(pdessm_call_combine(s->device, s->x, stage, s->k, scaled, &s->half[i]));
    for (int64_t i = 0; i < pdessm_tensor_count(s->runner.t); i++)
        s->times[i] = (float)time;
    PDESSM_TRY(pdessm_tensor_write(s->runner.t, s->times));
    PDESSM_TRY(pdessm_tape_forward(s->runner.tape));
    PDESSM_TRY(pdessm_call_combine(s->device, s->runner.result[0], 0, NULL, NULL, s->k[stage]));
    s->evaluations++;
out:
    return status;
}

/* next = x + h sum_i b_i k_i; the first stage may be known from the step before. */
static pdessm_status step(sampler *s, double time, double h, int first_known) {
    const pdessm_tableau *m = s->method;
    pdessm_status status = PDESSM_OK;
    double scaled[PDESSM_MOST_STAGES];
    for (int i = first_known; i < m->stages; i++)
        PDESSM_TRY(evaluate(s, i, time + m->c[i] * h, h, m->a[i]));
    for (int i = 0; i < m->stages; i++)
        scaled[i] = h * m->b[i];
    PDESSM_TRY(pdessm_call_combine(s->device, s->x, m->stages, s->k, scaled, s->next));
out:
    return status;
}

static void accept(sampler *s) {
    pdessm_tensor *old = s->x;
    s->x = s->next;
    s->next = old;
    if (s->method->last_is_first) {
        pdessm_tensor *first = s->k[0];
        s->k[0] = s->k[s->method->stages - 1];
        s->k[s->method->stages - 1] = first;
    }
}

/* Progress means little while work is only queued, so whoever watches also waits. */
static pdessm_status tell(sampler *s, double share) {
    if (!s->options->progress)
        return PDESSM_OK;
    pdessm_status status = pdessm_device_finish(s->device);
    if (status == PDESSM_OK && s->options->progress(s->options->user, share))
        status = pdessm_fail(s->ctx, PDESSM_ERROR_CANCELLED, "sampling was interrupted");
    return status;
}

static pdessm_status integrate_fixed(sampler *s, double done, double share) {
    pdessm_status status = PDESSM_OK;
    const int steps = s->options->steps;
    for (int i = 0; i < steps; i++) {
        PDESSM_TRY(step(s, (double)i / steps, 1.0 / steps, 0));
        accept(s);
        PDESSM_TRY(tell(s, done + share * (i + 1) / steps));
    }
out:
    return status;
}

/* The error of the step relative to the tolerance; at most 1 is accepted. */
static pdessm_status measure_error(sampler *s, double h, double *ret) {
    pdessm_status status = PDESSM_OK;
    double scaled[PDESSM_MOST_STAGES];
    float norm = 0;
    for (int i = 0; i < s->method->stages; i++)
        scaled[i] = h * s->method->e[i];
    PDESSM_TRY(pdessm_call_combine(s->device, s->zero, s->method->stages, s->k, scaled, s->error));
    PDESSM_TRY(pdessm_call_error_norm(s->device, s->error, s->x, s->next, s->options->atol,
                                      s->options->rtol, s->norm));
    PDESSM_TRY(pdessm_tensor_read(s->norm, &norm));
    *ret = (double)norm;
out:
    return status;
}

static pdessm_status integrate_adaptive(sampler *s, double done, double share) {
    pdessm_status status = PDESSM_OK;
    double time = 0, h = FIRST_STEP;
    int first_known = 0, rejected = 0;
    while (time < 1) {
        double error = 0;
        h = fmin(h, 1 - time);
        PDESSM_TRY(step(s, time, h, first_known));
        PDESSM_TRY(measure_error(s, h, &error));
        PDESSM_REQUIRE(s->ctx, isfinite(error), PDESSM_ERROR_NUMERIC,
                       "sampling: the velocity at t = %.4f is not finite; is the model trained?",
                       time);
        first_known = 1; /* a rejected step keeps its first stage too */
        if (error <= 1) {
            accept(s);
            time = 1 - time - h < 1e-12 ? 1 : time + h;
            PDESSM_TRY(tell(s, done + share * time));
        } else {
            PDESSM_REQUIRE(s->ctx, ++rejected < MOST_REJECTED, PDESSM_ERROR_NUMERIC,
                           "sampling: no step is small enough at t = %.4f; raise rtol and atol or "
                           "use a solver with fixed steps",
                           time);
        }
        double factor = SAFETY * pow(fmax(error, 1e-10), -1.0 / s->method->order);
        h *= fmin(GROW_MOST, fmax(SHRINK_MOST, factor));
    }
out:
    return status;
}

/* Images first .. first + count - 1; the rest of the batch is drawn too and dropped. */
static pdessm_status draw_batch(sampler *s, int64_t first, int64_t count, int64_t n,
                                const int32_t *labels, float *images) {
    pdessm_status status = PDESSM_OK;
    const int32_t null_class = s->model->config.num_classes;
    const size_t pixels = (size_t)(s->image[1] * s->image[2] * s->image[3]);
    const double done = (double)first / (double)n, share = (double)count / (double)n;
    const pdessm_watch watch = {s->options->progress, s->options->user, done + share, done + share};
    for (int64_t i = 0; i < s->batch; i++) {
        int32_t label = labels && i < count ? labels[first + i] : null_class;
        s->labels[i] = s->guided ? null_class : label;
        s->labels[i + (s->guided ? s->batch : 0)] = label;
    }
    PDESSM_TRY(pdessm_tensor_write(s->runner.y, s->labels));
    PDESSM_TRY(pdessm_call_normal(s->device, s->options->seed, PDESSM_RANDOM_SAMPLE, 0,
                                  s->options->first + first, s->x));
    if (s->options->solver == PDESSM_DOPRI5)
        PDESSM_TRY(integrate_adaptive(s, done, share));
    else
        PDESSM_TRY(integrate_fixed(s, done, share));
    PDESSM_TRY(pdessm_tensor_read(s->x, s->host));
    if (s->model->precondition)
        PDESSM_TRY(pdessm_map_turn(s->model->precondition, PDESSM_MAP_INVERT, count, s->image[2],
                                   s->image[3], labels ? labels + first : NULL, s->host, &watch,
                                   s->host));
    memcpy(images + (size_t)first * pixels, s->host, (size_t)count * pixels * sizeof *images);
out:
    return status;
}

static pdessm_status check_labels(sampler *s, int64_t n, const int32_t *labels) {
    for (int64_t i = 0; labels && i < n; i++)
        if (labels[i] < 0 || labels[i] > s->model->config.num_classes)
            return pdessm_fail(s->ctx, PDESSM_ERROR_ARGUMENT,
                               "sampling: class %d, the model knows 0 to %d", labels[i],
                               s->model->config.num_classes - 1);
    return PDESSM_OK;
}

pdessm_status pdessm_sample(pdessm_model *model, const pdessm_sample_options *options, int64_t n,
                            const int32_t *labels, float *images, int64_t *ret_evaluations) {
    pdessm_status status = PDESSM_OK;
    const pdessm_config *c = &model->config;
    sampler s = {.device = model->device,
                 .ctx = model->ctx,
                 .model = model,
                 .options = options,
                 .method = pdessm_tableau_of(options->solver),
                 .batch = options->batch < n ? options->batch : n,
                 .guided = options->guidance != 1 && labels,
                 .image = {0, c->channels, options->height ? options->height : c->image_size[0],
                           options->width ? options->width : c->image_size[1]}};
    int64_t batches = 0;
    s.image[0] = s.batch;
    PDESSM_REQUIRE(s.ctx, n >= 1, PDESSM_ERROR_ARGUMENT,
                   "sampling: %lld images, expected 1 or more", (long long)n);
    PDESSM_TRY(check_options(s.ctx, options));
    PDESSM_TRY(check_labels(&s, n, labels));
    if (model->precondition) /* refused now rather than when the first batch is drawn */
        PDESSM_TRY(pdessm_map_check(model->precondition, n, s.image[2], s.image[3], labels));
    PDESSM_TRY(record_tape(&s));
    PDESSM_TRY(make_state(&s));
    for (int64_t first = 0; first < n; first += s.batch, batches++)
        PDESSM_TRY(
            draw_batch(&s, first, n - first < s.batch ? n - first : s.batch, n, labels, images));
    if (ret_evaluations)
        *ret_evaluations = s.evaluations / batches;
out:
    release(&s);
    return status;
}
