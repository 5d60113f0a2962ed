/* SPDX-License-Identifier: MIT */
/* op.c: suite `ops`: one operator, forward and backward, at one point. */
#include <math.h>
#include <string.h>

#include "bench.h"

/* A call with its operands, and the copy that it is compared with. */
typedef struct bench_call {
    bench_job *j;
    bench_device *d;
    pdessm_case k;
    pdessm_opcall call;
    bench_copy *copy;
    size_t copied_bytes;
    int64_t base; /* bytes on the device that are not the call's */
} bench_call;

/* ------------------------------------------------------------------ beforehand */

/* Bytes of the call's tensors, judged without making them. */
static pdessm_status count_bytes(bench_call *b, int backward, double *ret_all,
                                 double *ret_largest) {
    const pdessm_op_row *row = pdessm_op_get(b->k.op);
    pdessm_shape shape[PDESSM_MAX_OPERANDS];
    pdessm_status status = PDESSM_OK;
    double copied = 0;
    PDESSM_TRY(pdessm_case_shapes(b->j->c->ctx, &b->k, shape));
    *ret_all = *ret_largest = 0;
    for (int i = 0; row->letters[i]; i++) {
        double bytes = shape[i].rank > 0 ? sizeof(float) : 0;
        for (int d = 0; d < shape[i].rank; d++)
            bytes *= (double)shape[i].dims[d];
        *ret_all += backward && pdessm_letter_has_gradient(row->letters[i]) ? 2 * bytes : bytes;
        *ret_largest = fmax(*ret_largest, bytes);
        copied = i == b->k.copied ? bytes : copied;
    }
    *ret_all += 2 * copied;
    b->copied_bytes = (size_t)fmin(copied, 0x1p62);
out:
    return status;
}

/* Whether an OpenCL device would hand this pass to plain C, and why; NULL if not. */
static const char *kept_off(const bench_call *b, pdessm_pass pass) {
    const pdessm_device *d = b->d->device;
    if (!d->backend)
        return NULL;
    if (!pdessm_op_get(b->k.op)->descriptor->launch[pass])
        return "the operator has no kernel for this pass and runs in plain C on every device";
    return b->d->routed[b->k.op][pass] ? "PDESSM_OPS keeps the operator in plain C" : NULL;
}

/* ------------------------------------------------------------------ one pass */

static pdessm_status run_call(void *user) {
    pdessm_opcall *o = user;
    return pdessm_run_call(o->device, &o->call);
}

static pdessm_status validate(bench_call *b, bench_row *row, int rows) {
    pdessm_deviation e[2];
    pdessm_status status = pdessm_case_compare(&b->k, b->d->device, b->d->reference, e);
    for (int i = 0; status == PDESSM_OK && i < rows; i++) {
        if (row[i].status != BENCH_OK)
            continue;
        row[i].error = e[i].error;
        row[i].tolerance = e[i].tolerance;
        if (!(e[i].error <= e[i].tolerance))
            pdessm_cli_bench_settle(
                &row[i], BENCH_ERROR,
                pdessm_cli_text(b->j->c,
                                "wrong result: the error against %s is %.2e, at most %.1e "
                                "is rounding",
                                b->d->reference_name, e[i].error, e[i].tolerance));
    }
    return status;
}

/* The first run, then the others unless they would be plain C's. */
static pdessm_status measure_pass(bench_call *b, bench_row *row) {
    pdessm_device *d = b->d->device;
    const pdessm_op_row *op = pdessm_op_get(b->k.op);
    const char *refusal = kept_off(b, row->point.pass);
    bench_work w = {d, run_call, &b->call}, copy = pdessm_cli_bench_copy_work(b->copy);
    pdessm_status status = PDESSM_OK;
    pdessm_cost cost = {0};
    double first = NAN;
    int64_t peak = 0;
    b->call.call.pass = row->point.pass;
    PDESSM_TRY(pdessm_check_call(d, &b->call.call));
    op->descriptor->cost(&b->call.call, &d->host, &cost);
    PDESSM_TRY(pdessm_cli_bench_time(&w, 1, &first));
    if (!refusal && d->backend && d->on_host[b->k.op][row->point.pass])
        refusal = pdessm_cli_text(b->j->c, "runs in plain C on this device: %s", d->ctx->error);
    if (refusal) {
        pdessm_cli_bench_settle(row, BENCH_UNSUPPORTED, refusal);
        return PDESSM_OK;
    }
    row->first = first;
    row->flops = cost.flops;
    row->bytes = cost.bytes;
    row->copied_bytes = (double)b->copied_bytes;
    PDESSM_TRY(pdessm_cli_bench_measure(b->j, &w, &copy, row));
    pdessm_device_memory(d, &peak);
    row->peak_bytes = (double)(peak - b->base);
    if (row->count > 0)
        pdessm_cli_bench_settle(row, BENCH_OK, NULL);
    else
        pdessm_cli_bench_settle(row, BENCH_SKIPPED, "--max-time came while it was warming up");
out:
    return status;
}

static pdessm_status measure(bench_call *b, bench_row *row, int rows) {
    pdessm_device *d = b->d->device;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_bench_copy_create(d, b->copied_bytes, 0, &b->copy));
    pdessm_device_forget_peak(d);
    b->base = pdessm_device_memory(d, NULL);
    b->call = pdessm_opcall_begin(d, b->k.op);
    PDESSM_TRY(pdessm_case_operands(&b->k, &b->call));
    PDESSM_TRY(measure_pass(b, &row[0]));
    if (rows > 1) {
        PDESSM_TRY(pdessm_case_gradients(&b->k, &b->call));
        PDESSM_TRY(measure_pass(b, &row[1]));
    }
out:
    pdessm_opcall_end(&b->call);
    pdessm_cli_bench_copy_destroy(&b->copy);
    return status;
}

pdessm_status pdessm_cli_bench_operator(bench_job *j, bench_row *row, int rows) {
    bench_call b = {.j = j, .d = &j->device[row->device]};
    pdessm_status status = PDESSM_OK;
    double all = 0, largest = 0;
    const bench_point *p = &row->point;
    const pdessm_case_size size = {PDESSM_CASE_NETWORK, p->batch,  p->height, p->width,
                                   p->channels,         p->outputs};
    pdessm_case_draw(p->op, &size, (uint64_t)j->c->seed, &b.k);
    status = count_bytes(&b, rows > 1, &all, &largest);
    if (status == PDESSM_OK) {
        int fits = 1;
        for (int i = 0; i < rows; i++)
            fits &= pdessm_cli_bench_fits(j, &row[i], all, largest);
        if (!fits)
            return PDESSM_OK;
        status = measure(&b, row, rows);
    }
    int validating = status == PDESSM_OK && j->o.validate;
    if (validating)
        status = validate(&b, row, rows);
    /* A pass that was measured stays so when the other one fails, but not when it could not be
     * validated as was asked for. */
    for (int i = 0; status != PDESSM_OK && i < rows; i++)
        if (!row[i].reached || (validating && row[i].status == BENCH_OK)) {
            pdessm_status end = pdessm_cli_bench_stop(j, &row[i], status);
            if (end != PDESSM_OK)
                return end;
        }
    return PDESSM_OK;
}
