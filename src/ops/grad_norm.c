/* SPDX-License-Identifier: MIT */
/* grad_norm.c: norm of the whole gradient, clipping factor, and whether the step counts. The state
 * stays on the device, so that a step need not wait for the host:
 *   [0] norm          [1] factor min(1, clip/norm), 0 when not ok     [2] ok: norm and loss finite
 *   [3] bad steps in a row    [4] bad steps in total
 *   [5] sum of the losses of good steps    [6] number of these    [7] last loss
 * The host zeroes [5] and [6] when it has read them. */
#include "ops/op_support.h"

enum { GRADIENT, LOSS, STATE };
enum { STATE_SIZE = 8 };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    (void)ret;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(expect_shape(ctx, call, LOSS, 1, (const int64_t[]){1}, "one number"));
    PDESSM_TRY(
        expect_shape(ctx, call, STATE, 1, (const int64_t[]){STATE_SIZE}, "the optimiser's state"));
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, GRADIENT);
    *ret = (pdessm_cost){.flops = 2 * n, .bytes = 4 * n};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->grad_norm_forward(host->pool, count(call, GRADIENT), data(call, GRADIENT),
                                      data(call, LOSS), (float)call->attribute[0],
                                      data(call, STATE));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_sum(launcher, call, count(call, GRADIENT), "grad_norm_part", "grad_norm_total",
                      call->attribute, 1);
}

/* Clipped and not clipped. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    pdessm_case_set_flat(k, size, GRADIENT, PDESSM_FILL_NORMAL, pdessm_draw_real(k, 1, 0.001, 1));
    PDESSM_SET(k, LOSS, NORMAL, 1, 1);
    PDESSM_SET(k, STATE, STATE, 1, STATE_SIZE);
    k->attribute[0] = pdessm_draw_real(k, 1, -1, 3);
}

const pdessm_descriptor pdessm_descriptor_grad_norm = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, NULL},
    .launch = {launch_forward, NULL},
    .draw = draw,
};
