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

static inputs make_inputs(pdessm_graph *g, const pdessm_config *c, int64_t batch) {
    int64_t image[] = {batch, c->channels, c->image_size[0], c->image_size[1]};
    return (inputs){pdessm_graph_input(g, PDESSM_FLOAT32, 4, image),
                    pdessm_graph_input(g, PDESSM_FLOAT32, 1, &batch),
                    pdessm_graph_input(g, PDESSM_INT32, 1, &batch)};
}

/* Plans one tape; arenas: how many more arenas than the model's own the driver holds. */
static pdessm_status estimate(pdessm_context *ctx, const pdessm_config *config, int64_t batch,
                              int train, pdessm_memory_estimate *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_device device = dry_device(ctx);
    pdessm_model *model = NULL;
    pdessm_graph *graph = NULL;
    pdessm_tensor *loss = NULL;
    PDESSM_TRY(pdessm_model_create(&device, config, train, &model));
    PDESSM_TRY(pdessm_graph_create(&device, &graph));
    inputs in = make_inputs(graph, &model->config, batch);
    if (model->config.task == PDESSM_TASK_CLASSIFY) {
        pdessm_tensor *logits = pdessm_model_logits(model, graph, in.x, NULL);
        if (train)
            loss = pdessm_cross_entropy(graph, logits, in.y, 0);
        else
            pdessm_graph_output(graph, logits);
    } else if (train) {
        pdessm_tensor *x_t, *v, *noise = make_inputs(graph, &model->config, batch).x;
        pdessm_flow_path(graph, in.x, noise, in.t, &x_t, &v);
        loss = pdessm_mse_loss(graph, pdessm_model_velocity(model, graph, x_t, in.t, in.y), v);
    } else {
        pdessm_graph_output(graph, pdessm_model_velocity(model, graph, in.x, in.t, in.y));
    }
    PDESSM_TRY(pdessm_graph_plan(graph, loss));
    int64_t bytes = (int64_t)model->values.storage->bytes;
    pdessm_graph_info info = pdessm_graph_get_info(graph);
    *ret = (pdessm_memory_estimate){
        .parameters = bytes,
        .optimizer = train ? 4 * bytes : 0, /* gradient, two moments, average */
        .activations = info.bytes,
        .largest_buffer = device.largest_buffer,
        .flops = info.forward_flops + info.backward_flops,
    };
    ret->total = ret->parameters + ret->optimizer + ret->activations;
out:
    pdessm_graph_destroy(&graph);
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
