/* SPDX-License-Identifier: MIT */
/* mse_loss.c: loss [1] = mean (prediction - target)^2 over all elements. */
#include "ops/op_support.h"

enum { PREDICTION, TARGET, LOSS };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    ret[LOSS] = float_shape(1, (const int64_t[]){1});
    return expect_like(ctx, call, TARGET, PREDICTION);
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, PREDICTION);
    int back = call->pass == PDESSM_BACKWARD;
    *ret = (pdessm_cost){.flops = n * (back ? 2 : 3), .bytes = 4 * n * (back ? 3 : 2)};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->mse_loss_forward(host->pool, count(call, PREDICTION), data(call, PREDICTION),
                                     data(call, TARGET), data(call, LOSS));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->mse_loss_backward(host->pool, count(call, PREDICTION), data(call, PREDICTION),
                                      data(call, TARGET), grad(call, LOSS), grad(call, PREDICTION),
                                      adds(call, PREDICTION), grad(call, TARGET),
                                      adds(call, TARGET));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_sum(launcher, call, count(call, PREDICTION), "mse_loss_part", "mse_loss_total",
                      NULL, 0);
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_elements(launcher, call, "mse_loss_backward", count(call, PREDICTION));
}

/* From one element to several pieces. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    pdessm_case_set_any(k, size, PREDICTION, 2, 4);
    pdessm_case_set_like(k, TARGET, PREDICTION, PDESSM_FILL_NORMAL, 2);
}

const pdessm_descriptor pdessm_descriptor_mse_loss = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_mse_loss(pdessm_tape *tape, pdessm_tensor *prediction,
                               pdessm_tensor *target) {
    return RECORD(mse_loss, prediction, target);
}
