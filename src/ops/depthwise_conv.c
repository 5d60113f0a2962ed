/* SPDX-License-Identifier: MIT */
/* depthwise_conv.c: u [B, H, W, C] by a window weight [C, 3, 3] of each channel, plus bias [C];
 * zero outside of the image. */
#include "ops/op_support.h"

enum { U, WEIGHT, BIAS, Y };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    const pdessm_tensor *u = call->operand[U];
    pdessm_status status = PDESSM_OK;
    if (u->rank != 4)
        return refuse_shape(ctx, call, U, "[batch, height, width, channels]");
    PDESSM_TRY(expect_shape(ctx, call, WEIGHT, 3, (const int64_t[]){u->dims[3], 3, 3},
                            "a window of 3 x 3 for each channel"));
    if (call->operand[BIAS])
        PDESSM_TRY(expect_shape(ctx, call, BIAS, 1, &u->dims[3], "the channels of u"));
    ret[Y] = shape_of(u);
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    const int64_t *d = call->operand[U]->dims;
    double n = (double)count(call, U);
    int back = call->pass == PDESSM_BACKWARD, inputs = !back || call->gradient[U] != NULL;
    int sums = back && (call->gradient[WEIGHT] || call->gradient[BIAS]);
    *ret = (pdessm_cost){.flops = n * (18 * inputs + 19 * sums),
                         .bytes = n * 8 * (inputs + sums),
                         .host_scratch = host->fallback->depthwise_conv_scratch(
                             host->pool, d[0], d[1], d[2], d[3], back)};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[U]->dims;
    host->fallback->depthwise_conv_forward(host->pool, d[0], d[1], d[2], d[3], data(call, U),
                                           data(call, WEIGHT), data(call, BIAS), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[U]->dims;
    host->fallback->depthwise_conv_backward(host->pool, d[0], d[1], d[2], d[3], data(call, U),
                                            data(call, WEIGHT), grad(call, Y), grad(call, U),
                                            adds(call, U), grad(call, WEIGHT), adds(call, WEIGHT),
                                            grad(call, BIAS), adds(call, BIAS));
    return PDESSM_OK;
}

/* One item for each channel (sixteen on CPUs) and pixel (image on CPUs). */
static pdessm_status launch_images(const pdessm_call *call, const pdessm_launcher *launcher,
                                   const char *name) {
    const int64_t *d = call->operand[U]->dims;
    int cpu = cpu_form(launcher);
    return launch(launcher, call,
                  &(pdessm_kernel){.name = name,
                                   .dims = 2,
                                   .global = {(size_t)(cpu ? (d[3] + 15) / 16 : d[3]),
                                              (size_t)(cpu ? d[0] : d[0] * d[1] * d[2])},
                                   .scalar_count = 4,
                                   .scalar = {scalar_int(d[0]), scalar_int(d[1]), scalar_int(d[2]),
                                              scalar_int(d[3])}});
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_images(call, launcher, "depthwise_conv_forward");
}

static pdessm_status launch_sums(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    const int64_t *d = call->operand[U]->dims;
    int64_t pixels = d[0] * d[1] * d[2], sums = 10 * d[3];
    device_columns plan = plan_columns(launcher, 1, pixels, d[3], 10);
    pdessm_kernel kernel = {.name = "depthwise_conv_sums",
                            .dims = 2,
                            .global = {plan.items, (size_t)plan.pieces},
                            .scratch_bytes = plan.scratch_bytes,
                            .scalar_count = 5,
                            .scalar = {scalar_int(pixels), scalar_int(d[1]), scalar_int(d[2]),
                                       scalar_int(d[3]), scalar_int(plan.piece)}};
    PDESSM_TRY(launch(launcher, call, &kernel));
    kernel.name = "depthwise_conv_totals";
    kernel.dims = 1;
    kernel.global[0] = (size_t)sums;
    kernel.scalar_count = 3;
    kernel.scalar[0] = scalar_int(sums);
    kernel.scalar[1] = scalar_int(d[3]);
    kernel.scalar[2] = scalar_int(plan.pieces);
    PDESSM_TRY(launch(launcher, call, &kernel));
out:
    return status;
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    if (call->gradient[U])
        PDESSM_TRY(launch_images(call, launcher, "depthwise_conv_backward_u"));
    if (call->gradient[WEIGHT] || call->gradient[BIAS])
        PDESSM_TRY(launch_sums(call, launcher));
out:
    return status;
}

/* Grids down to one pixel, one row, one column; channels around a vector. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    const int large = pdessm_draw_whole(k, 0, 0, 3) == 3;
    int64_t b = pdessm_draw_extent(k, size->batch, 1, large ? 2 : 5);
    int64_t h = pdessm_draw_extent(k, size->height, 1, large ? 20 : 9);
    int64_t w = pdessm_draw_extent(k, size->width, 1, large ? 20 : 9);
    int64_t c = pdessm_draw_extent(k, size->channels, 1, large ? 20 : h * w > 20 ? 40 : 300);
    PDESSM_SET(k, U, NORMAL, 1, b, h, w, c);
    PDESSM_SET(k, WEIGHT, NORMAL, 1, c, 3, 3);
    if (pdessm_draw_coin(k, 1))
        PDESSM_SET(k, BIAS, NORMAL, 1, c);
    k->terms = 9 + b * h * w;
}

const pdessm_descriptor pdessm_descriptor_depthwise_conv = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_depthwise_conv(pdessm_tape *tape, pdessm_tensor *u, pdessm_tensor *weight,
                                     pdessm_tensor *bias) {
    return RECORD(depthwise_conv, u, weight, bias);
}
