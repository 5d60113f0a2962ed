/* SPDX-License-Identifier: MIT */
/* unpatchify.c: tokens [batch, tokens, p p channels] to image [batch, channels, height, width], a
 * patch flattened as (y, x, channel); tokens in row order. */
#include "ops/op_support.h"

enum { TOKENS, IMAGE };
enum { PATCH, HEIGHT, WIDTH };

static int64_t whole(const pdessm_call *call, int attribute) {
    return (int64_t)call->attribute[attribute];
}

static int64_t channels(const pdessm_call *call) {
    return pdessm_extent(call->operand[TOKENS], 1) / (whole(call, PATCH) * whole(call, PATCH));
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    if (call->operand[TOKENS]->rank != 3)
        return refuse_shape(ctx, call, TOKENS, "[batch, tokens, patch patch channels]");
    const int64_t *d = call->operand[TOKENS]->dims;
    for (int i = PATCH; i <= WIDTH; i++)
        PDESSM_REQUIRE(ctx,
                       call->attribute[i] >= 1 && call->attribute[i] <= 0x1p20 &&
                           call->attribute[i] == (double)whole(call, i),
                       PDESSM_ERROR_ARGUMENT,
                       "unpatchify: attribute %s is %g, expected a whole number from 1 to 2^20",
                       i == PATCH    ? "patch"
                       : i == HEIGHT ? "height"
                                     : "width",
                       call->attribute[i]);
    int64_t p = whole(call, PATCH), h = whole(call, HEIGHT), w = whole(call, WIDTH);
    PDESSM_REQUIRE(ctx, h % p == 0 && w % p == 0 && d[1] == h / p * (w / p) && d[2] % (p * p) == 0,
                   PDESSM_ERROR_SHAPE,
                   "unpatchify: operand tokens is %s, which is no image of %lld x %lld in patches "
                   "of %lld: expected [batch, height width / patch^2, patch^2 channels]",
                   pdessm_tensor_shape(call->operand[TOKENS]).text, (long long)h, (long long)w,
                   (long long)p);
    ret[IMAGE] = float_shape(4, (const int64_t[]){d[0], channels(call), h, w});
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    *ret = (pdessm_cost){.bytes = 8 * (double)count(call, TOKENS)};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->unpatchify_forward(host->pool, call->operand[TOKENS]->dims[0], channels(call),
                                       whole(call, HEIGHT), whole(call, WIDTH), whole(call, PATCH),
                                       data(call, TOKENS), data(call, IMAGE));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    if (call->gradient[TOKENS])
        host->fallback->unpatchify_backward(host->pool, call->operand[TOKENS]->dims[0],
                                            channels(call), whole(call, HEIGHT), whole(call, WIDTH),
                                            whole(call, PATCH), grad(call, IMAGE),
                                            grad(call, TOKENS), adds(call, TOKENS));
    return PDESSM_OK;
}

static pdessm_status launch_any(const pdessm_call *call, const pdessm_launcher *launcher,
                                const char *name) {
    int64_t n = count(call, TOKENS);
    return launch_integers(launcher, call, name, n, 5,
                           (const int64_t[]){n, channels(call), whole(call, HEIGHT),
                                             whole(call, WIDTH), whole(call, PATCH)});
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_any(call, launcher, "unpatchify_forward");
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return call->gradient[TOKENS] ? launch_any(call, launcher, "unpatchify_backward") : PDESSM_OK;
}

/* Patches from 1 pixel to the whole image. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    int64_t p = pdessm_draw_extent(k, 2, 1, 8);
    int64_t rows = pdessm_draw_extent(k, size->height, 1, 6);
    int64_t columns = pdessm_draw_extent(k, size->width, 1, 6);
    int64_t channels = pdessm_draw_extent(k, pdessm_case_image_channels(size), 1, 4);
    PDESSM_SET(k, TOKENS, NORMAL, 1, pdessm_draw_extent(k, size->batch, 1, 4), rows * columns,
               p * p * channels);
    k->attribute[PATCH] = (double)p;
    k->attribute[HEIGHT] = (double)(rows * p);
    k->attribute[WIDTH] = (double)(columns * p);
}

const pdessm_descriptor pdessm_descriptor_unpatchify = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_unpatchify(pdessm_tape *tape, pdessm_tensor *tokens, int patch,
                                 int64_t height, int64_t width) {
    return RECORD_WITH(unpatchify, ATTRIBUTES(patch, (double)height, (double)width), tokens);
}
