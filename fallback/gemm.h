/* SPDX-License-Identifier: MIT */
/* gemm.h: matrix products, C = [C +] A B [+ bias], for the operators of this folder. */
#ifndef PDESSM_FALLBACK_GEMM_H
#define PDESSM_FALLBACK_GEMM_H

#include "fallback.h"
#include "simd.h"

/* The register tile: GEMM_ROWS x GEMM_COLUMNS sums, two vectors wide. With two more registers for B
 * and one for A it fills the 32 registers of AVX-512 and the 16 of AVX and SSE. */
#if defined(__AVX512F__)
enum { GEMM_ROWS = 14 };
#else
enum { GEMM_ROWS = 6 };
#endif
enum { GEMM_COLUMNS = 2 * LANES };

/* A is m x k and B is k x n, both with any strides (in elements); C is m x n with rows that are
 * contiguous. C may be cut into parts: columns [p n/parts, (p+1) n/parts) begin at c + p c_part. */
struct gemm {
    int64_t m, n, k;
    const float *a, *b;
    int64_t a_row, a_column, b_row, b_column;
    float *c;
    int64_t c_row;
    int64_t parts, c_part;
    const float *bias;  /* n values that are added to every row, or NULL */
    int add;            /* C is added to */
    pdessm_sgemm sgemm; /* NULL: our own kernel */
};

/* Every sum is taken in one order, whatever the number of threads. Needs gemm_scratch() bytes of
 * scratch in each worker of the pool, and uses all of it. */
void FALLBACK(gemm)(pdessm_pool *pool, const struct gemm *g);
size_t FALLBACK(gemm_scratch)(const struct gemm *g);

/* One register tile, for operators that walk through their blocks on their own:
 * C[i][j] = start + sum over k of a[i a_row + k a_column] b[k GEMM_COLUMNS + j]
 * for i < rows <= GEMM_ROWS, j < columns <= GEMM_COLUMNS; start is C[i][j] if add, plus bias[j]
 * if bias is not NULL. b is a panel of FALLBACK(gemm_pack). */
void FALLBACK(gemm_tile)(int64_t rows, int64_t columns, int64_t k, const float *a, int64_t a_row,
                         int64_t a_column, const float *b, float *c, int64_t c_row, int add,
                         const float *bias);

/* panel[k stride + i] = source[i step + k depth_step] for i < width, k < depth; zero for the rest
 * of the `stride` columns. */
void FALLBACK(gemm_pack)(float *panel, int64_t stride, const float *source, int64_t step,
                         int64_t depth_step, int64_t width, int64_t depth);

#endif
