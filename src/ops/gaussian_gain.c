/* SPDX-License-Identifier: MIT */
/* gaussian_gain.c: t [batch] to a [batch, width], a(t) = (2t - 1) / ((1 - t)^2 + t^2). The widest
 * float32 error is that of 1 - t and t - (1 - t), both exact to half a unit for t in [0, 1]. */
#include "ops/op_support.h"

enum { T, A };

static int64_t width(const pdessm_call *call) {
    return (int64_t)call->attribute[0];
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    double asked = call->attribute[0];
    if (call->operand[T]->rank != 1)
        return refuse_shape(ctx, call, T, "[batch]");
    PDESSM_REQUIRE(
        ctx, asked >= 1 && asked <= 0x1p20 && asked == (double)width(call), PDESSM_ERROR_ARGUMENT,
        "gaussian_gain: attribute width is %g, expected a whole number from 1 to 2^20", asked);
    ret[A] = float_shape(2, (const int64_t[]){call->operand[T]->dims[0], width(call)});
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)(count(call, T) * width(call));
    *ret = (pdessm_cost){.flops = 6 * n, .bytes = 8 * n};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->gaussian_gain_forward(host->pool, count(call, T), width(call), data(call, T),
                                          data(call, A));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    int64_t n = count(call, T) * width(call);
    return launch_integers(launcher, call, "gaussian_gain_forward", n, 2,
                           (const int64_t[]){n, width(call)});
}

/* Times in [0, 1], its ends and its middle among them. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    PDESSM_SET(k, T, UNIFORM, 1, pdessm_draw_extent(k, size->batch, 1, 100));
    k->attribute[0] = (double)pdessm_draw_extent(k, 2 * size->width, 1, 300);
}

const pdessm_descriptor pdessm_descriptor_gaussian_gain = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, NULL},
    .launch = {launch_forward, NULL},
    .draw = draw,
};

pdessm_tensor *pdessm_gaussian_gain(pdessm_tape *tape, pdessm_tensor *t, int64_t width) {
    return RECORD_WITH(gaussian_gain, ATTRIBUTES((double)width), t);
}
