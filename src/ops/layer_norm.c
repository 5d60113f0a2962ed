/* SPDX-License-Identifier: MIT */
/* layer_norm.c: normalises each token, then scales and shifts it by its sample's 1 + scale and
 * shift. x [rows, channels] or [batch, tokens, channels]; shift, scale [batch, channels] or absent.
 */
#include "ops/op_support.h"

enum { X, SHIFT, SCALE, Y, STATS };

struct extents {
    int64_t batch, tokens, channels;
};

static struct extents extents(const pdessm_call *call) {
    const pdessm_tensor *x = call->operand[X];
    return (struct extents){.batch = x->rank == 3 ? x->dims[0] : 1,
                            .tokens = pdessm_extent(x, 2),
                            .channels = pdessm_extent(x, 1)};
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    const pdessm_tensor *x = call->operand[X];
    if (x->rank != 2 && x->rank != 3)
        return refuse_shape(ctx, call, X, "[rows, channels] or [batch, tokens, channels]");
    struct extents e = extents(call);
    PDESSM_REQUIRE(ctx, !call->operand[SHIFT] == !call->operand[SCALE], PDESSM_ERROR_ARGUMENT,
                   "layer_norm: operand %s is missing: give both shift and scale or neither",
                   call->operand[SHIFT] ? "scale" : "shift");
    for (int i = SHIFT; call->operand[SHIFT] && i <= SCALE; i++)
        PDESSM_TRY(expect_shape(ctx, call, i, 2, (const int64_t[]){e.batch, e.channels},
                                "batch and channels of x"));
    ret[Y] = shape_of(x);
    ret[STATS] = float_shape(2, (const int64_t[]){e.batch * e.tokens, 2});
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    double n = (double)count(call, X);
    struct extents e = extents(call);
    int back = call->pass == PDESSM_BACKWARD;
    *ret = (pdessm_cost){.flops = n * (back ? 16 : 9), .bytes = 4 * n * (back ? 3 : 2)};
    if (back && (call->gradient[SHIFT] || call->gradient[SCALE]))
        ret->host_scratch =
            host->fallback->layer_norm_scratch(host->pool, e.batch, e.tokens, e.channels);
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    struct extents e = extents(call);
    host->fallback->layer_norm_forward(host->pool, e.batch, e.tokens, e.channels, data(call, X),
                                       data(call, SHIFT), data(call, SCALE), data(call, Y),
                                       data(call, STATS));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    struct extents e = extents(call);
    host->fallback->layer_norm_backward(host->pool, e.batch, e.tokens, e.channels, data(call, X),
                                        data(call, SCALE), data(call, STATS), grad(call, Y),
                                        grad(call, X), adds(call, X), grad(call, SHIFT),
                                        adds(call, SHIFT), grad(call, SCALE), adds(call, SCALE));
    return PDESSM_OK;
}

/* One row for each work-item on a CPU, for each work-group elsewhere. */
static pdessm_status launch_rows(const pdessm_call *call, const pdessm_launcher *launcher,
                                 const char *row_name, const char *group_name) {
    struct extents e = extents(call);
    size_t rows = (size_t)(e.batch * e.tokens), local = 64;
    while (local < 256 && (int64_t)local * 4 < e.channels)
        local *= 2;
    pdessm_kernel kernel = {
        .name = row_name,
        .dims = 1,
        .global = {rows},
        .scalar_count = 3,
        .scalar = {scalar_int((int64_t)rows), scalar_int(e.tokens), scalar_int(e.channels)}};
    if (!cpu_form(launcher)) {
        kernel.name = group_name;
        kernel.global[0] = rows * local;
        kernel.local[0] = local;
    }
    return launch(launcher, call, &kernel);
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    return launch_rows(call, launcher, "layer_norm_forward_row", "layer_norm_forward_group");
}

static pdessm_status launch_sums(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    struct extents e = extents(call);
    device_columns plan = plan_columns(launcher, e.batch, e.tokens, e.channels, 2);
    pdessm_kernel kernel = {.name = "layer_norm_sums",
                            .dims = 2,
                            .global = {plan.items, (size_t)(e.batch * plan.pieces)},
                            .scratch_bytes = plan.scratch_bytes,
                            .scalar_count = 4,
                            .scalar = {scalar_int(e.tokens), scalar_int(e.channels),
                                       scalar_int(plan.piece), scalar_int(plan.pieces)}};
    PDESSM_TRY(launch(launcher, call, &kernel));
    kernel.name = "layer_norm_totals";
    kernel.dims = 1;
    kernel.global[0] = (size_t)(e.batch * e.channels);
    kernel.scalar_count = 3;
    kernel.scalar[0] = scalar_int(e.batch * e.channels);
    kernel.scalar[1] = scalar_int(e.channels);
    kernel.scalar[2] = scalar_int(plan.pieces);
    PDESSM_TRY(launch(launcher, call, &kernel));
out:
    return status;
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    if (call->gradient[X])
        PDESSM_TRY(
            launch_rows(call, launcher, "layer_norm_backward_row", "layer_norm_backward_group"));
    if (call->gradient[SHIFT] || call->gradient[SCALE])
        PDESSM_TRY(launch_sums(call, launcher));
out:
    return status;
}

/* With and without modulation, rows near zero and far from it. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    const int many = pdessm_draw_coin(k, 0), modulated = pdessm_draw_coin(k, 1);
    int64_t b = pdessm_draw_extent(k, size->batch, 1, 4);
    int64_t n = pdessm_draw_extent(k, pdessm_case_tokens(size), 1, many ? 300 : 10);
    /* One channel normalises to 0, two to -1 and 1, whatever they are: the gradient would be
     * cancellation and nothing else. */
    int64_t c = pdessm_draw_extent(k, size->channels, 3, many ? 60 : 1300);
    if (!modulated && pdessm_draw_coin(k, 0))
        PDESSM_SET(k, X, NORMAL, 1, b * n, c);
    else
        PDESSM_SET(k, X, NORMAL, 1, b, n, c);
    k->operand[X].offset = pdessm_draw_coin(k, 1) ? 0 : pdessm_draw_real(k, 0, -8, 8);
    for (int i = SHIFT; modulated && i <= SCALE; i++)
        PDESSM_SET(k, i, NORMAL, 0.5, b, c);
    k->terms = c > n ? c : n;
    /* A row of few channels may have a small variance by chance, which 1/std magnifies. */
    k->condition = c < 16 ? 50 : 4;
}

const pdessm_descriptor pdessm_descriptor_layer_norm = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_layer_norm(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *shift,
                                 pdessm_tensor *scale) {
    return RECORD(layer_norm, x, shift, scale);
}
