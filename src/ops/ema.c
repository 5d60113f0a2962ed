/* SPDX-License-Identifier: MIT */
/* ema.c: average = decay average + (1 - decay) parameter, unless state[2] is 0 (see grad_norm). */
#include "ops/op_support.h"

enum { AVERAGE, PARAMETER, STATE };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    (void)ret;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(expect_like(ctx, call, PARAMETER, AVERAGE));
    PDESSM_TRY(expect_shape(ctx, call, STATE, 1, (const int64_t[]){8}, "as grad_norm leaves it"));
    PDESSM_REQUIRE(ctx, call->attribute[0] >= 0 && call->attribute[0] <= 1, PDESSM_ERROR_ARGUMENT,
                   "ema: attribute decay is %g, expected a number in [0, 1]", call->attribute[0]);
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, AVERAGE);
    *ret = (pdessm_cost){.flops = 3 * n, .bytes = 12 * n};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->ema_forward(host->pool, count(call, AVERAGE), call->attribute[0],
                                data(call, PARAMETER), data(call, STATE), data(call, AVERAGE));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    int64_t n = count(call, AVERAGE);
    return launch(launcher, call,
                  &(pdessm_kernel){.name = "ema_forward",
                                   .dims = 1,
                                   .global = {(size_t)n},
                                   .scalar_count = 3,
                                   .scalar = {scalar_int(n), scalar_float(call->attribute[0]),
                                              scalar_float(1 - call->attribute[0])}});
}

/* A step that counts and one that does not. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    pdessm_case_set_flat(k, size, AVERAGE, PDESSM_FILL_NORMAL, 1);
    pdessm_case_set_like(k, PARAMETER, AVERAGE, PDESSM_FILL_NORMAL, 1);
    PDESSM_SET(k, STATE, STATE, 1, 8);
    k->attribute[0] = pdessm_draw_real(k, 0.999, 0, 1);
}

const pdessm_descriptor pdessm_descriptor_ema = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, NULL},
    .launch = {launch_forward, NULL},
    .draw = draw,
};
