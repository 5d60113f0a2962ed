/* SPDX-License-Identifier: MIT */
/* philox_normal.c: y [batch, ...] of normal numbers that depend on seed, purpose, step and sample
 * alone; core/random.h says how. Sample b of y is number first + b. */
#include "ops/op_support.h"

#include "core/random.h"

enum { Y };
enum { SEED_LOW, SEED_HIGH, PURPOSE, STEP, FIRST, BATCH, ELEMENTS };

static uint32_t word(const pdessm_call *call, int attribute) {
    return (uint32_t)call->attribute[attribute];
}

/* There is no input to tell the extents. If y is there, they are its own; else attributes batch and
 * elements are. */
static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    static const char *const names[] = {"seed_low", "seed_high", "purpose", "step", "first"};
    pdessm_status status = PDESSM_OK;
    for (int i = SEED_LOW; i <= FIRST; i++)
        PDESSM_REQUIRE(ctx,
                       call->attribute[i] >= 0 && call->attribute[i] <= UINT32_MAX &&
                           call->attribute[i] == (double)word(call, i),
                       PDESSM_ERROR_ARGUMENT,
                       "philox_normal: attribute %s is %g, expected a whole number below 2^32",
                       names[i], call->attribute[i]);
    if (call->operand[Y]) {
        ret[Y] = shape_of(call->operand[Y]);
        return PDESSM_OK;
    }
    double batch = call->attribute[BATCH], elements = call->attribute[ELEMENTS];
    PDESSM_REQUIRE(ctx,
                   batch >= 1 && elements >= 1 && batch * elements <= 0x1p40 &&
                       batch == (double)(int64_t)batch && elements == (double)(int64_t)elements,
                   PDESSM_ERROR_ARGUMENT,
                   "philox_normal: attributes batch and elements are %g and %g; without a y they "
                   "give its extents and must be whole numbers from 1",
                   batch, elements);
    ret[Y] = float_shape(2, (const int64_t[]){(int64_t)batch, (int64_t)elements});
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, Y);
    *ret = (pdessm_cost){.flops = 30 * n, .bytes = 4 * n};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    int64_t batch = call->operand[Y]->dims[0];
    host->fallback->philox_normal_forward(
        host->pool, batch, count(call, Y) / batch,
        (uint64_t)word(call, SEED_HIGH) << 32 | word(call, SEED_LOW), word(call, PURPOSE),
        word(call, STEP), word(call, FIRST), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    int64_t batch = call->operand[Y]->dims[0], elements = count(call, Y) / batch;
    int64_t taken = cpu_form(launcher) ? 64 : 4; /* elements of a work-item */
    pdessm_kernel kernel = {.name = "philox_normal_forward",
                            .dims = 2,
                            .global = {(size_t)((elements + taken - 1) / taken), (size_t)batch},
                            .scalar_count = 6,
                            .scalar = {scalar_int(elements)}};
    for (int i = SEED_LOW; i <= FIRST; i++)
        kernel.scalar[1 + i] = scalar_uint(word(call, i));
    return launch(launcher, call, &kernel);
}

/* Any seed, step and first sample; samples that end within a block of four. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    const int wide = pdessm_draw_coin(k, 1);
    for (int i = SEED_LOW; i <= FIRST; i++)
        k->attribute[i] = (double)pdessm_draw_extent(k, i == SEED_LOW, 0,
                                                     pdessm_draw_coin(k, 0) ? UINT32_MAX : 20);
    k->attribute[BATCH] = (double)pdessm_draw_extent(k, size->batch, 1, wide ? 6 : 40);
    k->attribute[ELEMENTS] = (double)pdessm_draw_extent(
        k, pdessm_case_tokens(size) * size->channels, 1, wide ? 20000 : 500);
}

const pdessm_descriptor pdessm_descriptor_philox_normal = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, NULL},
    .launch = {launch_forward, NULL},
    .draw = draw,
};
