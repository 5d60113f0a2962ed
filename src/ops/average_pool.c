/* SPDX-License-Identifier: MIT */
/* average_pool.c: u [batch, channels, height, width] to y of half the side, each element the mean
 * of a 2 x 2 square times a gain. The mean of four independent normal numbers has deviation 1/2, so
 * gain 2 makes noise of noise. */
#include "ops/op_support.h"

enum { U, Y };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    if (call->operand[U]->rank != 4)
        return refuse_shape(ctx, call, U, "[batch, channels, height, width]");
    const int64_t *d = call->operand[U]->dims;
    PDESSM_REQUIRE(ctx, d[2] % 2 == 0 && d[3] % 2 == 0, PDESSM_ERROR_SHAPE,
                   "average_pool: an image of %lld x %lld has no half: expected an even height and "
                   "width",
                   (long long)d[2], (long long)d[3]);
    ret[Y] = float_shape(4, (const int64_t[]){d[0], d[1], d[2] / 2, d[3] / 2});
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    double n = (double)count(call, U);
    (void)host;
    *ret = (pdessm_cost){.flops = n, .bytes = 5 * n};
}

/* Rows of y over all images and channels. */
static int64_t rows(const pdessm_call *call) {
    const int64_t *d = call->operand[U]->dims;
    return d[0] * d[1] * (d[2] / 2);
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->average_pool_forward(host->pool, rows(call), call->operand[U]->dims[3] / 2,
                                         (float)call->attribute[0], data(call, U), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    if (call->gradient[U])
        host->fallback->average_pool_backward(host->pool, rows(call), call->operand[U]->dims[3] / 2,
                                              (float)call->attribute[0], grad(call, Y),
                                              grad(call, U), adds(call, U));
    return PDESSM_OK;
}

static pdessm_status launch_pass(const pdessm_call *call, const pdessm_launcher *launcher) {
    const int back = call->pass == PDESSM_BACKWARD;
    const int64_t n = back ? count(call, U) : count(call, U) / 4;
    pdessm_kernel kernel = {.name = back ? "average_pool_backward" : "average_pool_forward",
                            .dims = 1,
                            .global = {(size_t)n},
                            .scalar_count = 3,
                            .scalar = {scalar_int(n), scalar_int(call->operand[U]->dims[3] / 2),
                                       scalar_float(call->attribute[0])}};
    return back && !call->gradient[U] ? PDESSM_OK : launch(launcher, call, &kernel);
}

/* Any even extents, any gain. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    PDESSM_SET(k, U, NORMAL, 1, pdessm_draw_extent(k, size->batch, 1, 5),
               pdessm_draw_extent(k, pdessm_case_image_channels(size), 1, 4),
               2 * pdessm_draw_extent(k, size->height, 1, 20),
               2 * pdessm_draw_extent(k, size->width, 1, 40));
    k->attribute[0] = 0.5 * (double)pdessm_draw_extent(k, 2, 1, 4);
}

const pdessm_descriptor pdessm_descriptor_average_pool = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_pass, launch_pass},
    .draw = draw,
};

pdessm_tensor *pdessm_average_pool(pdessm_tape *tape, pdessm_tensor *u, double gain) {
    return RECORD_WITH(average_pool, ATTRIBUTES(gain), u);
}
