/* SPDX-License-Identifier: MIT */
/* mean_tokens.c: x [B, N, C] to its mean over tokens, [B, C]. */
#include "ops/op_support.h"

enum { X, Y };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    const pdessm_tensor *x = call->operand[X];
    if (x->rank != 3)
        return refuse_shape(ctx, call, X, "[batch, tokens, channels]");
    ret[Y] = float_shape(2, (const int64_t[]){x->dims[0], x->dims[2]});
    return PDESSM_OK;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    const int64_t *d = call->operand[X]->dims;
    double n = (double)count(call, X);
    *ret = (pdessm_cost){.flops = n, .bytes = 4 * (n + n / (double)d[1])};
    if (call->pass == PDESSM_FORWARD)
        ret->host_scratch = host->fallback->mean_tokens_scratch(host->pool, d[0], d[1], d[2]);
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[X]->dims;
    host->fallback->mean_tokens_forward(host->pool, d[0], d[1], d[2], data(call, X), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[X]->dims;
    if (call->gradient[X])
        host->fallback->mean_tokens_backward(host->pool, d[0], d[1], d[2], grad(call, Y),
                                             grad(call, X), adds(call, X));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    const int64_t *d = call->operand[X]->dims;
    return launch(
        launcher, call,
        &(pdessm_kernel){
            .name = "mean_tokens_forward",
            .dims = 2,
            .global = {(size_t)(cpu_form(launcher) ? (d[2] + 15) / 16 : d[2]), (size_t)d[0]},
            .scalar_count = 2,
            .scalar = {scalar_int(d[1]), scalar_int(d[2])}});
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    const int64_t *d = call->operand[X]->dims;
    return call->gradient[X]
               ? launch_integers(launcher, call, "mean_tokens_backward", count(call, X), 3,
                                 (const int64_t[]){count(call, X), d[1], d[2]})
               : PDESSM_OK;
}

/* One token to many, channels around a vector. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    const int many = pdessm_draw_coin(k, 0);
    int64_t b = pdessm_draw_extent(k, size->batch, 1, 5);
    int64_t n = pdessm_draw_extent(k, pdessm_case_tokens(size), 1, many ? 300 : 10);
    PDESSM_SET(k, X, NORMAL, 1, b, n, pdessm_draw_extent(k, size->channels, 1, many ? 40 : 1200));
    k->terms = n;
}

const pdessm_descriptor pdessm_descriptor_mean_tokens = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_mean_tokens(pdessm_tape *tape, pdessm_tensor *x) {
    return RECORD(mean_tokens, x);
}
