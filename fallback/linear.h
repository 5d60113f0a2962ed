/* SPDX-License-Identifier: MIT */
/* linear.h: what a fully connected layer works on. */
#ifndef PDESSM_FALLBACK_LINEAR_H
#define PDESSM_FALLBACK_LINEAR_H

#include <stdint.h>

/* cblas_sgemm: order (101: row-major), transpose A, transpose B (111 no, 112 yes), m, n, k, alpha,
 * A, lda, B, ldb, beta, C, ldc. */
typedef void (*pdessm_sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k,
                             float alpha, const float *a, int lda, const float *b, int ldb,
                             float beta, float *c, int ldc);

/* y = x weight^T + bias: x is [m, k], weight [n, k], bias [n] or NULL, y [parts, m, n/parts]. */
typedef struct pdessm_linear_job {
    int64_t m, n, k, parts;
    const float *x, *weight, *bias;
    pdessm_sgemm sgemm; /* computes the products; NULL: our own kernel */
} pdessm_linear_job;

/* Gradients that the backward pass writes; NULL: not wanted. */
typedef struct pdessm_linear_gradients {
    float *x, *weight, *bias;
    int add_x, add_weight, add_bias;
} pdessm_linear_gradients;

#endif
