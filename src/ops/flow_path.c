/* SPDX-License-Identifier: MIT */
/* flow_path.c: x_t = (1 - t) noise + t data, v = data - noise; t [batch], the rest [batch, ...]. */
#include "ops/op_support.h"

enum { DATA, NOISE, T, X_T, V };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(expect_like(ctx, call, NOISE, DATA));
    PDESSM_TRY(
        expect_shape(ctx, call, T, 1, call->operand[DATA]->dims, "one time for each sample"));
    ret[X_T] = ret[V] = shape_of(call->operand[DATA]);
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, DATA);
    *ret = (pdessm_cost){.flops = 4 * n, .bytes = 16 * n};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    int64_t batch = call->operand[DATA]->dims[0];
    host->fallback->flow_path_forward(host->pool, batch, count(call, DATA) / batch,
                                      data(call, DATA), data(call, NOISE), data(call, T),
                                      data(call, X_T), data(call, V));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    int64_t n = count(call, DATA);
    return launch_integers(launcher, call, "flow_path_forward", spans(launcher, n), 2,
                           (const int64_t[]){n, n / call->operand[DATA]->dims[0]});
}

/* Samples of any size, times at the ends and between. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    pdessm_case_set_any(k, size, DATA, 1, 4);
    pdessm_case_set_like(k, NOISE, DATA, PDESSM_FILL_NORMAL, 1);
    PDESSM_SET(k, T, UNIFORM, 1, k->operand[DATA].dims[0]);
}

const pdessm_descriptor pdessm_descriptor_flow_path = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, NULL},
    .launch = {launch_forward, NULL},
    .draw = draw,
};

void pdessm_flow_path(pdessm_tape *tape, pdessm_tensor *data, pdessm_tensor *noise,
                      pdessm_tensor *t, pdessm_tensor **ret_x_t, pdessm_tensor **ret_v) {
    pdessm_tensor *operand[PDESSM_MAX_OPERANDS] = {data, noise, t};
    pdessm_tape_apply(tape, PDESSM_OP_flow_path, operand, NULL);
    *ret_x_t = operand[3];
    *ret_v = operand[4];
}
