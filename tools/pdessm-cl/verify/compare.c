/* SPDX-License-Identifier: MIT */
/* compare.c: a drawn case on two devices. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "core/random.h"
#include "fallback.h"
#include "opcall.h"
#include "shared/cli.h"

/* ------------------------------------------------------------------ numbers */

/* Streams of the check purpose: 0 and 1 make the case, operands and gradients follow. */
enum { OPERAND_STREAM = 2, GRADIENT_STREAM = 2 + PDESSM_MAX_OPERANDS };

static double normal(const cli_case *k, int stream, int64_t i) {
    return pdessm_normal(k->seed, PDESSM_RANDOM_CHECK, (uint32_t)stream, 0, i);
}

static double uniform(const cli_case *k, int stream, int64_t i) {
    return pdessm_uniform(k->seed, PDESSM_RANDOM_CHECK, (uint32_t)stream, 0, i);
}

/* K = L L^T + eps: widths of a few hundredths to tenths of the image. */
static double diffusion(const cli_case *k, int stream, int64_t i, double scale) {
    const int64_t row = i - i % 3;
    double a = scale * (0.1 + uniform(k, stream, row));
    double b = scale * (uniform(k, stream, row + 1) - 0.5);
    double c = scale * (0.1 + uniform(k, stream, row + 2));
    return i % 3 == 0 ? a * a : i % 3 == 1 ? a * b : b * b + c * c;
}

static double number(const cli_case *k, int operand, int64_t i) {
    static const float state[] = {2.5f, 0.4f, 1, 0, 3, 7.5f, 5, 1.25f};
    double scale = k->operand[operand].scale;
    int stream = OPERAND_STREAM + operand;
    switch (k->operand[operand].fill) {
    case CLI_POSITIVE:
        return fabs(scale * normal(k, stream, i));
    case CLI_UNIT:
        return scale * uniform(k, stream, i);
    case CLI_STATE:
        return (double)state[i % 8];
    case CLI_DIFFUSION:
        return diffusion(k, stream, i, scale);
    default:
        return scale * normal(k, stream, i);
    }
}

/* Element e of a pattern whose node i is joined to i - degree / 2 .. i + degree / 2, around n. */
static int32_t ring(const cli_operand *operand, int64_t n, int64_t e) {
    const int64_t degree = (int64_t)operand->scale, nodes = n / degree;
    if (operand->fill == CLI_START)
        return (int32_t)(e * degree);
    int64_t column = (e / degree + e % degree - degree / 2) % nodes;
    column += column < 0 ? nodes : 0;
    return (int32_t)(operand->fill == CLI_COLUMN ? column
                                                 : column * degree + degree - 1 - e % degree);
}

static int is_ring(const cli_operand *operand) {
    return operand->fill == CLI_START || operand->fill == CLI_COLUMN ||
           operand->fill == CLI_REVERSE;
}

/* How many of n numbers are drawn; repeat() makes the others, four bytes each. */
static int64_t drawn(const cli_case *k, int64_t n) {
    return k->period > 0 && k->period < n ? k->period : n;
}

static void repeat(void *values, int64_t first, int64_t n) {
    const size_t width = sizeof(float);
    for (int64_t done = first; done < n; done += first)
        memcpy((char *)values + (size_t)done * width, values,
               (size_t)(n - done < first ? n - done : first) * width);
}

static pdessm_status set_operand(const cli_case *k, cli_opcall *o, int i) {
    const cli_operand *operand = &k->operand[i];
    pdessm_status status = PDESSM_OK;
    void *values = NULL;
    int64_t n = 1;
    for (int d = 0; d < operand->rank; d++)
        n *= operand->dims[d];
    PDESSM_TRY(pdessm_alloc(o->device->ctx, (size_t)n, sizeof(float), &values));
    const int64_t first = is_ring(operand) ? n : drawn(k, n);
    for (int64_t e = 0; e < first; e++)
        if (is_ring(operand))
            ((int32_t *)values)[e] = ring(operand, n, e);
        else if (operand->fill == CLI_INDEX)
            ((int32_t *)values)[e] = (int32_t)(operand->scale * uniform(k, OPERAND_STREAM + i, e));
        else
            ((float *)values)[e] = (float)number(k, i, e);
    repeat(values, first, n);
    PDESSM_TRY(pdessm_cli_opcall_set(o, i, operand->rank, operand->dims, values));
out:
    free(values);
    return status;
}

/* ------------------------------------------------------------------ running */

pdessm_status pdessm_cli_case_operands(const cli_case *k, cli_opcall *o) {
    pdessm_status status = PDESSM_OK;
    memcpy(o->call.attribute, k->attribute, sizeof k->attribute);
    for (int i = 0; o->row->letters[i]; i++)
        if (k->operand[i].fill != CLI_ABSENT)
            PDESSM_TRY(set_operand(k, o, i));
    PDESSM_TRY(pdessm_cli_opcall_make_outputs(o));
out:
    return status;
}

pdessm_status pdessm_cli_case_gradients(const cli_case *k, cli_opcall *o) {
    pdessm_status status = PDESSM_OK;
    float *values = NULL;
    for (int i = 0; o->row->letters[i]; i++) {
        if (!o->call.operand[i] || !pdessm_letter_has_gradient(o->row->letters[i]))
            continue;
        int64_t n = pdessm_tensor_count(o->call.operand[i]);
        PDESSM_TRY(pdessm_alloc(o->device->ctx, (size_t)n, sizeof *values, &values));
        for (int64_t e = 0; e < drawn(k, n); e++)
            values[e] = (float)normal(k, GRADIENT_STREAM + i, e);
        repeat(values, drawn(k, n), n);
        PDESSM_TRY(pdessm_cli_opcall_set_gradient(o, i, values));
        free(values);
        values = NULL;
    }
out:
    free(values);
    return status;
}

static pdessm_status run_forward(const cli_case *k, cli_opcall *o) {
    pdessm_status status = pdessm_cli_case_operands(k, o);
    return status == PDESSM_OK ? pdessm_cli_opcall_run(o, PDESSM_FORWARD) : status;
}

static pdessm_status run_backward(const cli_case *k, cli_opcall *o) {
    pdessm_status status = pdessm_cli_case_gradients(k, o);
    return status == PDESSM_OK ? pdessm_cli_opcall_run(o, PDESSM_BACKWARD) : status;
}

pdessm_status pdessm_cli_case_run(const cli_case *k, pdessm_device *device) {
    pdessm_status status = PDESSM_OK;
    cli_opcall o = pdessm_cli_opcall_begin(device, k->op);
    PDESSM_TRY(run_forward(k, &o));
    if (pdessm_cli_op_differentiable(k->op))
        PDESSM_TRY(run_backward(k, &o));
    PDESSM_TRY(pdessm_device_finish(device));
out:
    pdessm_cli_opcall_end(&o);
    return status;
}

/* ------------------------------------------------------------------ comparing */

double pdessm_cli_relative_error(const float *a, const float *b, int64_t count) {
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i]))
            return INFINITY;
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
        largest = fmax(largest, fabs((double)b[i]));
    }
    return worst == 0 ? 0 : worst / fmax(largest, 1e-30);
}

static pdessm_status compare_tensors(pdessm_context *ctx, pdessm_tensor *a, pdessm_tensor *b,
                                     double *worst) {
    size_t n = (size_t)pdessm_tensor_count(a);
    float *x = NULL, *y = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *x, &x));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *y, &y));
    PDESSM_TRY(pdessm_tensor_read(a, x));
    PDESSM_TRY(pdessm_tensor_read(b, y));
    *worst = fmax(*worst, pdessm_cli_relative_error(x, y, (int64_t)n));
out:
    free(x);
    free(y);
    return status;
}

static cli_error judge(const cli_case *k, pdessm_pass pass, double error) {
    double rounding = 4 * (double)k->terms * 0x1p-24;
    return (cli_error){error, k->condition * (pass == PDESSM_FORWARD ? fmin(2e-5, rounding)
                                                                     : fmin(2e-4, 10 * rounding))};
}

/* Statistics (s) are an operator's own business and may differ. */
static pdessm_status compare_pass(const cli_case *k, pdessm_pass pass, cli_opcall *a, cli_opcall *b,
                                  cli_error *ret) {
    pdessm_status status = PDESSM_OK;
    double worst = 0;
    for (int i = 0; a->row->letters[i]; i++) {
        int output = strchr("wWm", a->row->letters[i]) != NULL;
        pdessm_tensor *x = NULL, *y = NULL;
        if (pass == PDESSM_FORWARD && output) {
            x = a->call.operand[i];
            y = b->call.operand[i];
        } else if (pass == PDESSM_BACKWARD && !output) {
            x = a->call.gradient[i];
            y = b->call.gradient[i];
        }
        if (x)
            PDESSM_TRY(compare_tensors(a->device->ctx, x, y, &worst));
    }
    *ret = judge(k, pass, worst);
out:
    return status;
}

pdessm_status pdessm_cli_case_compare(const cli_case *k, pdessm_device *device,
                                      pdessm_device *reference, cli_error ret[2]) {
    pdessm_status status = PDESSM_OK;
    cli_opcall a = pdessm_cli_opcall_begin(device, k->op);
    cli_opcall b = pdessm_cli_opcall_begin(reference, k->op);
    ret[1] = (cli_error){0, 0};
    PDESSM_TRY(run_forward(k, &a));
    PDESSM_TRY(run_forward(k, &b));
    PDESSM_TRY(compare_pass(k, PDESSM_FORWARD, &a, &b, &ret[0]));
    if (pdessm_cli_op_differentiable(k->op)) {
        PDESSM_TRY(run_backward(k, &a));
        PDESSM_TRY(run_backward(k, &b));
        PDESSM_TRY(compare_pass(k, PDESSM_BACKWARD, &a, &b, &ret[1]));
    }
out:
    pdessm_cli_opcall_end(&a);
    pdessm_cli_opcall_end(&b);
    return status;
}

pdessm_status pdessm_cli_reference_open(cli *c, const pdessm_device *device, pdessm_device **ret,
                                        const char **ret_name) {
    pdessm_device *reference = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_device_open(c->ctx, "cpu", &reference));
    if (!device->backend)
        reference->host.fallback = &pdessm_fallback_base;
    *ret_name = pdessm_cli_text(c, "plain C, instruction set %s", reference->host.fallback->isa);
    *ret = reference;
out:
    return status;
}
