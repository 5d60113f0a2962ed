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

const pdessm_descriptor pdessm_descriptor_error_norm = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, NULL},
    .launch = {launch_forward, NULL},
};
