/* SPDX-License-Identifier: MIT */
/* edge_softmax.c: attention over edges: y [edges, heads], over the edges (i, j) of row i the
 * softmax of leaky(left[i] + right[j]); left, right [nodes, heads], pattern as in spmm.c. */
#include <math.h>

#include "ops/op_support.h"

enum { LEFT, RIGHT, START, COLUMN, REVERSE, Y };
enum { SLOPE };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    const pdessm_tensor *left = call->operand[LEFT];
    if (left->rank != 2)
        return refuse_shape(ctx, call, LEFT, "[nodes, heads]");
    PDESSM_TRY(expect_like(ctx, call, RIGHT, LEFT));
    PDESSM_TRY(expect_shape(ctx, call, START, 1, (const int64_t[]){left->dims[0] + 1},
                            "one more than the nodes of left"));
    if (call->operand[COLUMN]->rank != 1)
        return refuse_shape(ctx, call, COLUMN, "[edges]");
    PDESSM_TRY(expect_like(ctx, call, REVERSE, COLUMN));
    PDESSM_REQUIRE(ctx, isfinite(call->attribute[SLOPE]), PDESSM_ERROR_ARGUMENT,
                   "edge_softmax: attribute slope is not finite");
    ret[Y] = float_shape(2, (const int64_t[]){call->operand[COLUMN]->dims[0], left->dims[1]});
out:
    return status;
}

static pdessm_spmm_job job_of(const pdessm_call *call) {
    return (pdessm_spmm_job){.nodes = call->operand[LEFT]->dims[0],
                             .channels = call->operand[LEFT]->dims[1],
                             .edges = call->operand[COLUMN]->dims[0],
                             .heads = call->operand[LEFT]->dims[1],
                             .start = pdessm_tensor_host(call->operand[START]),
                             .column = pdessm_tensor_host(call->operand[COLUMN]),
                             .reverse = pdessm_tensor_host(call->operand[REVERSE])};
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, COLUMN) * (double)call->operand[LEFT]->dims[1];
    int back = call->pass == PDESSM_BACKWARD;
    *ret = (pdessm_cost){.flops = n * (back ? 12 : 24), .bytes = 4 * n * (back ? 5 : 3)};
    if (back) /* one number for each node and head, all in the scratch of one worker */
        ret->host_scratch = (size_t)count(call, LEFT) * sizeof(float);
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    pdessm_spmm_job job = job_of(call);
    host->fallback->edge_softmax_forward(host->pool, &job, (float)call->attribute[SLOPE],
                                         data(call, LEFT), data(call, RIGHT), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    pdessm_spmm_job job = job_of(call);
    host->fallback->edge_softmax_backward(
        host->pool, &job, (float)call->attribute[SLOPE],
        (const float *const[4]){data(call, LEFT), data(call, RIGHT), data(call, Y), grad(call, Y)},
        (float *const[2]){grad(call, LEFT), grad(call, RIGHT)}, call->accumulate);
    return PDESSM_OK;
}

static pdessm_status launch_rows(const pdessm_call *call, const pdessm_launcher *launcher,
                                 const char *name, size_t scratch) {
    const int64_t *d = call->operand[LEFT]->dims;
    return launch(launcher, call,
                  &(pdessm_kernel){.name = name,
                                   .dims = 2,
                                   .global = {(size_t)d[1], (size_t)d[0]},
                                   .scratch_bytes = scratch,
                                   .scalar_count = 4,
                                   .scalar = {scalar_int(d[0]), scalar_int(d[1]),
                                              scalar_int(count(call, COLUMN)),
                                              scalar_float(call->attribute[SLOPE])}});
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_rows(call, launcher, "edge_softmax_forward", 0);
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    const size_t scratch = (size_t)count(call, LEFT) * sizeof(float);
    PDESSM_TRY(launch_rows(call, launcher, "edge_softmax_left", scratch));
    if (call->gradient[RIGHT])
        PDESSM_TRY(launch_rows(call, launcher, "edge_softmax_right", scratch));
out:
    return status;
}

/* One node, or enough for rows whose scores are of either sign: where all are of one, the gradient
 * of left is nothing but rounding, for a softmax does not see what its scores share. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    const int ring = pdessm_draw_coin(k, 1), one = pdessm_draw_whole(k, 1, 0, 9) == 0;
    int64_t most = ring ? 300 : PDESSM_CASE_MOST_NODES;
    int64_t nodes =
        pdessm_draw_extent(k, size->batch * pdessm_case_tokens(size), ring ? 40 : 12, most);
    int64_t heads = pdessm_draw_extent(k, 2, 1, 8);
    pdessm_case_pattern pattern = {.nodes = one && !ring ? 1 : nodes,
                                   .chance = pdessm_draw_real(k, 0, 0.3, 0.6)};
    pattern.degree = ring ? 1 + 2 * pdessm_draw_whole(k, PDESSM_CASE_DEGREE / 2, 3, 8) : 0;
    PDESSM_SET(k, LEFT, NORMAL, 1.5, pattern.nodes, heads);
    PDESSM_SET(k, RIGHT, NORMAL, 1.5, pattern.nodes, heads);
    /* Multiples of 1/64, those of right and 1/128 more: no sum is at the kink. */
    k->operand[LEFT].grid = k->operand[RIGHT].grid = 1 / 64.;
    k->operand[RIGHT].offset = 1 / 128.;
    pdessm_case_set_pattern(k, START, pattern);
    k->attribute[SLOPE] = pdessm_draw_coin(k, 1) ? 0.2 : pdessm_draw_real(k, 0, 0, 1);
    k->terms = ring ? pattern.degree : pattern.nodes;
    k->condition = 8;
}

const pdessm_descriptor pdessm_descriptor_edge_softmax = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_edge_softmax(pdessm_tape *tape, const pdessm_pattern *pattern,
                                   pdessm_tensor *left, pdessm_tensor *right, double slope) {
    return RECORD_WITH(edge_softmax, ATTRIBUTES(slope), left, right, pattern->start,
                       pattern->column, pattern->reverse);
}
