/* SPDX-License-Identifier: MIT */
/* dropout.c: x [rows, channels], where each element is kept or not by a number that depends on the
 * name of its row (node [rows]), its channel, the layer, and clock [3]: the seed's low and high
 * half, and the step. So a row is treated alike in whatever selection of rows it stands. To rectify
 * is to apply ReLU too: then y alone says where gradients go, and nothing but y is kept. */
#include "ops/op_support.h"

enum { X, NODE, CLOCK, Y };
enum { RATE, LAYER, RECTIFY };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    const pdessm_tensor *x = call->operand[X];
    const double rate = call->attribute[RATE], layer = call->attribute[LAYER];
    if (x->rank != 2 || x->dims[1] > 1 << 18)
        return refuse_shape(ctx, call, X, "[rows, channels] with at most 2^18 channels");
    PDESSM_TRY(expect_shape(ctx, call, NODE, 1, x->dims, "the rows of x"));
    PDESSM_TRY(expect_shape(ctx, call, CLOCK, 1, (const int64_t[]){3}, "seed and step"));
    PDESSM_REQUIRE(ctx, rate >= 0 && rate < 1, PDESSM_ERROR_ARGUMENT,
                   "dropout: attribute rate is %g, expected at least 0 and less than 1", rate);
    PDESSM_REQUIRE(ctx, layer >= 0 && layer < 1 << 16 && layer == (double)(int)layer,
                   PDESSM_ERROR_ARGUMENT,
                   "dropout: attribute layer is %g, expected a whole number below 2^16", layer);
    ret[Y] = shape_of(x);
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, X);
    *ret = (pdessm_cost){.flops = 20 * n, .bytes = 8 * n};
}

/* The first block of a layer's numbers; 2^16 blocks of four are a layer's own. */
static uint32_t first_block(const pdessm_call *call) {
    return (uint32_t)call->attribute[LAYER] << 16;
}

static pdessm_dropout_job job_of(const pdessm_call *call) {
    const int64_t *d = call->operand[X]->dims;
    return (pdessm_dropout_job){.rows = d[0],
                                .channels = d[1],
                                .rate = (float)call->attribute[RATE],
                                .rectify = call->attribute[RECTIFY] != 0,
                                .first_block = first_block(call),
                                .node = pdessm_tensor_host(call->operand[NODE]),
                                .clock = pdessm_tensor_host(call->operand[CLOCK])};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    const pdessm_dropout_job job = job_of(call);
    host->fallback->dropout_forward(host->pool, &job, data(call, X), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    const pdessm_dropout_job job = job_of(call);
    if (call->gradient[X])
        host->fallback->dropout_backward(host->pool, &job, data(call, Y), grad(call, Y),
                                         grad(call, X), adds(call, X));
    return PDESSM_OK;
}

static pdessm_status launch_rows(const pdessm_call *call, const pdessm_launcher *launcher,
                                 const char *name) {
    const int64_t *d = call->operand[X]->dims;
    return launch(launcher, call,
                  &(pdessm_kernel){.name = name,
                                   .dims = 2,
                                   .global = {(size_t)((d[1] + 3) / 4), (size_t)d[0]},
                                   .scalar_count = 4,
                                   .scalar = {scalar_int(d[1]), scalar_uint(first_block(call)),
                                              scalar_float(call->attribute[RATE]),
                                              scalar_int(call->attribute[RECTIFY] != 0)}});
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_rows(call, launcher, "dropout_forward");
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return call->gradient[X] ? launch_rows(call, launcher, "dropout_backward") : PDESSM_OK;
}

/* Where nothing is rectified the numbers are drawn again. */
static int needs(const pdessm_call *call, int i) {
    return i != Y || call->attribute[RECTIFY] != 0;
}

/* Rows by any names, more than one of a name, and rates from none to nearly all. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    int64_t rows = pdessm_draw_extent(k, size->batch * pdessm_case_tokens(size), 1, 100);
    int64_t nodes = pdessm_draw_coin(k, 1) ? 2000001 : 6;
    PDESSM_SET(k, X, NORMAL, 2, rows, pdessm_draw_extent(k, size->channels, 1, 300));
    PDESSM_SET(k, NODE, INDEX, (double)nodes, rows);
    PDESSM_SET(k, CLOCK, INDEX, 100101, 3);
    k->operand[CLOCK].offset = -100;
    k->attribute[RATE] = pdessm_draw_coin(k, 0) ? 0 : pdessm_draw_real(k, 0.3, 0, 0.95);
    k->attribute[LAYER] = (double)pdessm_draw_extent(k, 0, 0, 65535);
    k->attribute[RECTIFY] = pdessm_draw_coin(k, 1);
}

const pdessm_descriptor pdessm_descriptor_dropout = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .needs = needs,
    .draw = draw,
};

pdessm_tensor *pdessm_dropout(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *node,
                              pdessm_tensor *clock, double rate, int layer, int rectify) {
    return RECORD_WITH(dropout, ATTRIBUTES(rate, layer, rectify), x, node, clock);
}
