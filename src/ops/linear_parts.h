/* SPDX-License-Identifier: MIT */
/* linear_parts.h: what the two files of linear share. */
#ifndef PDESSM_OPS_LINEAR_PARTS_H
#define PDESSM_OPS_LINEAR_PARTS_H

#include "ops/op_support.h"

enum { X, WEIGHT, BIAS, Y };

/* x as [m, k], weight as [n, k], y as [parts, m, n/parts]. */
struct sizes {
    int64_t m, n, k, parts, width;
};

static inline int64_t parts_of(const pdessm_call *call) {
    return call->attribute[0] > 1 ? (int64_t)call->attribute[0] : 1;
}

static inline struct sizes sizes_of(const pdessm_call *call) {
    struct sizes s = {.parts = parts_of(call)};
    s.k = pdessm_extent(call->operand[X], 1);
    s.m = count(call, X) / s.k;
    s.n = pdessm_extent(call->operand[WEIGHT], 2);
    s.width = s.n / s.parts;
    return s;
}

/* Choices; the first is plain C's. */
enum { PDESSM_LINEAR_GEMM, PDESSM_LINEAR_PRODUCT, PDESSM_LINEAR_ROWS };
enum { PDESSM_GEMM_OWN = 1, PDESSM_GEMM_CBLAS = 2 };
extern const pdessm_tunable pdessm_linear_tunable;

/* linear_device.c */
pdessm_status pdessm_linear_launch_forward(const pdessm_call *call, const pdessm_launcher *l);
pdessm_status pdessm_linear_launch_backward(const pdessm_call *call, const pdessm_launcher *l);

#endif
