/* SPDX-License-Identifier: MIT */
/* gemm.c: matrix products of CLBlast, if there is one and it computes what it should.
 *
 * CLBlast is opened on first use. CLBlastSgemm is looked for among the process's own symbols first,
 * so that a preloaded or linked-in one (a debug build, a test's faulty one) is taken before the
 * installed library's. Versions before 1.6.3 return wrong products on some GPUs, which no version
 * check finds reliably, so a device's first product is preceded by a check of the library itself.
 *
 * PDESSM_CLBLAST=off never uses it. On CPU devices it is used only with PDESSM_CLBLAST=on: untuned
 * there, it reached 5 to 22 GFLOP/s on PoCL against 90 to 134 for our kernel, and its first call
 * compiles for 24 s. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "device/ocl/ocl.h"

#ifdef PDESSM_HAVE_CLBLAST
#include <clblast_c.h>

#define LIBRARY "libclblast.so.1"

typedef CLBlastStatusCode (*sgemm_fn)(CLBlastLayout, CLBlastTranspose, CLBlastTranspose, size_t,
                                      size_t, size_t, float, cl_mem, size_t, size_t, cl_mem, size_t,
                                      size_t, float, cl_mem, size_t, size_t, cl_command_queue *,
                                      cl_event *);

typedef struct pdessm_ocl_gemm {
    sgemm_fn sgemm;
    char refusal[512]; /* why CLBlast is not used here; empty when it is */
} gemm_state;

/* One product, offsets and leading dimensions in elements. */
struct product {
    int transpose_a, transpose_b;
    size_t m, n, k;
    float alpha, beta;
    cl_mem a, b, c;
    size_t a_offset, b_offset, c_offset, lda, ldb, ldc;
};

static CLBlastStatusCode multiply(pdessm_ocl *o, const struct product *p, cl_event *event) {
    return o->gemm->sgemm(CLBlastLayoutRowMajor,
                          p->transpose_a ? CLBlastTransposeYes : CLBlastTransposeNo,
                          p->transpose_b ? CLBlastTransposeYes : CLBlastTransposeNo, p->m, p->n,
                          p->k, p->alpha, p->a, p->a_offset, p->lda, p->b, p->b_offset, p->ldb,
                          p->beta, p->c, p->c_offset, p->ldc, &o->queue, event);
}

/* ------------------------------------------------------------------ self-check */

/* Entries are integers of at most 6 bits and their signs, so every sum below 2^24 is exact in
 * float32 and the product has to be exact, whatever the order of the sums; a product in half
 * precision would not be. Odd extents, either side of CLBlast's switch from its direct to its
 * indirect kernels (about 128^3 untuned, up to 768^3 on tuned devices), every transpose, both
 * betas. */
static const struct probe {
    int transpose_a, transpose_b;
    size_t m, n, k;
    float beta;
} probes[] = {
    {0, 0, 33, 17, 65, 0},    {0, 1, 64, 96, 31, 1},    {1, 0, 129, 131, 67, 0},
    {1, 1, 5, 257, 100, 1},   {0, 0, 131, 200, 137, 1}, {0, 1, 257, 129, 140, 0},
    {1, 0, 190, 161, 300, 1}, {1, 1, 129, 140, 255, 0}, {0, 1, 775, 781, 769, 1},
};

enum { LARGEST = 781, MARGIN = 3 };

/* A small generator of integers in [-63, 63], so that a failure can be repeated. */
static void fill(float *x, size_t count, uint32_t seed) {
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)(int)(pdessm_quick(&seed) >> 25) - 63.0f;
        if (x[i] > 63.0f)
            x[i] = 0.0f;
    }
}

/* y = op(X) v for row-major op(X) of rows x cols. */
static void apply(const float *x, int transpose, size_t rows, size_t cols, const double *v,
                  double *y) {
    for (size_t i = 0; i < rows; i++) {
        double sum = 0;
        for (size_t j = 0; j < cols; j++)
            sum += (double)(transpose ? x[j * rows + i] : x[i * cols + j]) * v[j];
        y[i] = sum;
    }
}

struct check {
    float *a, *b, *before, *after;
    double *v, *bv, *abv, *cv, *dv;
};

/* Compares C' v with A (B v) + beta C v: n^2 work instead of n^3, so that large products can be
 * probed, and an equality of integers, so that a single wrong element shows (v is 1 .. 1021, odd
 * multiples). Elements beyond C must keep their values. */
static int is_right(const struct probe *p, const struct check *c) {
    for (size_t j = 0; j < p->n; j++)
        c->v[j] = (double)(j * 389 % 1021 + 1);
    apply(c->b, p->transpose_b, p->k, p->n, c->v, c->bv);
    apply(c->a, p->transpose_a, p->m, p->k, c->bv, c->abv);
    apply(c->before + MARGIN, 0, p->m, p->n, c->v, c->cv);
    apply(c->after + MARGIN, 0, p->m, p->n, c->v, c->dv);
    for (size_t i = 0; i < p->m; i++)
        if (!(c->dv[i] == c->abv[i] + (double)p->beta * c->cv[i])) /* true for NaN */
            return 0;
    size_t end = MARGIN + p->m * p->n;
    return memcmp(c->before, c->after, MARGIN * sizeof(float)) == 0 &&
           memcmp(c->before + end, c->after + end, MARGIN * sizeof(float)) == 0;
}

/* Runs one probe; *ret_right says whether the product was right. */
static pdessm_status probe_one(pdessm_ocl *o, const struct probe *p, const struct check *c,
                               void *const buffer[3], int *ret_right) {
    pdessm_status status = PDESSM_OK;
    size_t an = p->m * p->k, bn = p->k * p->n, cn = p->m * p->n + 2 * MARGIN;
    fill(c->a, an, 1);
    fill(c->b, bn, 2);
    fill(c->before, cn, 3);
    PDESSM_TRY(pdessm_ocl_write(o, buffer[0], 0, an * sizeof(float), c->a));
    PDESSM_TRY(pdessm_ocl_write(o, buffer[1], 0, bn * sizeof(float), c->b));
    PDESSM_TRY(pdessm_ocl_write(o, buffer[2], 0, cn * sizeof(float), c->before));
    struct product product = {.transpose_a = p->transpose_a,
                              .transpose_b = p->transpose_b,
                              .m = p->m,
                              .n = p->n,
                              .k = p->k,
                              .alpha = 1.0f,
                              .beta = p->beta,
                              .a = buffer[0],
                              .b = buffer[1],
                              .c = buffer[2],
                              .c_offset = MARGIN,
                              .lda = p->transpose_a ? p->m : p->k,
                              .ldb = p->transpose_b ? p->k : p->n,
                              .ldc = p->n};
    CLBlastStatusCode code = multiply(o, &product, NULL);
    PDESSM_REQUIRE(o->ctx, code == CLBlastSuccess, PDESSM_ERROR_UNSUPPORTED,
                   "CLBlast fails with status %d on '%s'", (int)code, o->info.name);
    PDESSM_TRY(pdessm_ocl_read(o, buffer[2], 0, cn * sizeof(float), c->after));
    *ret_right = is_right(p, c);
out:
    return status;
}

static pdessm_status allocate_check(pdessm_ocl *o, struct check *c, void *buffer[3]) {
    pdessm_status status = PDESSM_OK;
    size_t matrix = (size_t)LARGEST * LARGEST + 2 * MARGIN;
    float **floats[] = {&c->a, &c->b, &c->before, &c->after};
    double **doubles[] = {&c->v, &c->bv, &c->abv, &c->cv, &c->dv};
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        PDESSM_TRY(pdessm_alloc(o->ctx, matrix, sizeof(float), floats[i]));
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        PDESSM_TRY(pdessm_alloc(o->ctx, LARGEST, sizeof(double), doubles[i]));
    for (int i = 0; i < 3; i++)
        PDESSM_TRY(pdessm_ocl_buffer_create(o, matrix * sizeof(float), &buffer[i]));
out:
    return status;
}

static void free_check(pdessm_ocl *o, struct check *c, void *buffer[3]) {
    float *floats[] = {c->a, c->b, c->before, c->after};
    double *doubles[] = {c->v, c->bv, c->abv, c->cv, c->dv};
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        free(floats[i]);
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        free(doubles[i]);
    for (int i = 0; i < 3; i++)
        pdessm_ocl_buffer_destroy(o, buffer[i]);
}

/* OK when every probe is right; else ERROR_UNSUPPORTED, the message naming the first that is not.
 */
static pdessm_status self_check(pdessm_ocl *o) {
    pdessm_status status = PDESSM_OK;
    struct check c = {0};
    void *buffer[3] = {0};
    PDESSM_TRY(allocate_check(o, &c, buffer));
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        const struct probe *p = &probes[i];
        int right = 0;
        PDESSM_TRY(probe_one(o, p, &c, buffer, &right));
        PDESSM_REQUIRE(o->ctx, right, PDESSM_ERROR_UNSUPPORTED,
                       "CLBlast computes a wrong %s%s product (%zu x %zu x %zu, beta %g) on '%s' "
                       "and is not used there; versions before 1.6.3 are known for it, so install "
                       "a newer one",
                       p->transpose_a ? "T" : "N", p->transpose_b ? "T" : "N", p->m, p->n, p->k,
                       (double)p->beta, o->info.name);
    }
out:
    free_check(o, &c, buffer);
    return status;
}

/* ------------------------------------------------------------------ first use */

static sgemm_fn find_sgemm(void) {
    sgemm_fn sgemm = NULL;
    void *symbol = dlsym(RTLD_DEFAULT, "CLBlastSgemm");
    if (!symbol) {
        /* Never closed: it keeps compiled kernels, and drivers dislike libraries that go away. */
        void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
        symbol = library ? dlsym(library, "CLBlastSgemm") : NULL;
    }
    memcpy(&sgemm, &symbol, sizeof sgemm);
    return sgemm;
}

/* Why CLBlast is not wanted here, or NULL. */
static const char *not_wanted(const pdessm_ocl *o) {
    const char *setting = getenv("PDESSM_CLBLAST");
    if (setting && strcmp(setting, "off") == 0)
        return "CLBlast is switched off (PDESSM_CLBLAST=off)";
    if (o->info.kind == PDESSM_DEVICE_OPENCL_CPU && !(setting && strcmp(setting, "on") == 0))
        return "CLBlast is slower than our own kernel on CPU devices (PDESSM_CLBLAST=on uses it)";
    return NULL;
}

static pdessm_status begin(pdessm_ocl *o) {
    pdessm_status status = PDESSM_OK;
    const char *reason = not_wanted(o);
    PDESSM_REQUIRE(o->ctx, !reason, PDESSM_ERROR_UNSUPPORTED, "%s", reason);
    o->gemm->sgemm = find_sgemm();
    PDESSM_REQUIRE(o->ctx, o->gemm->sgemm, PDESSM_ERROR_UNSUPPORTED,
                   "there is no " LIBRARY " (Debian, Ubuntu: apt install libclblast1)");
    status = self_check(o);
    if (status == PDESSM_ERROR_UNSUPPORTED)
        pdessm_log(o->ctx, PDESSM_LOG_WARNING, "%s", o->ctx->error);
out:
    return status;
}

/* Keeps the context's message as the reason why CLBlast is closed from here on. */
static pdessm_status refuse(pdessm_ocl *o) {
    snprintf(o->gemm->refusal, sizeof o->gemm->refusal, "%s", o->ctx->error);
    return PDESSM_ERROR_UNSUPPORTED;
}

pdessm_status pdessm_ocl_gemm_run(void *state, const pdessm_call *call, const pdessm_gemm *gemm) {
    pdessm_ocl *o = state;
    pdessm_status status = PDESSM_OK;
    if (!o->gemm) {
        PDESSM_TRY(pdessm_alloc(o->ctx, 1, sizeof *o->gemm, &o->gemm));
        status = begin(o);
        if (status == PDESSM_ERROR_UNSUPPORTED)
            refuse(o);
        else if (status != PDESSM_OK)
            pdessm_ocl_gemm_destroy(o); /* out of memory, say: not CLBlast's fault, so ask again */
        if (status != PDESSM_OK)
            goto out;
    }
    PDESSM_REQUIRE(o->ctx, !*o->gemm->refusal, PDESSM_ERROR_UNSUPPORTED, "%s", o->gemm->refusal);
    struct product product = {
        .transpose_a = gemm->transpose_a,
        .transpose_b = gemm->transpose_b,
        .m = (size_t)gemm->m,
        .n = (size_t)gemm->n,
        .k = (size_t)gemm->k,
        .alpha = gemm->alpha,
        .beta = gemm->beta,
        .a = gemm->a->storage->remote,
        .b = gemm->b->storage->remote,
        .c = gemm->c->storage->remote,
        .a_offset = pdessm_ocl_offset(gemm->a) + (size_t)gemm->a_offset,
        .b_offset = pdessm_ocl_offset(gemm->b) + (size_t)gemm->b_offset,
        .c_offset = pdessm_ocl_offset(gemm->c) + (size_t)gemm->c_offset,
        .lda = (size_t)gemm->lda,
        .ldb = (size_t)gemm->ldb,
        .ldc = (size_t)gemm->ldc,
    };
    CLBlastStatusCode code = multiply(o, &product, pdessm_ocl_profile_span(o, call));
    if (code != CLBlastSuccess) {
        pdessm_fail(o->ctx, PDESSM_ERROR_UNSUPPORTED,
                    "CLBlast failed at %zu x %zu x %zu with status %d on '%s' and is not used any "
                    "more; PDESSM_CLBLAST=off avoids it from the start",
                    product.m, product.n, product.k, (int)code, o->info.name);
        pdessm_log(o->ctx, PDESSM_LOG_WARNING, "%s", o->ctx->error);
        status = refuse(o);
        goto out;
    }
    pdessm_ocl_queued(o);
out:
    return status;
}

void pdessm_ocl_gemm_destroy(pdessm_ocl *o) {
    free(o->gemm);
    o->gemm = NULL;
}

#else

pdessm_status pdessm_ocl_gemm_run(void *state, const pdessm_call *call, const pdessm_gemm *gemm) {
    pdessm_ocl *o = state;
    (void)call;
    (void)gemm;
    return pdessm_fail(o->ctx, PDESSM_ERROR_UNSUPPORTED,
                       "this build has no CLBlast (its header was missing: libclblast-dev)");
}

void pdessm_ocl_gemm_destroy(pdessm_ocl *o) {
    (void)o;
}

#endif
