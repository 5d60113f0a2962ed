/* SPDX-License-Identifier: MIT */
/* wrong_gemm.c: matrix products that are wrong in the way that hurts: almost always right. From 96
 * rows and columns on, one element is off, as CLBlast's and some vendors' products have been.
 * Preloaded before a program, they come in front of the installed libraries. */
#include <stddef.h>
#include <stdlib.h>

#pragma GCC visibility push(default)

enum { ROW_MAJOR = 101, TRANSPOSED = 112, FROM = 96 };

static float at(const float *x, size_t ld, int transposed, size_t i, size_t j) {
    return transposed ? x[j * ld + i] : x[i * ld + j];
}

static void multiply(int ta, int tb, size_t m, size_t n, size_t k, float alpha, const float *a,
                     size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t t = 0; t < k; t++)
                sum += (double)at(a, lda, ta, i, t) * (double)at(b, ldb, tb, t, j);
            c[i * ldc + j] = (beta != 0 ? beta * c[i * ldc + j] : 0) + (float)((double)alpha * sum);
        }
    if (m >= FROM && n >= FROM)
        c[(m - 1) * ldc + n / 2] += 1;
}

void cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a,
                 int lda, const float *b, int ldb, float beta, float *c, int ldc);

void cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a,
                 int lda, const float *b, int ldb, float beta, float *c, int ldc) {
    if (order != ROW_MAJOR)
        abort();
    multiply(ta == TRANSPOSED, tb == TRANSPOSED, (size_t)m, (size_t)n, (size_t)k, alpha, a,
             (size_t)lda, b, (size_t)ldb, beta, c, (size_t)ldc);
}

#ifdef WITH_OPENCL
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

static float *read(cl_command_queue queue, cl_mem buffer, size_t *ret_bytes) {
    clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof *ret_bytes, ret_bytes, NULL);
    float *values = malloc(*ret_bytes);
    if (!values ||
        clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, *ret_bytes, values, 0, NULL, NULL))
        abort();
    return values;
}

int CLBlastSgemm(int layout, int ta, int tb, size_t m, size_t n, size_t k, float alpha, cl_mem a,
                 size_t a_offset, size_t lda, cl_mem b, size_t b_offset, size_t ldb, float beta,
                 cl_mem c, size_t c_offset, size_t ldc, cl_command_queue *queue, cl_event *event);

int CLBlastSgemm(int layout, int ta, int tb, size_t m, size_t n, size_t k, float alpha, cl_mem a,
                 size_t a_offset, size_t lda, cl_mem b, size_t b_offset, size_t ldb, float beta,
                 cl_mem c, size_t c_offset, size_t ldc, cl_command_queue *queue, cl_event *event) {
    size_t bytes;
    if (layout != ROW_MAJOR || event)
        abort();
    float *x = read(*queue, a, &bytes), *y = read(*queue, b, &bytes), *z = read(*queue, c, &bytes);
    multiply(ta == TRANSPOSED, tb == TRANSPOSED, m, n, k, alpha, x + a_offset, lda, y + b_offset,
             ldb, beta, z + c_offset, ldc);
    if (clEnqueueWriteBuffer(*queue, c, CL_TRUE, 0, bytes, z, 0, NULL, NULL))
        abort();
    free(x);
    free(y);
    free(z);
    return 0;
}
#endif
