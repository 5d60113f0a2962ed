/* SPDX-License-Identifier: MIT */
/* error_norm.c: norm [1] = root mean square of error / (atol + rtol max(|x|, |y|)). */
#include "ops/op_support.h"

enum { ERROR, X, Y, NORM };
enum { ATOL, RTOL };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(expect_like(ctx, call, X, ERROR));
    PDESSM_TRY(expect_like(ctx, call, Y, ERROR));
    PDESSM_REQUIRE(ctx,
                   call->attribute[ATOL] >= 0 && call->attribute[RTOL] >= 0 &&
                       call->attribute[ATOL] + call->attribute[RTOL] > 0,
                   PDESSM_ERROR_ARGUMENT,
                   "error_norm: atol %g and rtol %g: expected numbers from 0, not both 0",
                   call->attribute[ATOL], call->attribute[RTOL]);
    ret[NORM] = float_shape(1, (const int64_t[]){1});
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, ERROR);
    *ret = (pdessm_cost){.flops = 8 * n, .bytes = 12 * n};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->error_norm_forward(host->pool, count(call, ERROR), call->attribute[ATOL],
                                       call->attribute[RTOL], data(call, ERROR), data(call, X),
                                       data(call, Y), data(call, NORM));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_sum(launcher, call, count(call, ERROR), "error_norm_part", "error_norm_total",
                      call->attribute, 2);
}

/* Tolerances of either kind alone and together. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    pdessm_case_set_any(k, size, ERROR, 1e-4, 4);
    pdessm_case_set_like(k, X, ERROR, PDESSM_FILL_NORMAL, 1);
    pdessm_case_set_like(k, Y, ERROR, PDESSM_FILL_NORMAL, 1);
    int only = (int)pdessm_draw_whole(k, 2, 0, 2);
    k->attribute[ATOL] = only == 1 ? 0 : pdessm_draw_real(k, 1e-3, 1e-6, 1e-4);
    k->attribute[RTOL] = only == 0 ? 0 : pdessm_draw_real(k, 1e-3, 1e-6, 1e-4);
}

const pdessm_descriptor pdessm_descriptor_error_norm = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, NULL},
    .launch = {launch_forward, NULL},
    .draw = draw,
};
