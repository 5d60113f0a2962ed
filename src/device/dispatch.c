/* SPDX-License-Identifier: MIT */
/* dispatch.c: the one function through which every operator runs. */
#include <math.h>

#include "core/clock.h"
#include "device/device.h"

/* The i-th of the names in a row's list, for messages. */
static pdessm_shape_text operand_name(const pdessm_op_row *row, int i) {
    pdessm_shape_text name = {""};
    const char *p = row->operands;
    for (; i > 0; p++)
        i -= *p == ' ';
    for (size_t k = 0; k + 1 < sizeof name.text && p[k] && p[k] != ' '; k++)
        name.text[k] = p[k];
    return name;
}

/* ------------------------------------------------------------------ check */

static pdessm_status check_input(pdessm_context *ctx, const pdessm_op_row *row, char letter, int i,
                                 const pdessm_tensor *t) {
    if (!t)
        return pdessm_letter_is_optional(letter)
                   ? PDESSM_OK
                   : pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "%s: operand %s is missing", row->name,
                                 operand_name(row, i).text);
    pdessm_dtype wanted = letter == 'i' ? PDESSM_INT32 : PDESSM_FLOAT32;
    if (t->dtype != wanted)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                           "%s: operand %s has the wrong type: %s expected", row->name,
                           operand_name(row, i).text, wanted == PDESSM_INT32 ? "int32" : "float32");
    return PDESSM_OK;
}

static int same_shape(const pdessm_tensor *t, const pdessm_shape *s) {
    int same = t->rank == s->rank && t->dtype == s->dtype;
    for (int i = 0; same && i < t->rank; i++)
        same = t->dims[i] == s->dims[i];
    return same;
}

static pdessm_status check_output(pdessm_context *ctx, const pdessm_op_row *row, int i,
                                  const pdessm_tensor *t, const pdessm_shape *expected) {
    if (!t)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "%s: operand %s is missing", row->name,
                           operand_name(row, i).text);
    if (same_shape(t, expected))
        return PDESSM_OK;
    pdessm_tensor wanted = {.rank = expected->rank};
    for (int k = 0; k < expected->rank; k++)
        wanted.dims[k] = expected->dims[k];
    return pdessm_fail(ctx, PDESSM_ERROR_SHAPE, "%s: operand %s is %s, expected %s", row->name,
                       operand_name(row, i).text, pdessm_tensor_shape(t).text,
                       pdessm_tensor_shape(&wanted).text);
}

pdessm_status pdessm_check_call(pdessm_device *device, const pdessm_call *call) {
    pdessm_status status = PDESSM_OK;
    pdessm_context *ctx = device->ctx;
    const pdessm_op_row *row = pdessm_op_get(call->op);
    pdessm_shape expected[PDESSM_MAX_OPERANDS] = {0};
    PDESSM_REQUIRE(ctx, call->pass == PDESSM_FORWARD || row->descriptor->host[PDESSM_BACKWARD],
                   PDESSM_ERROR_UNSUPPORTED, "%s has no gradient", row->name);
    for (int i = 0; row->letters[i]; i++)
        if (!pdessm_letter_is_output(row->letters[i]))
            PDESSM_TRY(check_input(ctx, row, row->letters[i], i, call->operand[i]));
    PDESSM_TRY(row->descriptor->shapes(ctx, call, expected));
    for (int i = 0; row->letters[i]; i++)
        if (pdessm_letter_is_output(row->letters[i]))
            PDESSM_TRY(check_output(ctx, row, i, call->operand[i], &expected[i]));
out:
    return status;
}

/* ------------------------------------------------------------------ run */

/* What a pass does with one tensor of the call. */
enum use { UNTOUCHED = 0, READS = 1, WRITES = 2 };

static int use_of_operand(const pdessm_call *call, char letter) {
    if (call->pass == PDESSM_BACKWARD)
        return pdessm_letter_is_kept(letter) ? READS : UNTOUCHED;
    return pdessm_letter_is_output(letter) ? WRITES : letter == 'm' ? READS | WRITES : READS;
}

static int use_of_gradient(const pdessm_call *call, char letter, int i) {
    if (pdessm_letter_is_output(letter))
        return READS;
    return (call->accumulate >> i) & 1 ? READS | WRITES : WRITES;
}

/* Visits every tensor that the pass touches: step 0 brings it to the side, step 1 marks it. */
static pdessm_status visit(const pdessm_call *call, unsigned side, int step) {
    const char *letters = pdessm_op_get(call->op)->letters;
    pdessm_status status = PDESSM_OK;
    for (int pair = 0; pair < 2; pair++) {
        for (int i = 0; letters[i]; i++) {
            pdessm_tensor *t = pair ? call->gradient[i] : call->operand[i];
            int use =
                pair ? use_of_gradient(call, letters[i], i) : use_of_operand(call, letters[i]);
            if (!t || use == UNTOUCHED || (pair && call->pass == PDESSM_FORWARD))
                continue;
            if (step == 1 && (use & WRITES))
                pdessm_tensor_written(t, side);
            else if (step == 0 && side == PDESSM_VALID_HOST)
                PDESSM_TRY(pdessm_tensor_to_host(t, use & READS));
            else if (step == 0)
                PDESSM_TRY(pdessm_tensor_to_remote(t, use & READS));
        }
    }
out:
    return status;
}

static pdessm_status run_on_device(pdessm_device *d, const pdessm_call *call) {
    const pdessm_launcher launcher = {d->backend, d->state, d->ctx, &d->info, d->tuning};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(visit(call, PDESSM_VALID_REMOTE, 0));
    PDESSM_TRY(pdessm_op_get(call->op)->descriptor->launch[call->pass](call, &launcher));
    PDESSM_TRY(visit(call, PDESSM_VALID_REMOTE, 1));
out:
    return status;
}

static pdessm_status run_on_host(pdessm_device *d, const pdessm_call *call,
                                 const pdessm_cost *cost) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(d->ctx, pdessm_pool_reserve(d->host.pool, cost->host_scratch),
                   PDESSM_ERROR_MEMORY, "out of memory: %.1f MB of scratch for each thread in %s",
                   (double)cost->host_scratch / 1e6, pdessm_op_get(call->op)->name);
    PDESSM_TRY(visit(call, PDESSM_VALID_HOST, 0));
    PDESSM_TRY(pdessm_op_get(call->op)->descriptor->host[call->pass](call, &d->host));
    PDESSM_TRY(visit(call, PDESSM_VALID_HOST, 1));
out:
    return status;
}

static void record(pdessm_device *d, const pdessm_call *call, const pdessm_cost *cost, int remote,
                   double seconds) {
    struct pdessm_profile_sum *sum = &d->profile[call->op][call->pass][remote];
    sum->calls++;
    sum->seconds += seconds;
    sum->flops += cost->flops;
    sum->bytes += cost->bytes;
}

pdessm_status pdessm_run_call(pdessm_device *device, const pdessm_call *call) {
    pdessm_status status = PDESSM_OK;
    const pdessm_op_row *row = pdessm_op_get(call->op);
    pdessm_cost cost = {0};
    row->descriptor->cost(call, &device->host, &cost);
    if (device->backend && row->descriptor->launch[call->pass] &&
        !device->on_host[call->op][call->pass]) {
        status = run_on_device(device, call);
        if (status == PDESSM_OK && device->profiling)
            record(device, call, &cost, 1, 0); /* the time comes from the backend's events */
        if (status != PDESSM_ERROR_UNSUPPORTED)
            return status;
        device->on_host[call->op][call->pass] = 1;
        pdessm_log(device->ctx, PDESSM_LOG_WARNING, "%s (%s) runs in plain C from now on: %s",
                   row->name, call->pass == PDESSM_FORWARD ? "forward" : "backward",
                   device->ctx->error);
    }
    double begin = device->profiling ? pdessm_seconds() : 0;
    status = run_on_host(device, call, &cost);
    if (status == PDESSM_OK && device->profiling)
        record(device, call, &cost, 0, pdessm_seconds() - begin);
    return status;
}

pdessm_status pdessm_dispatch(pdessm_device *device, const pdessm_call *call) {
    pdessm_status status = pdessm_check_call(device, call);
    return status == PDESSM_OK ? pdessm_run_call(device, call) : status;
}
