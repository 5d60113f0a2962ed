/* SPDX-License-Identifier: MIT */
/* op_support.h: the few words that every operator's file uses.
 *
 * The room `ops` holds the operators: the table ops.def, and for each a file with the shapes it
 * accepts, its cost, the calls of its plain C function and its kernels, and its public function. It
 * knows tensors and the tape, and no network. */
#ifndef PDESSM_OPS_OP_SUPPORT_H
#define PDESSM_OPS_OP_SUPPORT_H

#include <stdio.h>

#include <pdessm/ops.h>

#include "device/backend.h"
#include "device/op.h"
#include "device/tuning.h"
#include "fallback.h"
#include "ops/case.h"
#include "tape/apply.h"

/* The public function of an operator: one step of the tape. Inputs in row order, absent ones NULL.
 */
#define RECORD(name, ...) RECORD_WITH(name, NULL, __VA_ARGS__)
#define RECORD_WITH(name, attributes, ...)                                                         \
    pdessm_tape_apply(tape, PDESSM_OP_##name, (pdessm_tensor *[PDESSM_MAX_OPERANDS]){__VA_ARGS__}, \
                      attributes)
#define ATTRIBUTES(...) ((double[PDESSM_MAX_ATTRIBUTES]){__VA_ARGS__})

/* The name of operand i, for messages. */
static inline pdessm_op_name_text operand_name(const pdessm_call *call, int i) {
    return pdessm_op_name(pdessm_op_get(call->op)->operands, i);
}

/* Fails unless operand i has these extents; `why` says where they come from. */
static inline pdessm_status expect_shape(pdessm_context *ctx, const pdessm_call *call, int i,
                                         int rank, const int64_t *dims, const char *why) {
    const pdessm_tensor *t = call->operand[i];
    pdessm_tensor wanted = {.rank = rank};
    int same = t->rank == rank;
    for (int k = 0; k < rank; k++) {
        wanted.dims[k] = dims[k];
        same = same && t->dims[k] == dims[k];
    }
    if (same)
        return PDESSM_OK;
    return pdessm_fail(ctx, PDESSM_ERROR_SHAPE, "%s: operand %s is %s, expected %s (%s)",
                       pdessm_op_get(call->op)->name, operand_name(call, i).text,
                       pdessm_tensor_shape(t).text, pdessm_tensor_shape(&wanted).text, why);
}

/* Fails unless operand i has the extents of operand k. */
static inline pdessm_status expect_like(pdessm_context *ctx, const pdessm_call *call, int i,
                                        int k) {
    char why[48];
    snprintf(why, sizeof why, "the shape of %s", operand_name(call, k).text);
    return expect_shape(ctx, call, i, call->operand[k]->rank, call->operand[k]->dims, why);
}

/* Fails because operand i is not `wanted`, say "[batch, tokens, channels]". */
static inline pdessm_status refuse_shape(pdessm_context *ctx, const pdessm_call *call, int i,
                                         const char *wanted) {
    return pdessm_fail(ctx, PDESSM_ERROR_SHAPE, "%s: operand %s is %s, expected %s",
                       pdessm_op_get(call->op)->name, operand_name(call, i).text,
                       pdessm_tensor_shape(call->operand[i]).text, wanted);
}

/* Host pointers of operand i and of its gradient; NULL where there is none. */
static inline float *data(const pdessm_call *call, int i) {
    return pdessm_tensor_host(call->operand[i]);
}

static inline float *grad(const pdessm_call *call, int i) {
    return pdessm_tensor_host(call->gradient[i]);
}

/* Does gradient i add to what is there? */
static inline int adds(const pdessm_call *call, int i) {
    return (call->accumulate >> i) & 1;
}

static inline int64_t count(const pdessm_call *call, int i) {
    return pdessm_tensor_count(call->operand[i]);
}

/* The shape of a tensor as an answer of shapes(). */
static inline pdessm_shape shape_of(const pdessm_tensor *tensor) {
    pdessm_shape s = {.dtype = tensor->dtype, .rank = tensor->rank};
    for (int i = 0; i < tensor->rank; i++)
        s.dims[i] = tensor->dims[i];
    return s;
}

/* An output of the given extents. */
static inline pdessm_shape float_shape(int rank, const int64_t *dims) {
    pdessm_shape s = {.dtype = PDESSM_FLOAT32, .rank = rank};
    for (int i = 0; i < rank; i++)
        s.dims[i] = dims[i];
    return s;
}

/* One output like one input: the shapes() of elementwise operators. */
static inline pdessm_status like_first(pdessm_context *ctx, const pdessm_call *call,
                                       pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    (void)ctx;
    ret[1] = shape_of(call->operand[0]);
    return PDESSM_OK;
}

static inline pdessm_scalar scalar_int(int64_t value) {
    return (pdessm_scalar){.kind = PDESSM_SCALAR_INT, .value = {.i = (int32_t)value}};
}

static inline pdessm_scalar scalar_uint(uint32_t value) {
    return (pdessm_scalar){.kind = PDESSM_SCALAR_UINT, .value = {.u = value}};
}

static inline pdessm_scalar scalar_float(double value) {
    return (pdessm_scalar){.kind = PDESSM_SCALAR_FLOAT, .value = {.f = (float)value}};
}

/* Launches one kernel: launch(l, call, &(pdessm_kernel){.name = "gelu_forward", ...}). */
static inline pdessm_status launch(const pdessm_launcher *launcher, const pdessm_call *call,
                                   const pdessm_kernel *kernel) {
    return launcher->backend->launch(launcher->state, call, kernel);
}

/* A kernel with one work-item for each element and the element count as its one scalar. */
static inline pdessm_status launch_elements(const pdessm_launcher *launcher,
                                            const pdessm_call *call, const char *name, int64_t n) {
    return launch(launcher, call,
                  &(pdessm_kernel){.name = name,
                                   .dims = 1,
                                   .global = {(size_t)n},
                                   .scalar_count = 1,
                                   .scalar = {scalar_int(n)}});
}

/* The same with further whole numbers. */
static inline pdessm_status launch_integers(const pdessm_launcher *launcher,
                                            const pdessm_call *call, const char *name,
                                            int64_t items, int n, const int64_t *values) {
    pdessm_kernel kernel = {.name = name, .dims = 1, .global = {(size_t)items}, .scalar_count = n};
    for (int i = 0; i < n; i++)
        kernel.scalar[i] = scalar_int(values[i]);
    return launch(launcher, call, &kernel);
}

/* Where a choice of tuning.h is made. */
static inline pdessm_site site_of(const pdessm_call *call, const pdessm_launcher *launcher) {
    return (pdessm_site){call, launcher->info, NULL, launcher->tuning};
}

static inline pdessm_site host_site(const pdessm_call *call, const pdessm_host *host) {
    return (pdessm_site){call, NULL, host, host->tuning};
}

/* Do kernels take their CPU form on this device (CPU_FORM in cl/common.clh)? */
static inline int cpu_form(const pdessm_launcher *launcher) {
    return launcher->info->kind == PDESSM_DEVICE_OPENCL_CPU;
}

/* Work-items of kernels whose items take SPAN consecutive elements: 1024 on CPUs, else one. */
static inline int64_t spans(const pdessm_launcher *launcher, int64_t n) {
    return cpu_form(launcher) ? (n + 1023) / 1024 : n;
}

/* Sums n terms in a fixed order on a device. Kernel `part` runs with the scalars (n, items, begin,
 * stride, length) and the floats: item i adds up the terms i * begin, i * begin + stride, ...,
 * `length` of them or until n, and leaves the sum in the scratch buffer. CPUs get long runs, others
 * neighbours that read neighbours. Kernel `total`, one work-group, with the same scalars, adds the
 * parts. */
static inline pdessm_status launch_sum(const pdessm_launcher *launcher, const pdessm_call *call,
                                       int64_t n, const char *part, const char *total,
                                       const double *floats, int float_count) {
    pdessm_status status = PDESSM_OK;
    int cpu = cpu_form(launcher);
    int64_t wanted = cpu ? (n + 4095) / 4096 : (n + 15) / 16, most = cpu ? 256 : 65536;
    int64_t items = wanted < most ? wanted : most, length = (n + items - 1) / items;
    pdessm_kernel kernel = {.name = part,
                            .dims = 1,
                            .global = {(size_t)items},
                            .scratch_bytes = (size_t)items * sizeof(float),
                            .scalar_count = 5 + float_count,
                            .scalar = {scalar_int(n), scalar_int(items),
                                       scalar_int(cpu ? length : 1), scalar_int(cpu ? 1 : items),
                                       scalar_int(length)}};
    for (int i = 0; i < float_count; i++)
        kernel.scalar[5 + i] = scalar_float(floats[i]);
    PDESSM_TRY(launch(launcher, call, &kernel));
    kernel.name = total;
    kernel.local[0] = cpu ? 1 : launcher->info->max_work_group < 256 ? 32 : 256;
    kernel.global[0] = kernel.local[0];
    PDESSM_TRY(launch(launcher, call, &kernel));
out:
    return status;
}

/* How a device sums the rows of [samples, rows, columns]: the rows of a sample are cut into pieces
 * whose sums, [samples, pieces, sums, columns], lie in the scratch buffer in between. */
typedef struct device_columns {
    int64_t piece, pieces;
    size_t items; /* along the columns: a CPU takes 16 columns at a time */
    size_t scratch_bytes;
} device_columns;

static inline device_columns plan_columns(const pdessm_launcher *launcher, int64_t samples,
                                          int64_t rows, int64_t columns, int sums) {
    device_columns c;
    int64_t wanted = (cpu_form(launcher) ? 1024 : 65536) / (samples * columns) + 1;
    c.piece = (rows + wanted - 1) / wanted;
    c.piece = c.piece < 32 ? 32 : c.piece;
    c.pieces = (rows + c.piece - 1) / c.piece;
    c.items = (size_t)(cpu_form(launcher) ? (columns + 15) / 16 : columns);
    c.scratch_bytes = (size_t)(samples * c.pieces * sums * columns) * sizeof(float);
    return c;
}

#endif
