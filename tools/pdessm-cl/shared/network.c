/* SPDX-License-Identifier: MIT */
/* network.c: loss and gradients of a small network on a device. */
#include "network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/model.h>

#include "core/random.h"

/* A network with its tape, its inputs filled and one step done. */
typedef struct network {
    pdessm_context *ctx;
    pdessm_model *model;
    pdessm_tape *tape;
    pdessm_tensor *x, *t, *y, *target, *loss;
} network;

static void release(network *n) {
    pdessm_tape_destroy(&n->tape);
    pdessm_model_destroy(&n->model);
}

static float normal(uint64_t seed, uint32_t stream, double scale, int64_t i) {
    return (float)(scale * pdessm_normal(seed, PDESSM_RANDOM_CHECK, stream, 1, i));
}

static pdessm_status write_normal(pdessm_context *ctx, pdessm_tensor *tensor, uint64_t seed,
                                  uint32_t stream) {
    const int64_t count = pdessm_tensor_count(tensor);
    float *values = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, sizeof *values, &values));
    for (int64_t i = 0; i < count; i++)
        values[i] = normal(seed, stream, 1, i);
    PDESSM_TRY(pdessm_tensor_write(tensor, values));
out:
    free(values);
    return status;
}

static int64_t numbers_of(const pdessm_model *model, int parameter) {
    int64_t dims[PDESSM_MAX_RANK], count = 1;
    const int rank = pdessm_model_tensor_shape(model, parameter, dims);
    for (int i = 0; i < rank; i++)
        count *= dims[i];
    return count;
}

/* A new network outputs zero and most of its gradients are zero, so that little could be compared:
 * every parameter gets some noise on top. */
static pdessm_status perturb(network *n, uint64_t seed) {
    pdessm_status status = PDESSM_OK;
    float *values = NULL;
    for (int i = 0; i < pdessm_model_tensors(n->model); i++) {
        const int64_t count = numbers_of(n->model, i);
        PDESSM_TRY(pdessm_alloc(n->ctx, (size_t)count, sizeof *values, &values));
        PDESSM_TRY(pdessm_model_tensor_read(n->model, i, values));
        for (int64_t k = 0; k < count; k++)
            values[k] += normal(seed, 100 + (uint32_t)i, 0.05, k);
        PDESSM_TRY(pdessm_model_tensor_write(n->model, i, values));
        free(values);
        values = NULL;
    }
out:
    free(values);
    return status;
}

static pdessm_status write_inputs(network *n, int64_t batch, uint64_t seed) {
    pdessm_context *ctx = n->ctx;
    int classes = pdessm_model_get_config(n->model)->num_classes;
    float *t = NULL;
    int32_t *y = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)batch, sizeof *t, &t));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)batch, sizeof *y, &y));
    for (int64_t i = 0; i < batch; i++) {
        t[i] = ((float)i + 0.5f) / (float)batch;
        y[i] = (int32_t)(i % (classes + 1)); /* the null class is one of them */
    }
    PDESSM_TRY(write_normal(ctx, n->x, seed, 90));
    PDESSM_TRY(write_normal(ctx, n->target, seed, 91));
    PDESSM_TRY(pdessm_tensor_write(n->t, t));
    PDESSM_TRY(pdessm_tensor_write(n->y, y));
out:
    free(t);
    free(y);
    return status;
}

static pdessm_status run_step(const pdessm_config *config, int64_t batch, uint64_t seed,
                              pdessm_device *device, network *n) {
    const int64_t image[] = {batch, config->channels, config->image_size[0], config->image_size[1]};
    pdessm_status status = PDESSM_OK;
    n->ctx = device->ctx;
    PDESSM_TRY(pdessm_model_create(device, config, 1, &n->model));
    PDESSM_TRY(pdessm_model_init(n->model, seed));
    PDESSM_TRY(perturb(n, seed));
    PDESSM_TRY(pdessm_model_gradients_zero(n->model));
    PDESSM_TRY(pdessm_tape_create(device, &n->tape));
    n->x = pdessm_tape_input(n->tape, PDESSM_FLOAT32, 4, image);
    n->target = pdessm_tape_input(n->tape, PDESSM_FLOAT32, 4, image);
    n->t = pdessm_tape_input(n->tape, PDESSM_FLOAT32, 1, &batch);
    n->y = pdessm_tape_input(n->tape, PDESSM_INT32, 1, &batch);
    n->loss = pdessm_mse_loss(n->tape, pdessm_model_velocity(n->model, n->tape, n->x, n->t, n->y),
                              n->target);
    pdessm_tape_output(n->tape, n->loss);
    PDESSM_TRY(pdessm_tape_plan(n->tape, n->loss));
    PDESSM_TRY(write_inputs(n, batch, seed));
    PDESSM_TRY(pdessm_tape_forward(n->tape));
    PDESSM_TRY(pdessm_tape_backward(n->tape));
out:
    return status;
}

pdessm_status pdessm_cli_network_run(const pdessm_config *config, int64_t batch,
                                     pdessm_device *device) {
    network n = {0};
    pdessm_status status = run_step(config, batch, 1, device, &n);
    if (status == PDESSM_OK)
        status = pdessm_device_finish(device);
    release(&n);
    return status;
}

/* ------------------------------------------------------------------ comparing */

/* Rounding grows from layer to layer, which no bound of one operator says. PoCL and two builds of
 * plain C differ by 1e-7 in the loss and 1e-6 in the gradients: a hundred times that leaves room
 * for a GPU's exp and is far below any mistake. */
static const double loss_tolerance = 1e-5, gradient_tolerance = 1e-4;

static pdessm_status compare_gradients(network *a, network *b, cli_network_error *e) {
    pdessm_status status = PDESSM_OK;
    float *x = NULL, *y = NULL;
    e->gradients = (pdessm_deviation){-1, gradient_tolerance};
    for (int i = 0; i < pdessm_model_tensors(a->model); i++) {
        const size_t count = (size_t)numbers_of(a->model, i);
        PDESSM_TRY(pdessm_alloc(a->ctx, count, sizeof *x, &x));
        PDESSM_TRY(pdessm_alloc(a->ctx, count, sizeof *y, &y));
        PDESSM_TRY(pdessm_model_gradient_read(a->model, i, x));
        PDESSM_TRY(pdessm_model_gradient_read(b->model, i, y));
        double error = pdessm_relative_error(x, y, (int64_t)count);
        if (!(error <= e->gradients.error)) {
            e->gradients.error = error;
            snprintf(e->worst_gradient, sizeof e->worst_gradient, "%s",
                     pdessm_model_tensor_name(a->model, i));
        }
        free(x);
        free(y);
        x = y = NULL;
    }
out:
    free(x);
    free(y);
    return status;
}

pdessm_status pdessm_cli_network_compare(const char *preset, uint64_t seed, pdessm_device *device,
                                         pdessm_device *reference, cli_network_error *ret) {
    enum { BATCH = 3 };
    pdessm_status status = PDESSM_OK;
    pdessm_config config;
    network a = {0}, b = {0};
    float loss[2];
    PDESSM_TRY(pdessm_config_preset(device->ctx, preset, &config));
    config.image_size[0] = config.image_size[1] = 16;
    PDESSM_TRY(pdessm_config_check(device->ctx, &config));
    PDESSM_TRY(run_step(&config, BATCH, seed, device, &a));
    PDESSM_TRY(run_step(&config, BATCH, seed, reference, &b));
    PDESSM_TRY(pdessm_tensor_read(a.loss, &loss[0]));
    PDESSM_TRY(pdessm_tensor_read(b.loss, &loss[1]));
    ret->loss = (pdessm_deviation){pdessm_relative_error(&loss[0], &loss[1], 1), loss_tolerance};
    PDESSM_TRY(compare_gradients(&a, &b, ret));
out:
    release(&a);
    release(&b);
    return status;
}
