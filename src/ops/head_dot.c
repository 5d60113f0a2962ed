/* SPDX-License-Identifier: MIT */
/* head_dot.c: a number for each head of each row, y[i, h] = a[h] . x[i, block h]: x [rows,
 * channels], a [heads, channels / heads] -> y [rows, heads]. What graph attention makes its scores
 * of. */
#include "ops/op_support.h"

enum { X, A, Y };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    const pdessm_tensor *x = call->operand[X], *a = call->operand[A];
    if (x->rank != 2)
        return refuse_shape(ctx, call, X, "[rows, channels]");
    if (a->rank != 2 || a->dims[0] * a->dims[1] != x->dims[1])
        return refuse_shape(ctx, call, A, "[heads, channels of x / heads]");
    ret[Y] = float_shape(2, (const int64_t[]){x->dims[0], a->dims[0]});
    return PDESSM_OK;
}

static pdessm_head_dot_job job_of(const pdessm_call *call) {
    return (pdessm_head_dot_job){.rows = call->operand[X]->dims[0],
                                 .heads = call->operand[A]->dims[0],
                                 .width = call->operand[A]->dims[1]};
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    const pdessm_head_dot_job job = job_of(call);
    double n = (double)count(call, X), passes = 1;
    if (call->pass == PDESSM_BACKWARD)
        passes = (call->gradient[X] != NULL) + (call->gradient[A] != NULL);
    *ret = (pdessm_cost){.flops = 2 * n * passes, .bytes = 4 * n * passes};
    ret->host_scratch = host->fallback->head_dot_scratch(host->pool, &job);
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    const pdessm_head_dot_job job = job_of(call);
    host->fallback->head_dot_forward(host->pool, &job, data(call, X), data(call, A), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    const pdessm_head_dot_job job = job_of(call);
    if (call->gradient[X])
        host->fallback->head_dot_backward(host->pool, &job, data(call, A), grad(call, Y),
                                          grad(call, X), adds(call, X));
    if (call->gradient[A])
        host->fallback->head_dot_weight(host->pool, &job, data(call, X), grad(call, Y),
                                        grad(call, A), adds(call, A));
    return PDESSM_OK;
}

/* The gradient of a sums over pieces of rows into the scratch buffer [pieces, channels] first. */
static pdessm_status launch_over(const pdessm_call *call, const pdessm_launcher *launcher,
                                 const char *name, int64_t items, int64_t rows) {
    const pdessm_head_dot_job job = job_of(call);
    const int64_t channels = job.heads * job.width;
    const device_columns plan = plan_columns(launcher, 1, job.rows, channels, 1);
    return launch(launcher, call,
                  &(pdessm_kernel){
                      .name = name,
                      .dims = 2,
                      .global = {(size_t)items, (size_t)(rows > 0 ? rows : plan.pieces)},
                      .scratch_bytes = plan.scratch_bytes,
                      .scalar_count = 5,
                      .scalar = {scalar_int(job.rows), scalar_int(job.heads), scalar_int(job.width),
                                 scalar_int(plan.piece), scalar_int(plan.pieces)}});
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    const pdessm_head_dot_job job = job_of(call);
    return launch_over(call, launcher, "head_dot_forward", job.heads, job.rows);
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    const pdessm_head_dot_job job = job_of(call);
    const int64_t channels = job.heads * job.width;
    if (call->gradient[X])
        PDESSM_TRY(launch_over(call, launcher, "head_dot_backward", channels, job.rows));
    if (call->gradient[A]) {
        PDESSM_TRY(launch_over(call, launcher, "head_dot_pieces", channels, 0));
        PDESSM_TRY(launch_over(call, launcher, "head_dot_weight", channels, 1));
    }
out:
    return status;
}

/* Few rows and many, heads of one channel and of many. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    int64_t rows = pdessm_draw_extent(k, size->batch * pdessm_case_tokens(size), 1, 500);
    int64_t heads = pdessm_draw_extent(k, 2, 1, 6);
    int64_t width = pdessm_draw_extent(k, size->channels / 2, 1, 70);
    PDESSM_SET(k, X, NORMAL, 1, rows, heads * width);
    PDESSM_SET(k, A, NORMAL, 1, heads, width);
    k->terms = rows > width ? rows : width;
}

const pdessm_descriptor pdessm_descriptor_head_dot = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_head_dot(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *a) {
    return RECORD(head_dot, x, a);
}
