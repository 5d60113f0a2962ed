/* SPDX-License-Identifier: MIT */
/* adamw.c: one step of Adam with decoupled weight decay:
 *   g = state[1] gradient,  m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
 *   p = (1 - rate decay) p - rate m/(1 - beta1^step) / (sqrt(v/(1 - beta2^step)) + epsilon)
 * Nothing changes when state[2] is 0 (see grad_norm). */
#include <math.h>

#include "ops/op_support.h"

enum { PARAMETER, GRADIENT, M, V, STATE };
enum { RATE, BETA1, BETA2, EPSILON, DECAY, STEP };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    (void)ret;
    pdessm_status status = PDESSM_OK;
    const double *a = call->attribute;
    for (int i = GRADIENT; i <= V; i++)
        PDESSM_TRY(expect_like(ctx, call, i, PARAMETER));
    PDESSM_TRY(expect_shape(ctx, call, STATE, 1, (const int64_t[]){8}, "as grad_norm leaves it"));
    PDESSM_REQUIRE(ctx,
                   a[BETA1] >= 0 && a[BETA1] < 1 && a[BETA2] >= 0 && a[BETA2] < 1 &&
                       a[EPSILON] >= 0 && a[STEP] >= 1 && isfinite(a[RATE]) && isfinite(a[DECAY]),
                   PDESSM_ERROR_ARGUMENT,
                   "adamw: rate %g, beta1 %g, beta2 %g, epsilon %g, decay %g, step %g: expected "
                   "betas in [0, 1), epsilon from 0, steps counted from 1",
                   a[RATE], a[BETA1], a[BETA2], a[EPSILON], a[DECAY], a[STEP]);
out:
    return status;
}

static struct pdessm_adamw_numbers numbers(const double *a) {
    return (struct pdessm_adamw_numbers){.beta1 = (float)a[BETA1],
                                         .rest1 = (float)(1 - a[BETA1]),
                                         .beta2 = (float)a[BETA2],
                                         .rest2 = (float)(1 - a[BETA2]),
                                         .rate = (float)(a[RATE] / (1 - pow(a[BETA1], a[STEP]))),
                                         .root = (float)(1 / sqrt(1 - pow(a[BETA2], a[STEP]))),
                                         .epsilon = (float)a[EPSILON],
                                         .keep = (float)(1 - a[RATE] * a[DECAY])};
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, PARAMETER);
    *ret = (pdessm_cost){.flops = 15 * n, .bytes = 28 * n};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    const struct pdessm_adamw_numbers a = numbers(call->attribute);
    host->fallback->adamw_forward(host->pool, count(call, PARAMETER), &a, data(call, GRADIENT),
                                  data(call, STATE), data(call, PARAMETER), data(call, M),
                                  data(call, V));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    const struct pdessm_adamw_numbers a = numbers(call->attribute);
    const float f[] = {a.beta1, a.rest1, a.beta2, a.rest2, a.rate, a.root, a.epsilon, a.keep};
    pdessm_kernel kernel = {.name = "adamw_forward",
                            .dims = 1,
                            .global = {(size_t)count(call, PARAMETER)},
                            .scalar_count = 9,
                            .scalar = {scalar_int(count(call, PARAMETER))}};
    for (int i = 0; i < 8; i++)
        kernel.scalar[1 + i] = scalar_float((double)f[i]);
    return launch(launcher, call, &kernel);
}

/* Early and late steps, with and without decay, and a step that does not count. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    pdessm_case_set_flat(k, size, PARAMETER, PDESSM_FILL_NORMAL, 1);
    pdessm_case_set_like(k, GRADIENT, PARAMETER, PDESSM_FILL_NORMAL, 1);
    pdessm_case_set_like(k, M, PARAMETER, PDESSM_FILL_NORMAL, 1);
    pdessm_case_set_like(k, V, PARAMETER, PDESSM_FILL_POSITIVE, 1);
    PDESSM_SET(k, STATE, STATE, 1, 8);
    k->attribute[RATE] = pdessm_draw_real(k, 1e-3, 0.1, 1);
    k->attribute[BETA1] = 0.9;
    k->attribute[BETA2] = 0.999;
    k->attribute[EPSILON] = 1e-8;
    k->attribute[DECAY] = pdessm_draw_coin(k, 1) ? 0.1 : 0;
    k->attribute[STEP] = (double)pdessm_draw_extent(k, 100, 1, 3000);
    /* A few parameters may all cancel against their steps. */
    k->condition = k->operand[PARAMETER].dims[0] < 16 ? 100 : 4;
}

const pdessm_descriptor pdessm_descriptor_adamw = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, NULL},
    .launch = {launch_forward, NULL},
    .draw = draw,
};
