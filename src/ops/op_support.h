/* SPDX-License-Identifier: MIT */
/* op_support.h: the few words that every operator's file uses. */
#ifndef PDESSM_OPS_OP_SUPPORT_H
#define PDESSM_OPS_OP_SUPPORT_H

#include "device/backend.h"
#include "device/op.h"
#include "fallback.h"

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

#endif
