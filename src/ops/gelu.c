/* SPDX-License-Identifier: MIT */
/* gelu.c: the GELU nonlinearity in its tanh form, element by element. */
#include "ops/op_support.h"

enum { X, Y };

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, X);
    int back = call->pass == PDESSM_BACKWARD;
    *ret = (pdessm_cost){.flops = n * (back ? 30 : 22), .bytes = 4 * n * (back ? 3 : 2)};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->gelu_forward(host->pool, count(call, X), data(call, X), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    if (call->gradient[X])
        host->fallback->gelu_backward(host->pool, count(call, X), data(call, X), grad(call, Y),
                                      grad(call, X), adds(call, X));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_elements(launcher, call, "gelu_forward", count(call, X));
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return call->gradient[X] ? launch_elements(launcher, call, "gelu_backward", count(call, X))
                             : PDESSM_OK;
}

static void draw(pdessm_case *k, const pdessm_case_size *size) {
    pdessm_case_set_any(k, size, X, 2, 4);
}

const pdessm_descriptor pdessm_descriptor_gelu = {
    .shapes = like_first,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_gelu(pdessm_tape *tape, pdessm_tensor *x) {
    return RECORD(gelu, x);
}
