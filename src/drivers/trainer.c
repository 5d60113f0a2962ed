/* SPDX-License-Identifier: MIT */
/* trainer.c: training by flow matching, one optimiser step at a time. */
#include "drivers/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

pdessm_train_options pdessm_train_defaults(void) {
    return (pdessm_train_options){
        .steps = 10000,
        .batch = 64,
        .accumulate = 1,
        .rate = 1e-3,
        .warmup = 100,
        .schedule = PDESSM_SCHEDULE_COSINE,
        .final_rate = 0.01,
        .pde_rate_scale = 30,
        .beta1 = 0.9,
        .beta2 = 0.999,
        .epsilon = 1e-8,
        .clip = 1,
        .ema = 0.999,
        .label_dropout = 0.1,
    };
}

/* ------------------------------------------------------------------ building */

static pdessm_status check_data(pdessm_context *ctx, const pdessm_dataset_info *d,
                                const pdessm_config *c) {
    if (d->height != c->image_size[0] || d->width != c->image_size[1] || d->channels != c->channels)
        return pdessm_fail(
            ctx, PDESSM_ERROR_SHAPE,
            "the images are %lld x %lld x %lld (height, width, channels), the model is "
            "made for %d x %d x %d",
            (long long)d->height, (long long)d->width, (long long)d->channels, c->image_size[0],
            c->image_size[1], c->channels);
    if (d->num_classes > c->num_classes)
        return pdessm_fail(ctx, PDESSM_ERROR_SHAPE,
                           "the images have %lld classes, the model is made for %d",
                           (long long)d->num_classes, c->num_classes);
    return PDESSM_OK;
}

static pdessm_status check_options(pdessm_context *ctx, const pdessm_train_options *o) {
    const struct {
        const char *name;
        double value, least, most;
    } ranges[] = {
        {"steps", (double)o->steps, 1, 4e9},
        {"batch", o->batch, 1, 1 << 20},
        {"accumulation", o->accumulate, 1, 1 << 20},
        {"learning rate", o->rate, 0, 1e3},
        {"warm-up", (double)o->warmup, 0, 4e9},
        {"final rate", o->final_rate, 0, 1},
        {"PDE rate scale", o->pde_rate_scale, 0, 1e6},
        {"beta1", o->beta1, 0, 0.999999},
        {"beta2", o->beta2, 0, 0.99999999},
        {"epsilon", o->epsilon, 1e-30, 1},
        {"weight decay", o->weight_decay, 0, 1e3},
        {"clip", o->clip, 0, 1e30},
        {"ema", o->ema, 0, 1},
        {"label dropout", o->label_dropout, 0, 1},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!(ranges[i].value >= ranges[i].least && ranges[i].value <= ranges[i].most))
            return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "training: %s is %g, expected %g to %g",
                               ranges[i].name, ranges[i].value, ranges[i].least, ranges[i].most);
    return PDESSM_OK;
}

/* The tape of one run: x_t = (1 - t) z + t x, v = x - z, loss = mean (v_theta(x_t, t, y) - v)^2. */
static pdessm_status record_tape(pdessm_trainer *t) {
    pdessm_status status = PDESSM_OK;
    const pdessm_config *c = &t->model->config;
    const int64_t batch = t->options.batch;
    const int64_t image[] = {batch, c->channels, c->image_size[0], c->image_size[1]};
    pdessm_tensor *x_t, *v;
    PDESSM_TRY(pdessm_graph_create(t->device, &t->graph));
    pdessm_graph *g = t->graph;
    t->image = pdessm_graph_input(g, PDESSM_FLOAT32, 4, image);
    t->noise = pdessm_graph_input(g, PDESSM_FLOAT32, 4, image);
    t->time = pdessm_graph_input(g, PDESSM_FLOAT32, 1, &batch);
    t->label = pdessm_graph_input(g, PDESSM_INT32, 1, &batch);
    pdessm_flow_path(g, t->image, t->noise, t->time, &x_t, &v);
    t->loss = pdessm_mse_loss(g, pdessm_model_velocity(t->model, g, x_t, t->time, t->label), v);
    PDESSM_TRY(pdessm_graph_plan(g, t->loss));
    PDESSM_TRY(pdessm_graph_set_loss_scale(g, 1.0 / t->options.accumulate));
out:
    return status;
}

static pdessm_status make_buffers(pdessm_trainer *t) {
    pdessm_status status = PDESSM_OK;
    const size_t batch = (size_t)t->options.batch;
    const size_t pixels = (size_t)pdessm_tensor_count(t->image) / batch;
    PDESSM_TRY(pdessm_alloc(t->ctx, batch * pixels, sizeof *t->images, &t->images));
    PDESSM_TRY(pdessm_alloc(t->ctx, batch, sizeof *t->times, &t->times));
    PDESSM_TRY(pdessm_alloc(t->ctx, batch, sizeof *t->labels, &t->labels));
    PDESSM_TRY(pdessm_alloc(t->ctx, (size_t)pdessm_dataset_get_info(t->data)->count,
                            sizeof *t->order, &t->order));
    PDESSM_TRY(
        pdessm_tensor_create(t->device, PDESSM_FLOAT32, 1, (int64_t[]){STATE_SIZE}, &t->state));
    PDESSM_TRY(pdessm_tensor_zero(t->state));
    PDESSM_TRY(pdessm_tensor_create(t->device, PDESSM_FLOAT32, 1, (int64_t[]){1}, &t->step_loss));
out:
    return status;
}

pdessm_status pdessm_trainer_build(pdessm_device *device, pdessm_dataset *data,
                                   const pdessm_train_options *options, pdessm_model *model,
                                   pdessm_trainer **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_trainer *t = NULL;
    PDESSM_TRY(check_options(device->ctx, options));
    PDESSM_TRY(check_data(device->ctx, pdessm_dataset_get_info(data), &model->config));
    PDESSM_TRY(pdessm_alloc(device->ctx, 1, sizeof *t, &t));
    *t = (pdessm_trainer){.device = device,
                          .ctx = device->ctx,
                          .data = data,
                          .options = *options,
                          .model = model,
                          .order_epoch = -1};
    PDESSM_TRY(pdessm_model_create(device, &model->config, 0, &t->average));
    PDESSM_TRY(pdessm_arena_create(model, &t->first_moment));
    PDESSM_TRY(pdessm_arena_create(model, &t->second_moment));
    PDESSM_TRY(record_tape(t));
    PDESSM_TRY(make_buffers(t));
    *ret = t;
    t = NULL;
out:
    if (t)
        t->model = NULL; /* still the caller's */
    pdessm_trainer_destroy(&t);
    return status;
}

pdessm_status pdessm_trainer_create(pdessm_device *device, pdessm_dataset *data,
                                    const pdessm_config *config,
                                    const pdessm_train_options *options, pdessm_trainer **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_model *model = NULL;
    pdessm_trainer *t = NULL;
    PDESSM_TRY(pdessm_model_create(device, config, 1, &model));
    PDESSM_TRY(pdessm_model_init(model, options->seed));
    PDESSM_TRY(pdessm_trainer_build(device, data, options, model, &t));
    model = NULL;
    PDESSM_TRY(pdessm_model_init(t->average, options->seed));
    *ret = t;
    t = NULL;
out:
    pdessm_trainer_destroy(&t);
    pdessm_model_destroy(&model);
    return status;
}

void pdessm_trainer_destroy(pdessm_trainer **trainer) {
    pdessm_trainer *t = *trainer;
    if (!t)
        return;
    pdessm_graph_destroy(&t->graph);
    pdessm_tensor_destroy(&t->state);
    pdessm_tensor_destroy(&t->step_loss);
    pdessm_arena_destroy(&t->first_moment);
    pdessm_arena_destroy(&t->second_moment);
    pdessm_model_destroy(&t->model);
    pdessm_model_destroy(&t->average);
    free(t->images);
    free(t->times);
    free(t->labels);
    free(t->order);
    free(t);
    *trainer = NULL;
}

/* ------------------------------------------------------------------ one step */

/* The learning rate of step number `step` (from 0): linear rise, then constant or a half cosine. */
static double rate_at(const pdessm_train_options *o, int64_t step) {
    if (step < o->warmup)
        return o->rate * (double)(step + 1) / (double)o->warmup;
    if (o->schedule == PDESSM_SCHEDULE_CONSTANT || o->steps <= o->warmup)
        return o->rate;
    double share = fmin(1, (double)(step - o->warmup) / (double)(o->steps - o->warmup));
    double cosine = 0.5 * (1 + cos(3.14159265358979323846 * share));
    return o->rate * (o->final_rate + (1 - o->final_rate) * cosine);
}

/* The average forgets its first steps faster, or a short run would end near its beginning. */
static double ema_at(const pdessm_train_options *o, int64_t step) {
    return fmin(o->ema, (1 + (double)step) / (10 + (double)step));
}

/* One run of the tape; its gradients are added to the step's. */
static pdessm_status run_tape(pdessm_trainer *t, int micro) {
    pdessm_status status = PDESSM_OK;
    const double share = 1.0 / t->options.accumulate;
    pdessm_trainer_draw_batch(t, micro);
    PDESSM_TRY(pdessm_tensor_write(t->image, t->images));
    PDESSM_TRY(pdessm_tensor_write(t->time, t->times));
    PDESSM_TRY(pdessm_tensor_write(t->label, t->labels));
    PDESSM_TRY(pdessm_call_normal(t->device, t->options.seed, PDESSM_RANDOM_NOISE, t->step,
                                  (int64_t)micro * t->options.batch, t->noise));
    PDESSM_TRY(pdessm_graph_forward(t->graph));
    PDESSM_TRY(pdessm_graph_backward(t->graph));
    PDESSM_TRY(pdessm_call_combine(t->device, t->step_loss, 1, &t->loss, &share, t->step_loss));
out:
    return status;
}

static pdessm_status update_group(pdessm_trainer *t, pdessm_group group) {
    const pdessm_train_options *o = &t->options;
    double rate = rate_at(o, t->step);
    pdessm_adamw settings = {.rate = group == PDESSM_GROUP_PDE ? rate * o->pde_rate_scale : rate,
                             .beta1 = o->beta1,
                             .beta2 = o->beta2,
                             .epsilon = o->epsilon,
                             .decay = group == PDESSM_GROUP_WEIGHTS ? o->weight_decay : 0,
                             .step = t->step + 1};
    if (!t->model->values.group[group].storage)
        return PDESSM_OK;
    return pdessm_call_adamw(t->device, &t->model->values.group[group],
                             &t->model->gradients.group[group], &t->first_moment.group[group],
                             &t->second_moment.group[group], t->state, &settings);
}

pdessm_status pdessm_trainer_step(pdessm_trainer *trainer) {
    pdessm_trainer *t = trainer;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tensor_zero(&t->model->gradients.all));
    PDESSM_TRY(pdessm_tensor_zero(t->step_loss));
    for (int micro = 0; micro < t->options.accumulate; micro++)
        PDESSM_TRY(run_tape(t, micro));
    PDESSM_TRY(pdessm_call_grad_norm(t->device, &t->model->gradients.all, t->step_loss,
                                     t->options.clip, t->state));
    for (int group = 0; group < PDESSM_GROUPS; group++)
        PDESSM_TRY(update_group(t, (pdessm_group)group));
    PDESSM_TRY(pdessm_call_ema(t->device, &t->average->values.all, &t->model->values.all, t->state,
                               ema_at(&t->options, t->step)));
    t->step++;
out:
    return status;
}

/* ------------------------------------------------------------------ looking at it */

pdessm_status pdessm_trainer_report(pdessm_trainer *trainer, pdessm_train_report *ret) {
    pdessm_status status = PDESSM_OK;
    float s[STATE_SIZE];
    PDESSM_TRY(pdessm_tensor_read(trainer->state, s));
    *ret = (pdessm_train_report){
        .step = trainer->step,
        .loss =
            s[STATE_LOSS_COUNT] > 0 ? (double)s[STATE_LOSS_SUM] / (double)s[STATE_LOSS_COUNT] : NAN,
        .rate = rate_at(&trainer->options, trainer->step > 0 ? trainer->step - 1 : 0),
        .gradient_norm = (double)s[STATE_NORM],
        .bad_steps = (int64_t)s[STATE_BAD_TOTAL],
        .bad_in_a_row = (int)s[STATE_BAD_IN_A_ROW],
    };
    s[STATE_LOSS_SUM] = s[STATE_LOSS_COUNT] = 0;
    PDESSM_TRY(pdessm_tensor_write(trainer->state, s));
out:
    return status;
}

static int all_finite(const float *values, int64_t n) {
    int finite = 1;
    for (int64_t i = 0; i < n; i++)
        finite &= isfinite(values[i]) != 0;
    return finite;
}

/* The first parameter whose value, or whose gradient, is not finite. */
static pdessm_status first_bad(pdessm_model *m, int gradients, const char **ret_name) {
    pdessm_status status = PDESSM_OK;
    float *values = NULL;
    for (int i = 0; !*ret_name && i < m->count; i++) {
        pdessm_tensor *t = gradients ? &m->parameter[i].gradient : &m->parameter[i].value;
        int64_t n = pdessm_tensor_count(t);
        free(values);
        values = NULL;
        PDESSM_TRY(pdessm_alloc(m->ctx, (size_t)n, sizeof *values, &values));
        PDESSM_TRY(pdessm_tensor_read(t, values));
        if (!all_finite(values, n))
            *ret_name = m->parameter[i].name;
    }
out:
    free(values);
    return status;
}

/* Values first: one bad value infects nearly all gradients. */
pdessm_status pdessm_trainer_find_bad(pdessm_trainer *trainer, const char **ret_name) {
    const char *bad = NULL;
    pdessm_status status = first_bad(trainer->model, 0, &bad);
    if (status == PDESSM_OK && !bad)
        status = first_bad(trainer->model, 1, &bad);
    if (status == PDESSM_OK)
        *ret_name = bad;
    return status;
}

int64_t pdessm_trainer_step_count(const pdessm_trainer *trainer) {
    return trainer->step;
}

pdessm_model *pdessm_trainer_model(pdessm_trainer *trainer) {
    return trainer->model;
}

pdessm_model *pdessm_trainer_average(pdessm_trainer *trainer) {
    return trainer->average;
}
