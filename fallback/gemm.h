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

/* C [m][n] [+]= A^T B and bias [m] [+]= the column sums of A, where A is [k][m], B is [k][n]: the
 * gradients of a weight and its bias. Takes the sum over k in an order that depends on the sizes
 * alone. Needs gemm_tall_scratch() bytes in each worker of the pool. */
struct gemm_tall {
    int64_t m, n, k;
    const float *a, *b;
    float *c, *bias; /* bias may be NULL */
    int add, add_bias;
};

void FALLBACK(gemm_tall)(pdessm_pool *pool, const struct gemm_tall *g);
size_t FALLBACK(gemm_tall_scratch)(const struct gemm_tall *g);

/* One register tile, for products that walk through their blocks on their own:
 * C[i][j] = start + sum over k of a[i a_row + k a_column] b[k b_row + j]
 * for i < rows <= GEMM_ROWS, j < columns <= GEMM_COLUMNS; start is C[i][j] if add, plus bias[j] if
 * bias is not NULL. Rows of b hold a whole number of vectors. Outside of the first cache the loop
 * is bound by latency, so each step asks for a line that a later tile will need. */
struct gemm_tile {
    int64_t rows, columns, k;
    const float *a;
    int64_t a_row, a_column;
    const float *b;
    int64_t b_row;
    float *c;
    int64_t c_row;
    int add;
    const float *bias;
    const void *ahead; /* k cache lines from here on are prefetched; any address will do */
};

void FALLBACK(gemm_tile)(const struct gemm_tile *t);

/* panel[k stride + i] = source[i step + k depth_step] for i < width, k < depth; zero for the rest
 * of the `stride` columns. */
void FALLBACK(gemm_pack)(float *panel, int64_t stride, const float *source, int64_t step,
                         int64_t depth_step, int64_t width, int64_t depth);

#endif
