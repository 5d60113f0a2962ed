/* SPDX-License-Identifier: MIT */
/* relu.c: what is negative times a slope, 0 for ReLU itself, element by element. */
#include <math.h>

#include "ops/op_support.h"

enum { X, Y };
enum { SLOPE };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    if (!isfinite(call->attribute[SLOPE]))
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "relu: attribute slope is not finite");
    return like_first(ctx, call, ret);
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, X);
    int back = call->pass == PDESSM_BACKWARD;
    *ret = (pdessm_cost){.flops = n, .bytes = 4 * n * (back ? 3 : 2)};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->relu_forward(host->pool, count(call, X), (float)call->attribute[SLOPE],
                                 data(call, X), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    if (call->gradient[X])
        host->fallback->relu_backward(host->pool, count(call, X), (float)call->attribute[SLOPE],
                                      data(call, X), grad(call, Y), grad(call, X), adds(call, X));
    return PDESSM_OK;
}

static pdessm_status launch_all(const pdessm_call *call, const pdessm_launcher *launcher,
                                const char *name) {
    int64_t n = count(call, X);
    return launch(
        launcher, call,
        &(pdessm_kernel){.name = name,
                         .dims = 1,
                         .global = {(size_t)n},
                         .scalar_count = 2,
                         .scalar = {scalar_int(n), scalar_float(call->attribute[SLOPE])}});
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_all(call, launcher, "relu_forward");
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return call->gradient[X] ? launch_all(call, launcher, "relu_backward") : PDESSM_OK;
}

static void draw(pdessm_case *k, const pdessm_case_size *size) {
    pdessm_case_set_any(k, size, X, 2, 4);
    k->attribute[SLOPE] = pdessm_draw_coin(k, 1) ? 0 : pdessm_draw_real(k, 0, -1, 1);
}

const pdessm_descriptor pdessm_descriptor_relu = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_relu(pdessm_tape *tape, pdessm_tensor *x, double slope) {
    return RECORD_WITH(relu, ATTRIBUTES(slope), x);
}
