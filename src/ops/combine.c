/* SPDX-License-Identifier: MIT */
/* combine.c: y = x + c1 k1 + ... + c7 k7, the step of a solver. y may be x or one of the k. */
#include "ops/op_support.h"

enum { X, K1, Y = 8, TERMS = 7 };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    for (int j = 0; j < TERMS; j++) {
        if (call->operand[K1 + j])
            PDESSM_TRY(expect_like(ctx, call, K1 + j, X));
        PDESSM_REQUIRE(ctx, call->operand[K1 + j] || call->attribute[j] == 0, PDESSM_ERROR_ARGUMENT,
                       "combine: attribute c%d is %g, but operand k%d is missing", j + 1,
                       call->attribute[j], j + 1);
    }
    ret[Y] = shape_of(call->operand[X]);
out:
    return status;
}

static int terms(const pdessm_call *call) {
    int n = 0;
    for (int j = 0; j < TERMS; j++)
        n += call->operand[K1 + j] != NULL;
    return n;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, X);
    *ret = (pdessm_cost){.flops = 2 * n * terms(call), .bytes = 4 * n * (2 + terms(call))};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    const float *k[TERMS];
    float c[TERMS];
    for (int j = 0; j < TERMS; j++) {
        k[j] = data(call, K1 + j);
        c[j] = (float)call->attribute[j];
    }
    host->fallback->combine_forward(host->pool, count(call, X), data(call, X), k, c, data(call, Y));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_kernel kernel = {.name = "combine_forward",
                            .dims = 1,
                            .global = {(size_t)spans(launcher, count(call, X))},
                            .scalar_count = 1 + TERMS,
                            .scalar = {scalar_int(count(call, X))}};
    for (int j = 0; j < TERMS; j++)
        kernel.scalar[1 + j] = scalar_float(call->attribute[j]);
    return launch(launcher, call, &kernel);
}

/* Any of the seven terms. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    pdessm_case_set_any(k, size, X, 1, 4);
    for (int j = 0; j < TERMS; j++)
        if (pdessm_draw_coin(k, j < 2)) { /* a network: one step of Heun's method */
            pdessm_case_set_like(k, K1 + j, X, PDESSM_FILL_NORMAL, 1);
            k->attribute[j] = pdessm_draw_real(k, 0.5, -1, 1);
        }
}

const pdessm_descriptor pdessm_descriptor_combine = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, NULL},
    .launch = {launch_forward, NULL},
    .draw = draw,
};
