/* SPDX-License-Identifier: MIT */
/* blas.c: finds a BLAS at run time and does not trust it before it has multiplied. */
#define _GNU_SOURCE
#include "device/blas.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"

void pdessm_blas_close(pdessm_blas **blas) {
    free(*blas);
    *blas = NULL;
}

#ifndef PDESSM_WITH_CBLAS

static pdessm_status find_blas(pdessm_context *ctx, int asked, pdessm_blas **ret) {
    if (asked)
        pdessm_log(ctx, PDESSM_LOG_WARNING,
                   "PDESSM_GEMM=cblas: this program was built without CBLAS, its own matrix "
                   "product is used; build with -Dcblas=enabled");
    *ret = NULL;
    return PDESSM_OK;
}

#else

/* ------------------------------------------------------------------ probe products */

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112, LARGEST = 384 };

struct probe {
    int m, n, k, transpose_a, transpose_b;
    float beta;
};

/* Below, at and above the tiles that libraries cut a product into, up to the largest block that we
 * ask for (fallback/gemm.c), and sums longer than their blocks. */
static const struct probe probes[] = {
    {1, 1, 1, 0, 0, 0},     {3, 5, 7, 0, 1, 0},      {16, 16, 384, 1, 0, 1},
    {33, 65, 40, 0, 0, 1},  {96, 96, 96, 0, 1, 0},   {61, 128, 127, 1, 1, 1},
    {128, 32, 64, 0, 1, 1}, {128, 128, 31, 1, 0, 0}, {224, 384, 17, 0, 1, 1},
};

/* The largest error of C = A B + beta C, relative to the size of the sums. */
static double probe_error(const struct probe *p, const float *a, const float *b,
                          const float *before, const float *after) {
    double worst = 0;
    for (int i = 0; i < p->m; i++)
        for (int j = 0; j < p->n; j++) {
            double sum = p->beta != 0 ? (double)before[i * LARGEST + j] * p->beta : 0, size = 1;
            for (int k = 0; k < p->k; k++) {
                double term = (double)a[p->transpose_a ? k * LARGEST + i : i * LARGEST + k] *
                              b[p->transpose_b ? j * LARGEST + k : k * LARGEST + j];
                sum += term;
                size += fabs(term);
            }
            double error = fabs(after[i * LARGEST + j] - sum) / size;
            if (!(error <= worst)) /* so that NaN counts as an error */
                worst = isnan(error) ? INFINITY : error;
        }
    return worst;
}

/* Does it write what it should, and nothing else? */
static int computes(pdessm_sgemm sgemm, const struct probe *p, float *x) {
    const int block = LARGEST * LARGEST;
    float *a = x, *b = x + block, *before = x + 2 * block, *after = x + 3 * block;
    pdessm_quick_fill(a, LARGEST * LARGEST, 1);
    pdessm_quick_fill(b, LARGEST * LARGEST, 2);
    pdessm_quick_fill(before, LARGEST * LARGEST, 3);
    for (int i = 0; i < block && p->beta == 0; i++)
        before[i] = NAN; /* beta = 0 means that C is not read */
    memcpy(after, before, (size_t)block * sizeof *after);
    sgemm(ROW_MAJOR, p->transpose_a ? TRANSPOSED : PLAIN, p->transpose_b ? TRANSPOSED : PLAIN, p->m,
          p->n, p->k, 1.0f, a, LARGEST, b, LARGEST, p->beta, after, LARGEST);
    for (int i = 0; i < block; i++) {
        int inside = i / LARGEST < p->m && i % LARGEST < p->n;
        if (!inside && memcmp(&before[i], &after[i], sizeof *after) != 0)
            return 0;
    }
    return probe_error(p, a, b, before, after) < 1e-6;
}

static pdessm_status is_right(pdessm_context *ctx, pdessm_sgemm sgemm, int *ret) {
    pdessm_status status = PDESSM_OK;
    float *x = NULL;
    int right = 1;
    PDESSM_TRY(pdessm_alloc(ctx, 4 * LARGEST * LARGEST, sizeof *x, &x));
    for (size_t i = 0; right && i < sizeof probes / sizeof *probes; i++)
        right = computes(sgemm, &probes[i], x);
    *ret = right;
out:
    free(x);
    return status;
}

/* ------------------------------------------------------------------ find */

static const char *const libraries[] = {"libopenblas.so.0", "libopenblas.so", "libblis.so.4",
                                        "libcblas.so.3", "libblas.so.3"};

/* Function pointers come out of dlsym() as data pointers. */
static int take(void *handle, const char *name, void *ret_function) {
    void *symbol = dlsym(handle, name);
    memcpy(ret_function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static void use_one_thread(void *handle) {
    static const char *const setters[] = {"openblas_set_num_threads", "MKL_Set_Num_Threads"};
    void (*set)(int);
    void (*set_blis)(int64_t);
    for (size_t i = 0; i < sizeof setters / sizeof *setters; i++)
        if (take(handle, setters[i], &set))
            set(1);
    if (take(handle, "bli_thread_set_num_threads", &set_blis))
        set_blis(1);
}

static int load(pdessm_blas *blas) {
    void *handle = RTLD_DEFAULT;
    int found = take(handle, "cblas_sgemm", &blas->sgemm);
    for (size_t i = 0; !found && i < sizeof libraries / sizeof *libraries; i++) {
        /* Stays open until the process ends: its threads would not survive less. */
        handle = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
        found = handle && take(handle, "cblas_sgemm", &blas->sgemm);
    }
    if (!found)
        return 0;
    use_one_thread(handle);
    Dl_info info;
    void *address;
    memcpy(&address, &blas->sgemm, sizeof address);
    int known = dladdr(address, &info) && info.dli_fname;
    snprintf(blas->place, sizeof blas->place, "%s", known ? info.dli_fname : "this process");
    return 1;
}

static pdessm_status find_blas(pdessm_context *ctx, int asked, pdessm_blas **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_blas *blas = NULL;
    int right = 0;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *blas, &blas));
    if (load(blas)) {
        PDESSM_TRY(is_right(ctx, blas->sgemm, &right));
        if (!right)
            pdessm_log(ctx, PDESSM_LOG_WARNING,
                       "cblas_sgemm of %s computes wrong products; our own matrix product is used "
                       "instead (PDESSM_GEMM=own avoids the trial)",
                       blas->place);
    } else if (asked) {
        pdessm_log(ctx, PDESSM_LOG_WARNING,
                   "PDESSM_GEMM=cblas: no BLAS found, our own matrix product is used; Debian, "
                   "Ubuntu: apt install libopenblas0-pthread");
    }
    if (!right)
        pdessm_blas_close(&blas);
    *ret = blas;
    blas = NULL;
out:
    pdessm_blas_close(&blas);
    return status;
}

#endif

pdessm_status pdessm_blas_open(pdessm_context *ctx, const char *choice, int own_is_faster,
                               pdessm_blas **ret) {
    choice = choice && *choice ? choice : "auto";
    int asked = strcmp(choice, "cblas") == 0, chosen = strcmp(choice, "auto") == 0;
    if (!asked && !chosen && strcmp(choice, "own") != 0)
        return pdessm_fail(
            ctx, PDESSM_ERROR_ARGUMENT,
            "'%s' is not a matrix product; expected auto, own or cblas (PDESSM_GEMM)", choice);
    if (asked || (chosen && !own_is_faster))
        return find_blas(ctx, asked, ret);
    *ret = NULL;
    return PDESSM_OK;
}
