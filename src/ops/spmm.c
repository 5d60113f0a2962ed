/* SPDX-License-Identifier: MIT */
/* spmm.c: y = A x with a sparse matrix whose pattern is symmetric. The pattern is in compressed
 * rows: start [nodes + 1], column [edges]; edge e of row i is (i, column[e]), and reverse[e] is the
 * edge (column[e], i), which makes the transposed product one of the same pattern. weight [edges]
 * or [edges, heads] holds the values, without it they are 1; with heads, channels are cut into as
 * many blocks. */
#include "ops/op_support.h"

enum { X, WEIGHT, START, COLUMN, REVERSE, Y };

static pdessm_status check_weight(pdessm_context *ctx, const pdessm_call *call) {
    const pdessm_tensor *weight = call->operand[WEIGHT];
    const int64_t edges = call->operand[COLUMN]->dims[0], channels = call->operand[X]->dims[1];
    if (!weight)
        return PDESSM_OK;
    if (weight->rank < 1 || weight->rank > 2 || weight->dims[0] != edges)
        return refuse_shape(ctx, call, WEIGHT, "[edges] or [edges, heads]");
    if (weight->rank == 2 && channels % weight->dims[1] != 0)
        return pdessm_fail(ctx, PDESSM_ERROR_SHAPE,
                           "spmm: the %lld channels of x cannot be cut into %lld heads",
                           (long long)channels, (long long)weight->dims[1]);
    return PDESSM_OK;
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    const pdessm_tensor *x = call->operand[X];
    if (x->rank != 2)
        return refuse_shape(ctx, call, X, "[nodes, channels]");
    PDESSM_TRY(expect_shape(ctx, call, START, 1, (const int64_t[]){x->dims[0] + 1},
                            "one more than the nodes of x"));
    if (call->operand[COLUMN]->rank != 1)
        return refuse_shape(ctx, call, COLUMN, "[edges]");
    PDESSM_TRY(expect_like(ctx, call, REVERSE, COLUMN));
    PDESSM_TRY(check_weight(ctx, call));
    ret[Y] = shape_of(x);
out:
    return status;
}

static int64_t heads(const pdessm_call *call) {
    const pdessm_tensor *weight = call->operand[WEIGHT];
    return weight && weight->rank == 2 ? weight->dims[1] : 1;
}

static pdessm_spmm_job job_of(const pdessm_call *call) {
    return (pdessm_spmm_job){.nodes = call->operand[X]->dims[0],
                             .channels = call->operand[X]->dims[1],
                             .edges = call->operand[COLUMN]->dims[0],
                             .heads = heads(call),
                             .start = pdessm_tensor_host(call->operand[START]),
                             .column = pdessm_tensor_host(call->operand[COLUMN]),
                             .reverse = pdessm_tensor_host(call->operand[REVERSE])};
}

/* Reads of x are counted once for each edge: how many of them a cache serves depends on the graph.
 */
static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double products = (double)count(call, COLUMN) * (double)call->operand[X]->dims[1];
    double passes = 1;
    if (call->pass == PDESSM_BACKWARD)
        passes = (call->gradient[X] != NULL) + (call->gradient[WEIGHT] != NULL);
    *ret = (pdessm_cost){.flops = 2 * products * passes,
                         .bytes = 4 * passes * (products + (double)count(call, X))};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    pdessm_spmm_job job = job_of(call);
    host->fallback->spmm_forward(host->pool, &job, data(call, X), data(call, WEIGHT),
                                 data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    pdessm_spmm_job job = job_of(call);
    if (call->gradient[X])
        host->fallback->spmm_backward(host->pool, &job, data(call, WEIGHT), grad(call, Y),
                                      grad(call, X), adds(call, X));
    if (call->gradient[WEIGHT])
        host->fallback->spmm_weight(host->pool, &job, data(call, X), grad(call, Y),
                                    grad(call, WEIGHT), adds(call, WEIGHT));
    return PDESSM_OK;
}

static pdessm_status launch_nodes(const pdessm_call *call, const pdessm_launcher *launcher,
                                  const char *name, int64_t items) {
    const int64_t *d = call->operand[X]->dims;
    return launch(
        launcher, call,
        &(pdessm_kernel){.name = name,
                         .dims = 2,
                         .global = {(size_t)items, (size_t)d[0]},
                         .scalar_count = 4,
                         .scalar = {scalar_int(d[0]), scalar_int(d[1]),
                                    scalar_int(count(call, COLUMN)), scalar_int(heads(call))}});
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_nodes(call, launcher, "spmm_forward", call->operand[X]->dims[1]);
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    if (call->gradient[X])
        PDESSM_TRY(launch_nodes(call, launcher, "spmm_backward", call->operand[X]->dims[1]));
    if (call->gradient[WEIGHT])
        PDESSM_TRY(launch_nodes(call, launcher, "spmm_weight", heads(call)));
out:
    return status;
}

/* Weights that are no parameters need no x. */
static int needs(const pdessm_call *call, int i) {
    return i != X || call->gradient[WEIGHT];
}

/* Sparse and full patterns, rings, isolated nodes, a node joined to itself; values or none, one for
 * each head or for all channels. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    const int ring = pdessm_draw_coin(k, 1), headed = pdessm_draw_coin(k, 0);
    int64_t nodes =
        pdessm_draw_extent(k, size->batch * pdessm_case_tokens(size), 1, ring ? 300 : 40);
    int64_t heads = pdessm_draw_extent(k, 1, 1, 4);
    int64_t c = heads * pdessm_draw_extent(k, size->channels, 1, ring ? 30 : 150);
    pdessm_case_pattern pattern = {.nodes = nodes, .chance = pdessm_draw_real(k, 0, 0, 0.5)};
    pattern.degree = ring ? 1 + 2 * pdessm_draw_whole(k, PDESSM_CASE_DEGREE / 2, 0, 8) : 0;
    PDESSM_SET(k, X, NORMAL, 1, nodes, c);
    int64_t edges = pdessm_case_set_pattern(k, START, pattern);
    if (pdessm_draw_coin(k, 1))
        pdessm_case_set(k, WEIGHT, PDESSM_FILL_NORMAL, 1, headed ? 2 : 1,
                        (int64_t[]){edges, heads});
    k->terms = ring ? pattern.degree : nodes;
    k->terms = c > k->terms ? c : k->terms;
}

const pdessm_descriptor pdessm_descriptor_spmm = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .needs = needs,
    .draw = draw,
};

pdessm_tensor *pdessm_spmm(pdessm_tape *tape, const pdessm_pattern *pattern, pdessm_tensor *weight,
                           pdessm_tensor *x) {
    return RECORD(spmm, x, weight, pattern->start, pattern->column, pattern->reverse);
}
