/* SPDX-License-Identifier: MIT */
/* corner.c: u [B, H, W, C] to y [B, height, width, C] with the first rows and columns in common;
 * zero where u has none. Padding, cropping, and the adjoint of either. */
#include "ops/op_support.h"

enum { U, Y };
enum { HEIGHT, WIDTH };

static int64_t whole(const pdessm_call *call, int attribute) {
    return (int64_t)call->attribute[attribute];
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    if (call->operand[U]->rank != 4)
        return refuse_shape(ctx, call, U, "[batch, height, width, channels]");
    const int64_t *d = call->operand[U]->dims;
    for (int i = HEIGHT; i <= WIDTH; i++)
        PDESSM_REQUIRE(ctx,
                       call->attribute[i] >= 1 && call->attribute[i] <= 0x1p20 &&
                           call->attribute[i] == (double)whole(call, i),
                       PDESSM_ERROR_ARGUMENT,
                       "corner: attribute %s is %g, expected a whole number from 1 to 2^20",
                       i == HEIGHT ? "height" : "width", call->attribute[i]);
    ret[Y] = float_shape(4, (const int64_t[]){d[0], whole(call, HEIGHT), whole(call, WIDTH), d[3]});
out:
    return status;
}

/* Elements of y. */
static int64_t outputs(const pdessm_call *call) {
    const int64_t *d = call->operand[U]->dims;
    return d[0] * whole(call, HEIGHT) * whole(call, WIDTH) * d[3];
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    *ret = (pdessm_cost){.bytes = 4 * (double)(count(call, U) + outputs(call))};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[U]->dims, to[] = {whole(call, HEIGHT), whole(call, WIDTH)};
    host->fallback->corner_forward(host->pool, d[0], d + 1, to, data(call, U), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[U]->dims, to[] = {whole(call, HEIGHT), whole(call, WIDTH)};
    if (call->gradient[U])
        host->fallback->corner_backward(host->pool, d[0], d + 1, to, grad(call, Y), grad(call, U),
                                        adds(call, U));
    return PDESSM_OK;
}

static pdessm_status launch_pass(const pdessm_call *call, const pdessm_launcher *launcher) {
    const int64_t *d = call->operand[U]->dims;
    int back = call->pass == PDESSM_BACKWARD;
    int64_t n = back ? count(call, U) : outputs(call);
    if (back && !call->gradient[U])
        return PDESSM_OK;
    return launch_integers(
        launcher, call, back ? "corner_backward" : "corner_forward", n, 6,
        (const int64_t[]){n, d[1], d[2], whole(call, HEIGHT), whole(call, WIDTH), d[3]});
}

/* Larger or smaller in either direction. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    int64_t b = pdessm_draw_extent(k, size->batch, 1, 4);
    int64_t h = pdessm_draw_extent(k, size->height, 1, 9);
    int64_t w = pdessm_draw_extent(k, size->width, 1, 9);
    PDESSM_SET(k, U, NORMAL, 1, b, h, w, pdessm_draw_extent(k, size->channels, 1, 40));
    /* A network pads for a convolution that does not wrap around. */
    k->attribute[HEIGHT] = (double)pdessm_draw_extent(k, 2 * size->height, 1, 14);
    k->attribute[WIDTH] = (double)pdessm_draw_extent(k, 2 * size->width, 1, 14);
}

const pdessm_descriptor pdessm_descriptor_corner = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_pass, launch_pass},
    .draw = draw,
};

pdessm_tensor *pdessm_corner(pdessm_tape *tape, pdessm_tensor *u, int64_t height, int64_t width) {
    return RECORD_WITH(corner, ATTRIBUTES((double)height, (double)width), u);
}
