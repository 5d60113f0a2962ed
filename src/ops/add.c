/* SPDX-License-Identifier: MIT */
/* add.c: y = a + b; the extents of b are the last extents of a, over the first ones it repeats. */
#include "ops/op_support.h"

enum { A, B, Y };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    const pdessm_tensor *a = call->operand[A], *b = call->operand[B];
    int lead = a->rank - b->rank;
    ret[Y] = shape_of(a);
    if (lead < 0)
        return expect_like(ctx, call, B, A);
    return expect_shape(ctx, call, B, b->rank, a->dims + lead, "the last extents of a");
}

static int64_t rows(const pdessm_call *call) {
    return count(call, A) / count(call, B);
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    double n = (double)count(call, A), width = (double)count(call, B);
    *ret = (pdessm_cost){.flops = n, .bytes = 4 * (2 * n + width)};
    if (call->pass == PDESSM_BACKWARD)
        ret->host_scratch = host->fallback->add_scratch(host->pool, rows(call), count(call, B));
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->add_forward(host->pool, rows(call), count(call, B), data(call, A),
                                data(call, B), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->add_backward(host->pool, rows(call), count(call, B), grad(call, Y),
                                 grad(call, A), adds(call, A), grad(call, B), adds(call, B));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_integers(launcher, call, "add_forward", spans(launcher, count(call, A)), 2,
                           (const int64_t[]){count(call, A), count(call, B)});
}

static pdessm_status launch_b(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    int64_t width = count(call, B);
    device_columns plan = plan_columns(launcher, 1, rows(call), width, 1);
    pdessm_kernel kernel = {
        .name = "add_backward_b",
        .dims = 2,
        .global = {plan.items, (size_t)plan.pieces},
        .scratch_bytes = plan.scratch_bytes,
        .scalar_count = 3,
        .scalar = {scalar_int(rows(call)), scalar_int(width), scalar_int(plan.piece)}};
    PDESSM_TRY(launch(launcher, call, &kernel));
    kernel.name = "add_backward_b_total";
    kernel.dims = 1;
    kernel.global[0] = (size_t)width;
    kernel.scalar_count = 2;
    kernel.scalar[0] = scalar_int(width);
    kernel.scalar[1] = scalar_int(plan.pieces);
    PDESSM_TRY(launch(launcher, call, &kernel));
out:
    return status;
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    if (call->gradient[A])
        PDESSM_TRY(launch_elements(launcher, call, "add_backward_a", count(call, A)));
    if (call->gradient[B])
        PDESSM_TRY(launch_b(call, launcher));
out:
    return status;
}

/* B repeated over 1 to many rows, and b as large as a. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    const int many = pdessm_draw_coin(k, 0);
    const int64_t dims[] = {pdessm_draw_extent(k, size->batch, 1, many ? 500 : 5),
                            pdessm_draw_extent(k, pdessm_case_tokens(size), 1, 6),
                            pdessm_draw_extent(k, size->channels, 1, many ? 20 : 1200)};
    int leading = (int)pdessm_draw_whole(k, 1, 0, 2); /* extents of a that b does not have */
    pdessm_case_set(k, A, PDESSM_FILL_NORMAL, 1, 3, dims);
    pdessm_case_set(k, B, PDESSM_FILL_NORMAL, 1, 3 - leading, dims + leading);
    k->terms = dims[0] * dims[1];
}

const pdessm_descriptor pdessm_descriptor_add = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .pass_through = 1 + A,
    .draw = draw,
};

pdessm_tensor *pdessm_add(pdessm_tape *tape, pdessm_tensor *a, pdessm_tensor *b) {
    return RECORD(add, a, b);
}
