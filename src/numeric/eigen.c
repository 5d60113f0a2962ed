/* SPDX-License-Identifier: MIT */
/* eigen.c: the symmetric eigenproblem through LAPACKE, which is opened when first needed. */
#define _GNU_SOURCE
#include "numeric/eigen.h"

#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/context.h"

enum { COLUMN_MAJOR = 102, LARGEST = 32768 }; /* above it n * n work space leaves LAPACK's int */

typedef int (*dsyevd)(int layout, char job, char triangle, int n, double *a, int stride, double *w);

static const char *const libraries[] = {"liblapacke.so.3", "liblapacke.so", "libopenblas.so.0",
                                        "libopenblas.so"};

/* Function pointers come out of dlsym() as data pointers. */
static int take(void *handle, dsyevd *ret) {
    void *symbol = dlsym(handle, "LAPACKE_dsyevd");
    memcpy(ret, &symbol, sizeof symbol);
    return symbol != NULL;
}

/* A program's own LAPACKE goes first. What is opened stays so until the process ends, because the
 * threads of a BLAS below it would not survive less; opening it again costs microseconds. */
static int find(dsyevd *ret) {
    int found = take(RTLD_DEFAULT, ret);
    for (size_t i = 0; !found && i < sizeof libraries / sizeof *libraries; i++) {
        void *handle = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
        found = handle && take(handle, ret);
        if (handle && !found)
            dlclose(handle);
    }
    return found;
}

static int all_finite(const double *x, int64_t n) {
    int finite = 1;
    for (int64_t i = 0; i < n; i++)
        finite &= isfinite(x[i]) != 0;
    return finite;
}

pdessm_status pdessm_symmetric_eigen(pdessm_context *ctx, int64_t n, double *matrix,
                                     double *ret_values) {
    dsyevd solve;
    if (n < 1 || n > LARGEST)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                           "eigenvectors of a matrix of %lld rows; expected 1 to %d", (long long)n,
                           LARGEST);
    if (!all_finite(matrix, n * n))
        return pdessm_fail(ctx, PDESSM_ERROR_NUMERIC,
                           "eigenvectors of a %lld x %lld matrix with an entry that is not finite",
                           (long long)n, (long long)n);
    if (!find(&solve))
        return pdessm_fail(ctx, PDESSM_ERROR_UNSUPPORTED,
                           "no LAPACKE found (%s), which eigenvectors need; Debian, Ubuntu: apt "
                           "install liblapacke",
                           libraries[0]);
    /* Row-major upper is column-major lower, and columns of eigenvectors are rows of ours. */
    int code = solve(COLUMN_MAJOR, 'V', 'L', (int)n, matrix, (int)n, ret_values);
    if (code != 0)
        return pdessm_fail(ctx, code < -1000 ? PDESSM_ERROR_MEMORY : PDESSM_ERROR_NUMERIC,
                           "LAPACKE_dsyevd of a %lld x %lld matrix failed with %d%s", (long long)n,
                           (long long)n, code, code < -1000 ? ": out of memory" : "");
    return PDESSM_OK;
}
