/* SPDX-License-Identifier: MIT */
/* affine_coupling.c: s = bound tanh(parts[0]), y = x exp(s) + parts[1], or y = (x - parts[1])
 * exp(-s); parts [2, ...x]. */
#include <math.h>
#include <string.h>

#include "ops/op_support.h"

enum { X, PARTS, Y, S };
enum { BOUND, INVERSE };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    const pdessm_tensor *x = call->operand[X];
    const double *a = call->attribute;
    int64_t dims[PDESSM_MAX_RANK] = {2};
    PDESSM_REQUIRE(
        ctx, a[BOUND] > 0 && a[BOUND] <= 80 && (a[INVERSE] == 0 || a[INVERSE] == 1),
        PDESSM_ERROR_ARGUMENT,
        "affine_coupling: bound %g, inverse %g; expected a bound in (0, 80], inverse 0 or 1",
        a[BOUND], a[INVERSE]);
    if (x->rank >= PDESSM_MAX_RANK)
        return refuse_shape(ctx, call, X, "fewer extents, as parts has one more");
    memcpy(dims + 1, x->dims, sizeof *dims * (size_t)x->rank);
    PDESSM_TRY(expect_shape(ctx, call, PARTS, x->rank + 1, dims, "two of the shape of x"));
    ret[Y] = ret[S] = shape_of(x);
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, X);
    int back = call->pass == PDESSM_BACKWARD;
    *ret = (pdessm_cost){.flops = n * (back ? 28 : 45), .bytes = 4 * n * (back ? 7 : 5)};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->affine_coupling_forward(
        host->pool, count(call, X), (float)call->attribute[BOUND], call->attribute[INVERSE] != 0,
        data(call, X), data(call, PARTS), data(call, Y), data(call, S));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->affine_coupling_backward(
        host->pool, count(call, X), (float)call->attribute[BOUND], call->attribute[INVERSE] != 0,
        data(call, X), data(call, Y), data(call, S), grad(call, Y), grad(call, S), grad(call, X),
        adds(call, X), grad(call, PARTS), adds(call, PARTS));
    return PDESSM_OK;
}

static pdessm_status launch_pass(const pdessm_call *call, const pdessm_launcher *launcher) {
    const int64_t n = count(call, X);
    int back = call->pass == PDESSM_BACKWARD;
    return launch(
        launcher, call,
        &(pdessm_kernel){.name = back ? "affine_coupling_backward" : "affine_coupling_forward",
                         .dims = 1,
                         .global = {(size_t)n},
                         .scalar_count = 3,
                         .scalar = {scalar_int(n), scalar_float(call->attribute[BOUND]),
                                    scalar_int(call->attribute[INVERSE] != 0)}});
}

/* Any number of elements, both directions. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    pdessm_case_set_any(k, size, X, 1, 3);
    const int64_t *d = k->operand[X].dims;
    pdessm_case_set(k, PARTS, PDESSM_FILL_NORMAL, 1.5, 1 + k->operand[X].rank,
                    (int64_t[]){2, d[0], d[1], d[2]});
    k->attribute[BOUND] = pdessm_draw_real(k, 1, 0.3, 2);
    k->attribute[INVERSE] = pdessm_draw_coin(k, 0);
    k->condition = exp(k->attribute[BOUND]); /* what is rounded before it is stretched */
}

const pdessm_descriptor pdessm_descriptor_affine_coupling = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_pass, launch_pass},
    .draw = draw,
};

void pdessm_affine_coupling(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *parts, double bound,
                            int inverse, pdessm_tensor **ret_y, pdessm_tensor **ret_s) {
    pdessm_tensor *operand[PDESSM_MAX_OPERANDS] = {x, parts};
    pdessm_tape_apply(tape, PDESSM_OP_affine_coupling, operand, ATTRIBUTES(bound, inverse));
    *ret_y = operand[2];
    *ret_s = operand[3];
}
