/* SPDX-License-Identifier: MIT */
/* memory.c: how much memory and work training and sampling need, found by planning on a dry device.
 */
#include "model/model.h"
#include "tape/tape.h"

/* A device that counts and does nothing else. */
static pdessm_device dry_device(pdessm_context *ctx) {
    return (pdessm_device){
        .ctx = ctx, .dry = 1, .host = {.fallback = pdessm_host_table(), .pool = ctx->pool}};
}

typedef struct inputs {
    pdessm_tensor *x, *t, *y;
} inputs;

static inputs make_inputs(pdessm_tape *tape, const pdessm_config *c, int64_t batch) {
    int64_t image[] = {batch, c->channels, c->image_size[0], c->image_size[1]};
    return (inputs){pdessm_tape_input(tape, PDESSM_FLOAT32, 4, image),
                    pdessm_tape_input(tape, PDESSM_FLOAT32, 1, &batch),
                    pdessm_tape_input(tape, PDESSM_INT32, 1, &batch)};
}

/* Plans one tape; arenas: how many more arenas than the model's own the driver holds. */
static pdessm_status estimate(pdessm_context *ctx, const pdessm_config *config, int64_t batch,
                              int train, pdessm_memory_estimate *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_device device = dry_device(ctx);
    pdessm_model *model = NULL;
    pdessm_tape *tape = NULL;
    pdessm_tensor *loss = NULL;
    PDESSM_TRY(pdessm_model_create(&device, config, train, &model));
    PDESSM_TRY(pdessm_tape_create(&device, &tape));
    inputs in = make_inputs(tape, &model->config, batch);
    if (model->config.task == PDESSM_TASK_CLASSIFY) {
        pdessm_tensor *logits = pdessm_model_logits(model, tape, in.x, NULL);
        if (train)
            loss = pdessm_cross_entropy(tape, logits, in.y, 0);
        else
            pdessm_tape_output(tape, logits);
    } else if (train) {
        pdessm_tensor *x_t, *v, *noise = make_inputs(tape, &model->config, batch).x;
        pdessm_flow_path(tape, in.x, noise, in.t, &x_t, &v);
        loss = pdessm_mse_loss(tape, pdessm_model_velocity(model, tape, x_t, in.t, in.y), v);
    } else {
        pdessm_tape_output(tape, pdessm_model_velocity(model, tape, in.x, in.t, in.y));
    }
    PDESSM_TRY(pdessm_tape_plan(tape, loss));
    int64_t bytes = (int64_t)model->values.storage->bytes;
    pdessm_tape_info info = pdessm_tape_get_info(tape);
    *ret = (pdessm_memory_estimate){
        .parameters = bytes,
        .optimizer = train ? 4 * bytes : 0, /* gradient, two moments, average */
        .activations = info.bytes,
        .largest_buffer = device.largest_buffer,
        .flops = info.forward_flops + info.backward_flops,
    };
    ret->total = ret->parameters + ret->optimizer + ret->activations;
out:
    pdessm_tape_destroy(&tape);
    pdessm_model_destroy(&model);
    return status;
}

pdessm_status pdessm_memory_to_train(pdessm_context *ctx, const pdessm_config *config, int batch,
                                     pdessm_memory_estimate *ret) {
    return estimate(ctx, config, batch, 1, ret);
}

pdessm_status pdessm_memory_to_sample(pdessm_context *ctx, const pdessm_config *config, int batch,
                                      pdessm_memory_estimate *ret) {
    return estimate(ctx, config, batch, 0, ret);
}
