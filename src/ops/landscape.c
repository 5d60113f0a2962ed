/* SPDX-License-Identifier: MIT */
/* landscape.c: value [rows] of a function of each row of x [rows, columns]; stats [rows, 2] are the
 * two sums that the value is made of. */
#include "landscape.h"

#include <math.h>

#include "core/names.h"
#include "ops/op_support.h"

PDESSM_DEFINE_NAMES(pdessm_landscape_function, pdessm_landscape_function, PDESSM_LANDSCAPES,
                    "landscape")

enum { X, VALUE, STATS };
enum { FUNCTION, WEIGHT, WIDTH };

static pdessm_landscape_job job_of(const pdessm_call *call) {
    return (pdessm_landscape_job){.rows = call->operand[X]->dims[0],
                                  .columns = call->operand[X]->dims[1],
                                  .function = (int)call->attribute[FUNCTION],
                                  .weight = call->attribute[WEIGHT],
                                  .width = call->attribute[WIDTH]};
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    const pdessm_tensor *x = call->operand[X];
    const double function = call->attribute[FUNCTION], width = call->attribute[WIDTH];
    if (x->rank != 2)
        return refuse_shape(ctx, call, X, "[rows, columns]");
    PDESSM_REQUIRE(ctx,
                   function >= 0 && function < SHAPE_COUNT && function == (double)(int)function,
                   PDESSM_ERROR_ARGUMENT,
                   "landscape: attribute function is %g, expected a whole number from 0 to %d",
                   function, SHAPE_COUNT - 1);
    PDESSM_REQUIRE(ctx, isfinite(call->attribute[WEIGHT]), PDESSM_ERROR_ARGUMENT,
                   "landscape: attribute weight is not finite");
    PDESSM_REQUIRE(ctx, width > 0 && isfinite(width), PDESSM_ERROR_ARGUMENT,
                   "landscape: attribute width is %g, expected more than 0", width);
    ret[VALUE] = float_shape(1, (const int64_t[]){x->dims[0]});
    ret[STATS] = float_shape(2, (const int64_t[]){x->dims[0], 2});
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, X);
    int back = call->pass == PDESSM_BACKWARD;
    *ret = (pdessm_cost){.flops = n * (back ? 40 : 20), .bytes = 4 * n * (back ? 2 : 1)};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    pdessm_landscape_job job = job_of(call);
    host->fallback->landscape_forward(host->pool, &job, data(call, X), data(call, VALUE),
                                      data(call, STATS));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    if (!call->gradient[X])
        return PDESSM_OK;
    pdessm_landscape_job job = job_of(call);
    host->fallback->landscape_backward(host->pool, &job, data(call, X), data(call, STATS),
                                       grad(call, VALUE), grad(call, X), adds(call, X));
    return PDESSM_OK;
}

static pdessm_status launch_rows(const pdessm_call *call, const pdessm_launcher *launcher,
                                 const char *name) {
    pdessm_landscape_job job = job_of(call);
    size_t local = cpu_form(launcher) ? 1 : 64;
    return launch(launcher, call,
                  &(pdessm_kernel){.name = name,
                                   .dims = 1,
                                   .global = {(size_t)job.rows * local},
                                   .local = {local},
                                   .scalar_count = 4,
                                   .scalar = {scalar_int(job.columns), scalar_int(job.function),
                                              scalar_float(job.weight), scalar_float(job.width)}});
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_rows(call, launcher, "landscape_forward");
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return call->gradient[X] ? launch_rows(call, launcher, "landscape_backward") : PDESSM_OK;
}

/* Every function, from one to many columns, over boxes as they are used. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    static const double scale[SHAPE_COUNT] = {2, 0.5, 0.5, 8, 2, 80, 4, 4, 2, 150};
    int64_t function = pdessm_draw_extent(k, SHAPE_ACKLEY, 0, SHAPE_COUNT - 1);
    int64_t rows = pdessm_draw_extent(k, size->batch * pdessm_case_tokens(size), 1, 40);
    /* Griewank's product of many cosines is no number that a difference could be taken of. */
    int64_t columns =
        pdessm_draw_extent(k, size->channels, 1, function == SHAPE_GRIEWANK ? 12 : 130);
    PDESSM_SET(k, X, NORMAL, scale[function], rows, columns);
    k->attribute[FUNCTION] = (double)function;
    k->attribute[WEIGHT] = pdessm_draw_real(k, 1, 0.5, 2);
    k->attribute[WIDTH] = pdessm_draw_real(k, 1, 0.2, 1);
    /* Elements reach 4 times their scale, and a sine's argument is rounded before it is taken. */
    k->terms = 64;
    k->condition = function == SHAPE_GRIEWANK ? 8 : 2;
}

const pdessm_descriptor pdessm_descriptor_landscape = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_landscape(pdessm_tape *tape, pdessm_tensor *x,
                                pdessm_landscape_function function, double weight, double width) {
    return RECORD_WITH(landscape, ATTRIBUTES(function, weight, width), x);
}
