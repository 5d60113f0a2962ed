/* SPDX-License-Identifier: MIT */
/* batch_norm.c: y = weight (x - mean) / sqrt(variance + epsilon) + bias over the rows of
 * x [rows, channels]. In training mean and variance are those of the rows, and running [2,
 * channels] moves towards them, else they are running. stats [2, channels]: mean and 1 / sqrt(..)
 * as used. */
#include "ops/op_support.h"

enum { X, WEIGHT, BIAS, RUNNING, Y, STATS };
enum { TRAINING, MOMENTUM, EPSILON };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    const pdessm_tensor *x = call->operand[X];
    const double momentum = call->attribute[MOMENTUM], epsilon = call->attribute[EPSILON];
    if (x->rank != 2)
        return refuse_shape(ctx, call, X, "[rows, channels]");
    const int64_t two[] = {2, x->dims[1]};
    PDESSM_TRY(expect_shape(ctx, call, WEIGHT, 1, two + 1, "the channels of x"));
    PDESSM_TRY(expect_shape(ctx, call, BIAS, 1, two + 1, "the channels of x"));
    PDESSM_TRY(expect_shape(ctx, call, RUNNING, 2, two, "mean and variance of each channel"));
    PDESSM_REQUIRE(ctx, momentum >= 0 && momentum <= 1, PDESSM_ERROR_ARGUMENT,
                   "batch_norm: attribute momentum is %g, expected 0 to 1", momentum);
    PDESSM_REQUIRE(ctx, epsilon > 0, PDESSM_ERROR_ARGUMENT,
                   "batch_norm: attribute epsilon is %g, expected more than 0", epsilon);
    ret[Y] = shape_of(x);
    ret[STATS] = float_shape(2, two);
out:
    return status;
}

static pdessm_batch_norm_job job_of(const pdessm_call *call) {
    return (pdessm_batch_norm_job){.rows = call->operand[X]->dims[0],
                                   .channels = call->operand[X]->dims[1],
                                   .training = call->attribute[TRAINING] != 0,
                                   .momentum = call->attribute[MOMENTUM],
                                   .epsilon = call->attribute[EPSILON]};
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    pdessm_batch_norm_job job = job_of(call);
    double n = (double)count(call, X), passes = job.training ? 4 : 2;
    if (call->pass == PDESSM_BACKWARD)
        passes = job.training || call->gradient[WEIGHT] ? 5 : 2;
    *ret = (pdessm_cost){.flops = 2 * n * passes, .bytes = 4 * n * passes};
    ret->host_scratch = host->fallback->batch_norm_scratch(host->pool, &job);
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    pdessm_batch_norm_job job = job_of(call);
    host->fallback->batch_norm_forward(host->pool, &job, data(call, X), data(call, WEIGHT),
                                       data(call, BIAS), data(call, RUNNING), data(call, Y),
                                       data(call, STATS));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    pdessm_batch_norm_job job = job_of(call);
    host->fallback->batch_norm_backward(
        host->pool, &job, data(call, X), data(call, WEIGHT), data(call, STATS), grad(call, Y),
        (float *const[3]){grad(call, X), grad(call, WEIGHT), grad(call, BIAS)}, call->accumulate);
    return PDESSM_OK;
}

/* Every kernel gets the same scratch buffer [pieces, 2, channels], for the sums of pieces of rows,
 * and the same numbers. */
static pdessm_status launch_over(const pdessm_call *call, const pdessm_launcher *launcher,
                                 const char *name, int64_t rows) {
    const pdessm_batch_norm_job job = job_of(call);
    const device_columns plan = plan_columns(launcher, 1, job.rows, job.channels, 2);
    return launch(
        launcher, call,
        &(pdessm_kernel){.name = name,
                         .dims = 2,
                         .global = {(size_t)job.channels, (size_t)(rows > 0 ? rows : plan.pieces)},
                         .scratch_bytes = plan.scratch_bytes,
                         .scalar_count = 7,
                         .scalar = {scalar_int(job.rows), scalar_int(job.channels),
                                    scalar_int(plan.piece), scalar_int(plan.pieces),
                                    scalar_int(job.training), scalar_float(job.momentum),
                                    scalar_float(job.epsilon)}});
}

/* Kernels run over (channels, pieces of rows), over channels, or over all elements. */
enum { PIECES = 0, ONCE = 1 };

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    if (call->attribute[TRAINING] != 0) {
        PDESSM_TRY(launch_over(call, launcher, "batch_norm_sum", PIECES));
        PDESSM_TRY(launch_over(call, launcher, "batch_norm_mean", ONCE));
        PDESSM_TRY(launch_over(call, launcher, "batch_norm_squares", PIECES));
        PDESSM_TRY(launch_over(call, launcher, "batch_norm_variance", ONCE));
    } else {
        PDESSM_TRY(launch_over(call, launcher, "batch_norm_running", ONCE));
    }
    PDESSM_TRY(launch_over(call, launcher, "batch_norm_forward", call->operand[X]->dims[0]));
out:
    return status;
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(launch_over(call, launcher, "batch_norm_gradients", PIECES));
    PDESSM_TRY(launch_over(call, launcher, "batch_norm_totals", ONCE));
    if (call->gradient[X])
        PDESSM_TRY(launch_over(call, launcher, "batch_norm_backward", call->operand[X]->dims[0]));
out:
    return status;
}

/* Channels far from zero, rows few and many, training and not. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    const int training = pdessm_draw_coin(k, 1);
    /* With two rows everything that comes back cancels, and with one it is zero. */
    int64_t rows =
        pdessm_draw_extent(k, size->batch * pdessm_case_tokens(size), training ? 5 : 1, 400);
    int64_t c = pdessm_draw_extent(k, size->channels, 1, 200);
    double offset = pdessm_draw_coin(k, 1) ? 0 : pdessm_draw_real(k, 0, -30, 30);
    PDESSM_SET(k, X, NORMAL, 2, rows, c);
    k->operand[X].offset = offset;
    PDESSM_SET(k, WEIGHT, NORMAL, 1, c);
    PDESSM_SET(k, BIAS, NORMAL, 1, c);
    PDESSM_SET(k, RUNNING, MOMENTS, 1, 2, c);
    k->attribute[TRAINING] = training;
    k->attribute[MOMENTUM] = pdessm_draw_real(k, 0.1, 0, 1);
    k->attribute[EPSILON] = pdessm_draw_coin(k, 1) ? 1e-5 : pdessm_draw_real(k, 0, 0.01, 0.5);
    k->terms = rows;
    k->condition = offset == 0 ? 8 : 64;
}

const pdessm_descriptor pdessm_descriptor_batch_norm = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_batch_norm(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *weight,
                                 pdessm_tensor *bias, pdessm_tensor *running, int training,
                                 double momentum, double epsilon) {
    return RECORD_WITH(batch_norm, ATTRIBUTES(training, momentum, epsilon), x, weight, bias,
                       running);
}
