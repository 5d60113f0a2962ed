/* SPDX-License-Identifier: MIT */
/* cross_entropy.c: logits [B, K] and labels int32 [B] to loss [1], the mean over the samples with a
 * label in [0, K); the others count for nothing. */
#include "ops/op_support.h"

enum { LOGITS, LABELS, LOSS, STATS };

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    const pdessm_tensor *logits = call->operand[LOGITS];
    pdessm_status status = PDESSM_OK;
    if (logits->rank != 2)
        return refuse_shape(ctx, call, LOGITS, "[batch, classes]");
    PDESSM_TRY(expect_shape(ctx, call, LABELS, 1, logits->dims, "the batch of logits"));
    PDESSM_REQUIRE(ctx, call->attribute[0] >= 0 && call->attribute[0] < 1, PDESSM_ERROR_ARGUMENT,
                   "cross_entropy: smoothing is %g, expected at least 0 and less than 1",
                   call->attribute[0]);
    ret[LOSS] = float_shape(1, (const int64_t[]){1});
    ret[STATS] = float_shape(2, (const int64_t[]){logits->dims[0], 2});
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)count(call, LOGITS);
    int back = call->pass == PDESSM_BACKWARD;
    *ret = (pdessm_cost){.flops = n * 24, .bytes = 4 * n * (back ? 2 : 1)};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[LOGITS]->dims;
    host->fallback->cross_entropy_forward(
        host->pool, d[0], d[1], (float)call->attribute[0], data(call, LOGITS),
        pdessm_tensor_host(call->operand[LABELS]), data(call, LOSS), data(call, STATS));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    const int64_t *d = call->operand[LOGITS]->dims;
    if (call->gradient[LOGITS])
        host->fallback->cross_entropy_backward(
            host->pool, d[0], d[1], (float)call->attribute[0], data(call, LOGITS),
            pdessm_tensor_host(call->operand[LABELS]), data(call, STATS), grad(call, LOSS),
            grad(call, LOGITS), adds(call, LOGITS));
    return PDESSM_OK;
}

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_OK;
    const int64_t *d = call->operand[LOGITS]->dims;
    pdessm_kernel kernel = {
        .name = "cross_entropy_rows",
        .dims = 1,
        .global = {(size_t)d[0]},
        .scratch_bytes = (size_t)d[0] * sizeof(float),
        .scalar_count = 3,
        .scalar = {scalar_int(d[0]), scalar_int(d[1]), scalar_float(call->attribute[0])}};
    PDESSM_TRY(launch(launcher, call, &kernel));
    kernel.name = "cross_entropy_total";
    kernel.local[0] = cpu_form(launcher) ? 1 : launcher->info->max_work_group < 256 ? 32 : 256;
    kernel.global[0] = kernel.local[0];
    PDESSM_TRY(launch(launcher, call, &kernel));
out:
    return status;
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *launcher) {
    int64_t n = count(call, LOGITS);
    return !call->gradient[LOGITS]
               ? PDESSM_OK
               : launch(launcher, call,
                        &(pdessm_kernel){.name = "cross_entropy_backward",
                                         .dims = 1,
                                         .global = {(size_t)n},
                                         .scalar_count = 3,
                                         .scalar = {scalar_int(n),
                                                    scalar_int(call->operand[LOGITS]->dims[1]),
                                                    scalar_float(call->attribute[0])}});
}

/* Labels inside and on either side of the classes, now and then none inside; logits large enough to
 * overflow where the largest is not taken off. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    int64_t rows = pdessm_draw_extent(k, size->batch * pdessm_case_tokens(size), 1, 70);
    int64_t classes = pdessm_draw_extent(k, size->channels, 2, 40);
    double offset = pdessm_draw_coin(k, 1) ? 0 : pdessm_draw_real(k, 0, -200, 200);
    /* Some labels are no class. */
    int64_t before = pdessm_draw_coin(k, 0) ? 2 : 0, after = pdessm_draw_coin(k, 0) ? 3 : 0;
    PDESSM_SET(k, LOGITS, NORMAL, 2, rows, classes);
    k->operand[LOGITS].offset = offset;
    PDESSM_SET(k, LABELS, INDEX, (double)(before + classes + after), rows);
    k->operand[LABELS].offset = -(double)before;
    k->attribute[0] = pdessm_draw_coin(k, 1) ? 0 : pdessm_draw_real(k, 0, 0, 0.9);
    k->terms = classes;
    /* Digits of large logits cancel: of 200, what is left of 2^-24 is a hundredth of the loss. */
    k->condition = offset == 0 ? 4 : 200;
}

const pdessm_descriptor pdessm_descriptor_cross_entropy = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .draw = draw,
};

pdessm_tensor *pdessm_cross_entropy(pdessm_tape *tape, pdessm_tensor *logits, pdessm_tensor *labels,
                                    double smoothing) {
    return RECORD_WITH(cross_entropy, ATTRIBUTES(smoothing), logits, labels);
}
