/* SPDX-License-Identifier: MIT */
/* guide.c: classifier-free guidance. v [2 batch, ...] holds the velocities of the null class, then
 * those of the labels; y [batch, ...] = v_null + scale (v_label - v_null). */
#include "ops/op_support.h"

enum { V, Y };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    if (call->operand[V]->dims[0] % 2 != 0)
        return refuse_shape(ctx, call, V, "[2 batch, ...]: first null class, then labels");
    ret[Y] = shape_of(call->operand[V]);
    ret[Y].dims[0] /= 2;
    return PDESSM_OK;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, V) / 2;
    *ret = (pdessm_cost){.flops = 3 * n, .bytes = 12 * n};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->guide_forward(host->pool, count(call, V) / 2, (float)call->attribute[0],
                                  data(call, V), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    int64_t n = count(call, V) / 2;
    return launch(launcher, call,
                  &(pdessm_kernel){.name = "guide_forward",
                                   .dims = 1,
                                   .global = {(size_t)n},
                                   .scalar_count = 2,
                                   .scalar = {scalar_int(n), scalar_float(call->attribute[0])}});
}

/* Scales on both sides of 1. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    pdessm_case_set_any(k, size, V, 1, 4);
    k->operand[V].dims[0] *= 2;
    k->attribute[0] = pdessm_draw_real(k, 2, 0, 8);
}

const pdessm_descriptor pdessm_descriptor_guide = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, NULL},
    .launch = {launch_forward, NULL},
    .draw = draw,
};

pdessm_tensor *pdessm_guide(pdessm_tape *tape, pdessm_tensor *v, double scale) {
    return RECORD_WITH(guide, ATTRIBUTES(scale), v);
}
