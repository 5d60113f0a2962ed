/* SPDX-License-Identifier: MIT */
/* cdr_coefficients.c: raw parameters of the PDE to physical coefficients: K = L L^T + eps I,
 * b = b_max tanh(beta), r = -softplus(rho); for a domain of `extent` images K / extent^2, b /
 * extent. extent 0 is the default, 1. */
#include "ops/op_support.h"

enum { B_MAX, EXTENT };
enum { RAW_DIFFUSION, RAW_CONVECTION, RAW_REACTION, DIFFUSION, CONVECTION, REACTION };

static double extent(const pdessm_call *call) {
    return call->attribute[EXTENT] > 0 ? call->attribute[EXTENT] : 1;
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    const pdessm_tensor *r = call->operand[RAW_REACTION];
    pdessm_status status = PDESSM_OK;
    if (r->rank != 2)
        return refuse_shape(ctx, call, RAW_REACTION, "[channels, states]");
    int64_t c = r->dims[0], s = r->dims[1];
    PDESSM_TRY(expect_shape(ctx, call, RAW_DIFFUSION, 3, (int64_t[]){c, s, 3},
                            "l0, l1, l2 for each entry of raw_reaction"));
    PDESSM_TRY(expect_shape(ctx, call, RAW_CONVECTION, 3, (int64_t[]){c, s, 2},
                            "y and x for each entry of raw_reaction"));
    PDESSM_REQUIRE(ctx, call->attribute[B_MAX] > 0, PDESSM_ERROR_ARGUMENT,
                   "cdr_coefficients: b_max = %g, expected a positive part of the image",
                   call->attribute[B_MAX]);
    PDESSM_REQUIRE(
        ctx, call->attribute[EXTENT] >= 0 && call->attribute[EXTENT] < 1e6, PDESSM_ERROR_ARGUMENT,
        "cdr_coefficients: extent = %g, expected the side of the domain in images, below "
        "1e6",
        call->attribute[EXTENT]);
    for (int i = 0; i < 3; i++)
        ret[DIFFUSION + i] = shape_of(call->operand[i]);
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, RAW_REACTION);
    int back = call->pass == PDESSM_BACKWARD;
    *ret = (pdessm_cost){.flops = n * 100, .bytes = 4 * 6 * n * (back ? 3 : 2)};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    const float *const raw[3] = {data(call, 0), data(call, 1), data(call, 2)};
    float *const physical[3] = {data(call, 3), data(call, 4), data(call, 5)};
    host->fallback->cdr_coefficients_forward(host->pool, count(call, RAW_REACTION),
                                             (float)call->attribute[B_MAX], (float)extent(call),
                                             raw, physical);
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    const float *const raw[3] = {data(call, 0), data(call, 1), data(call, 2)};
    const float *const dphysical[3] = {grad(call, 3), grad(call, 4), grad(call, 5)};
    float *const draw[3] = {grad(call, 0), grad(call, 1), grad(call, 2)};
    host->fallback->cdr_coefficients_backward(host->pool, count(call, RAW_REACTION),
                                              (float)call->attribute[B_MAX], (float)extent(call),
                                              raw, dphysical, draw, call->accumulate);
    return PDESSM_OK;
}

static pdessm_status launch_pass(const pdessm_call *call, const pdessm_launcher *launcher) {
    int64_t n = count(call, RAW_REACTION);
    int back = call->pass == PDESSM_BACKWARD;
    double side = extent(call);
    return launch(
        launcher, call,
        &(pdessm_kernel){.name = back ? "cdr_coefficients_backward" : "cdr_coefficients_forward",
                         .dims = 1,
                         .global = {(size_t)n},
                         .scalar_count = 3,
                         .scalar = {scalar_int(n), scalar_float(call->attribute[B_MAX] / side),
                                    scalar_float(1 / (side * side))}});
}

/* Any numbers of channels and states, raw values from both tails. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    int64_t c = pdessm_draw_extent(k, size->channels, 1, 90);
    int64_t terms = pdessm_draw_extent(k, PDESSM_CASE_TERMS, 1, 17);
    double scale = pdessm_draw_coin(k, 1) ? 1 : 6;
    PDESSM_SET(k, RAW_DIFFUSION, NORMAL, scale, c, terms, 3);
    PDESSM_SET(k, RAW_CONVECTION, NORMAL, scale, c, terms, 2);
    PDESSM_SET(k, RAW_REACTION, NORMAL, scale, c, terms);
    k->attribute[B_MAX] = pdessm_draw_real(k, 0.25, 0.1, 0.5);
    k->attribute[EXTENT] = pdessm_draw_coin(k, 1) ? 0 : pdessm_draw_real(k, 0, 0.5, 3);
}

const pdessm_descriptor pdessm_descriptor_cdr_coefficients = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_pass, launch_pass},
    .draw = draw,
};

void pdessm_cdr_coefficients(pdessm_tape *tape, double extent, pdessm_tensor *raw_diffusion,
                             pdessm_tensor *raw_convection, pdessm_tensor *raw_reaction,
                             double b_max, pdessm_tensor **ret_diffusion,
                             pdessm_tensor **ret_convection, pdessm_tensor **ret_reaction) {
    pdessm_tensor *operand[PDESSM_MAX_OPERANDS] = {raw_diffusion, raw_convection, raw_reaction};
    pdessm_tape_apply(tape, PDESSM_OP_cdr_coefficients, operand, ATTRIBUTES(b_max, extent));
    *ret_diffusion = operand[3];
    *ret_convection = operand[4];
    *ret_reaction = operand[5];
}
