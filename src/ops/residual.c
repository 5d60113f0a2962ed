/* SPDX-License-Identifier: MIT */
/* residual.c: y = x + gate m; x, m, y [batch, tokens, channels], gate [batch, channels]. */
#include "ops/op_support.h"

enum { X, GATE, M, Y };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    const pdessm_tensor *x = call->operand[X];
    if (x->rank != 3)
        return refuse_shape(ctx, call, X, "[batch, tokens, channels]");
    PDESSM_TRY(expect_shape(ctx, call, GATE, 2, (const int64_t[]){x->dims[0], x->dims[2]},
                            "batch and channels of x"));
    PDESSM_TRY(expect_like(ctx, call, M, X));
    ret[Y] = shape_of(x);
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    const int64_t *d = call->operand[X]->dims;
    double n = (double)count(call, X);
    int back = call->pass == PDESSM_BACKWARD;
    *ret = (pdessm_cost){.flops = n * (back ? 3 : 2), .bytes = 4 * n * (back ? 4 : 3)};
    if (back)
        ret->host_scratch = host->fallback->residual_scratch(host->pool, d[0], d[1], d[2]);
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[X]->dims;
    host->fallback->residual_forward(host->pool, d[0], d[1], d[2], data(call, X), data(call, GATE),
                                     data(call, M), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[X]->dims;
    host->fallback->residual_backward(host->pool, d[0], d[1], d[2], data(call, GATE), data(call, M),
                                      grad(call, Y), grad(call, X), adds(call, X), grad(call, GATE),
                                      adds(call, GATE), grad(call, M), adds(call, M));
    return PDESSM_OK;
}

/* A token for each work-item on CPUs, else an element. */
static pdessm_status launch_elementwise(const pdessm_call *call, const pdessm_launcher *launcher,
                                        const char *name) {
    const int64_t *d = call->operand[X]->dims;
    int64_t items = cpu_form(launcher) ? d[0] * d[1] : count(call, X);
    return launch_integers(launcher, call, name, items, 3,
                           (const int64_t[]){items, d[1] * d[2], d[2]});
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_elementwise(call, launcher, "residual_forward");
}

static pdessm_status launch_gate(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    const int64_t *d = call->operand[X]->dims;
    device_columns plan = plan_columns(launcher, d[0], d[1], d[2], 1);
    pdessm_kernel kernel = {.name = "residual_gate",
                            .dims = 2,
                            .global = {plan.items, (size_t)(d[0] * plan.pieces)},
                            .scratch_bytes = plan.scratch_bytes,
                            .scalar_count = 4,
                            .scalar = {scalar_int(d[1]), scalar_int(d[2]), scalar_int(plan.piece),
                                       scalar_int(plan.pieces)}};
    PDESSM_TRY(launch(launcher, call, &kernel));
    kernel.name = "residual_gate_total";
    kernel.dims = 1;
    kernel.global[0] = (size_t)(d[0] * d[2]);
    kernel.scalar_count = 3;
    kernel.scalar[0] = scalar_int(d[0] * d[2]);
    kernel.scalar[1] = scalar_int(d[2]);
    kernel.scalar[2] = scalar_int(plan.pieces);
    PDESSM_TRY(launch(launcher, call, &kernel));
out:
    return status;
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    if (call->gradient[X] || call->gradient[M])
        PDESSM_TRY(launch_elementwise(call, launcher, "residual_backward"));
    if (call->gradient[GATE])
        PDESSM_TRY(launch_gate(call, launcher));
out:
    return status;
}

/* Many tokens or many channels, so that rows and columns are cut into pieces. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    const int many = pdessm_draw_coin(k, 0);
    int64_t b = pdessm_draw_extent(k, size->batch, 1, 4);
    int64_t n = pdessm_draw_extent(k, pdessm_case_tokens(size), 1, many ? 400 : 20);
    int64_t c = pdessm_draw_extent(k, size->channels, 1, many ? 40 : 1500);
    PDESSM_SET(k, X, NORMAL, 1, b, n, c);
    PDESSM_SET(k, GATE, NORMAL, 1, b, c);
    PDESSM_SET(k, M, NORMAL, 1, b, n, c);
    k->terms = n;
}

const pdessm_descriptor pdessm_descriptor_residual = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .pass_through = 1 + X,
    .draw = draw,
};

pdessm_tensor *pdessm_residual(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *gate,
                               pdessm_tensor *m) {
    return RECORD(residual, x, gate, m);
}
