/* SPDX-License-Identifier: MIT */
/* gate.c: y = a silu(z), element by element. */
#include "ops/op_support.h"

enum { A, Z, Y };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    ret[Y] = shape_of(call->operand[A]);
    return expect_like(ctx, call, Z, A);
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, A);
    int back = call->pass == PDESSM_BACKWARD;
    *ret = (pdessm_cost){.flops = n * (back ? 30 : 21), .bytes = 4 * n * (back ? 5 : 3)};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->gate_forward(host->pool, count(call, A), data(call, A), data(call, Z),
                                 data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->gate_backward(host->pool, count(call, A), data(call, A), data(call, Z),
                                  grad(call, Y), grad(call, A), adds(call, A), grad(call, Z),
                                  adds(call, Z));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_elements(launcher, call, "gate_forward", count(call, A));
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_elements(launcher, call, "gate_backward", count(call, A));
}

static void draw(pdessm_case *k, const pdessm_case_size *size) {
    pdessm_case_set_any(k, size, A, 1, 4);
    pdessm_case_set_like(k, Z, A, PDESSM_FILL_NORMAL, 3);
}

const pdessm_descriptor pdessm_descriptor_gate = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_gate(pdessm_tape *tape, pdessm_tensor *a, pdessm_tensor *z) {
    return RECORD(gate, a, z);
}
