/* SPDX-License-Identifier: MIT */
/* patchify.c: image [batch, channels, height, width] to patches [batch, tokens, channels p p], a
 * patch flattened as (channel, y, x); tokens in row order. */
#include "ops/op_support.h"

enum { IMAGE, PATCHES };

static int64_t patch(const pdessm_call *call) {
    return (int64_t)call->attribute[0];
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    if (call->operand[IMAGE]->rank != 4)
        return refuse_shape(ctx, call, IMAGE, "[batch, channels, height, width]");
    const int64_t *d = call->operand[IMAGE]->dims;
    double p = call->attribute[0];
    PDESSM_REQUIRE(ctx,
                   p >= 1 && p <= (double)d[2] && p <= (double)d[3] && p == (double)patch(call) &&
                       d[2] % patch(call) == 0 && d[3] % patch(call) == 0,
                   PDESSM_ERROR_ARGUMENT,
                   "patchify: an image of %lld x %lld cannot be cut into patches of %g: give a "
                   "whole number that divides both",
                   (long long)d[2], (long long)d[3], p);
    int64_t q = patch(call);
    ret[PATCHES] = float_shape(3, (const int64_t[]){d[0], d[2] / q * (d[3] / q), d[1] * q * q});
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    *ret = (pdessm_cost){.bytes = 8 * (double)count(call, IMAGE)};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[IMAGE]->dims;
    host->fallback->patchify_forward(host->pool, d[0], d[1], d[2], d[3], patch(call),
                                     data(call, IMAGE), data(call, PATCHES));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[IMAGE]->dims;
    if (call->gradient[IMAGE])
        host->fallback->patchify_backward(host->pool, d[0], d[1], d[2], d[3], patch(call),
                                          grad(call, PATCHES), grad(call, IMAGE),
                                          adds(call, IMAGE));
    return PDESSM_OK;
}

static pdessm_status launch_any(const pdessm_call *call, const pdessm_launcher *launcher,
                                const char *name) {
    const int64_t *d = call->operand[IMAGE]->dims;
    return launch_integers(launcher, call, name, count(call, IMAGE), 5,
                           (const int64_t[]){count(call, IMAGE), d[1], d[2], d[3], patch(call)});
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_any(call, launcher, "patchify_forward");
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return call->gradient[IMAGE] ? launch_any(call, launcher, "patchify_backward") : PDESSM_OK;
}

/* Patches from 1 pixel to the whole image. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    int64_t p = pdessm_draw_extent(k, 2, 1, 8);
    PDESSM_SET(k, IMAGE, NORMAL, 1, pdessm_draw_extent(k, size->batch, 1, 4),
               pdessm_draw_extent(k, pdessm_case_image_channels(size), 1, 4),
               p * pdessm_draw_extent(k, size->height, 1, 6),
               p * pdessm_draw_extent(k, size->width, 1, 6));
    k->attribute[0] = (double)p;
}

const pdessm_descriptor pdessm_descriptor_patchify = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_patchify(pdessm_tape *tape, pdessm_tensor *image, int patch) {
    return RECORD_WITH(patchify, ATTRIBUTES(patch), image);
}
