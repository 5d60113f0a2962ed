/* SPDX-License-Identifier: MIT */
/* fft_plan.c: clFFT itself, which is opened on first use, and its plans.
 *
 * A plan bakes for seconds when its kernels are not in the cache on disk, so plans are kept, and
 * each is tried on an impulse before its results are believed. PDESSM_CLFFT=off never uses it. */
#ifdef PDESSM_HAVE_CLFFT
#define _GNU_SOURCE
#include "device/ocl/fft_plan.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libclFFT.so.2"

/* clFFT keeps one repository of plans for the process, made by clfftSetup and destroyed by
 * clfftTeardown, and is not safe for several threads while it bakes: the one piece of global state
 * that cannot be avoided here. */
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static int library_users;

/* ------------------------------------------------------------------ library */

static int resolve(pdessm_ocl_fft *f, void *library) {
    int missing = 0;
#define F(name)                                                                                    \
    {                                                                                              \
        void *symbol = dlsym(library, #name);                                                      \
        memcpy(&f->fn.name, &symbol, sizeof symbol);                                               \
        missing += symbol == NULL;                                                                 \
    }
    PDESSM_CLFFT_FUNCTIONS(F)
#undef F
    return !missing;
}

pdessm_status pdessm_ocl_fft_open(pdessm_ocl *o) {
    pdessm_ocl_fft *f = o->fft;
    char folder[4096];
    const char *setting = getenv("PDESSM_CLFFT");
    if (setting && strcmp(setting, "off") == 0)
        return pdessm_fail(o->ctx, PDESSM_ERROR_UNSUPPORTED,
                           "clFFT is switched off (PDESSM_CLFFT=off)");
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library || !resolve(f, library))
        return pdessm_fail(o->ctx, PDESSM_ERROR_UNSUPPORTED,
                           "there is no " LIBRARY " (Debian, Ubuntu: apt install libclfft2)");
    pthread_mutex_lock(&library_lock);
    /* clFFT knows no other way to be told; a user's own choice stands. */
    if (library_users == 0 && pdessm_ocl_cache_folder("clfft", folder, sizeof folder))
        setenv("CLFFT_CACHE_PATH", folder, 0);
    clfftStatus code = library_users == 0 ? f->fn.clfftSetup(NULL) : CLFFT_SUCCESS;
    library_users += code == CLFFT_SUCCESS;
    pthread_mutex_unlock(&library_lock);
    if (code != CLFFT_SUCCESS)
        return pdessm_fail(o->ctx, PDESSM_ERROR_UNSUPPORTED, "clFFT does not start (status %d)",
                           (int)code);
    f->have = 1;
    return PDESSM_OK;
}

void pdessm_ocl_fft_destroy(pdessm_ocl *o) {
    pdessm_ocl_fft *f = o->fft;
    if (!f)
        return;
    pthread_mutex_lock(&library_lock);
    while (f->plan) {
        pdessm_ocl_plan *p = f->plan;
        f->plan = p->next;
        if (p->handle)
            f->fn.clfftDestroyPlan(&p->handle);
        free(p);
    }
    if (f->have && --library_users == 0)
        f->fn.clfftTeardown();
    pthread_mutex_unlock(&library_lock);
    pdessm_ocl_buffer_destroy(o, f->real.buffer);
    pdessm_ocl_buffer_destroy(o, f->spectrum.buffer);
    pdessm_ocl_buffer_destroy(o, f->temporary.buffer);
    free(f);
    o->fft = NULL;
}

/* ------------------------------------------------------------------ plans */

/* clFFT factors lengths into 2, 3, 5, 7, 11, 13 and refuses others. */
static int has_small_factors(int64_t n) {
    static const int factors[] = {2, 3, 5, 7, 11, 13};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        while (n % factors[i] == 0)
            n /= factors[i];
    return n == 1;
}

static clfftStatus describe(pdessm_ocl_fft *f, pdessm_ocl_plan *p) {
    const clfftPlanHandle h = p->handle;
    const size_t height = (size_t)p->height, width = (size_t)p->width, half = width / 2 + 1;
    size_t real[2] = {1, width}, spectrum[2] = {1, half};
    clfftStatus code = CLFFT_SUCCESS;
#define SET(call)                                                                                  \
    if (code == CLFFT_SUCCESS)                                                                     \
    code = f->fn.call
    SET(clfftSetPlanBatchSize)(h, (size_t)p->planes);
    SET(clfftSetPlanScale)(h, CLFFT_FORWARD, 1.0f);
    SET(clfftSetPlanScale)(h, CLFFT_BACKWARD, 1.0f);
    SET(clfftSetResultLocation)(h, CLFFT_OUTOFPLACE);
    SET(clfftSetLayout)
    (h, p->inverse ? CLFFT_HERMITIAN_INTERLEAVED : CLFFT_REAL,
     p->inverse ? CLFFT_REAL : CLFFT_HERMITIAN_INTERLEAVED);
    SET(clfftSetPlanInStride)(h, CLFFT_2D, p->inverse ? spectrum : real);
    SET(clfftSetPlanOutStride)(h, CLFFT_2D, p->inverse ? real : spectrum);
    SET(clfftSetPlanDistance)
    (h, height * (p->inverse ? half : width), height * (p->inverse ? width : half));
#undef SET
    return code;
}

static clfftStatus bake(pdessm_ocl *o, pdessm_ocl_plan *p) {
    pdessm_ocl_fft *f = o->fft;
    size_t lengths[2] = {(size_t)p->width, (size_t)p->height};
    pthread_mutex_lock(&library_lock);
    clfftStatus code = f->fn.clfftCreateDefaultPlan(&p->handle, o->context, CLFFT_2D, lengths);
    if (code == CLFFT_SUCCESS)
        code = describe(f, p);
    if (code == CLFFT_SUCCESS)
        code = f->fn.clfftBakePlan(p->handle, 1, &o->queue, NULL, NULL);
    if (code == CLFFT_SUCCESS)
        code = f->fn.clfftGetTmpBufSize(p->handle, &p->temporary_bytes);
    pthread_mutex_unlock(&library_lock);
    return code;
}

static void close_plan(pdessm_ocl *o, pdessm_ocl_plan *p) {
    pthread_mutex_lock(&library_lock);
    if (p->handle)
        o->fft->fn.clfftDestroyPlan(&p->handle);
    p->handle = 0;
    pthread_mutex_unlock(&library_lock);
}

/* A plan that failed once is not asked again. */
pdessm_status pdessm_ocl_plan_run(pdessm_ocl *o, pdessm_ocl_plan *p) {
    pdessm_ocl_fft *f = o->fft;
    pdessm_status status = PDESSM_OK;
    if (p->temporary_bytes > 0)
        PDESSM_TRY(
            pdessm_ocl_grow(o, &f->temporary.buffer, &f->temporary.bytes, p->temporary_bytes));
    cl_mem *in = p->inverse ? &f->spectrum.buffer : &f->real.buffer;
    cl_mem *out = p->inverse ? &f->real.buffer : &f->spectrum.buffer;
    pthread_mutex_lock(&library_lock);
    clfftStatus code = f->fn.clfftEnqueueTransform(
        p->handle, p->inverse ? CLFFT_BACKWARD : CLFFT_FORWARD, 1, &o->queue, 0, NULL, NULL, in,
        out, p->temporary_bytes > 0 ? f->temporary.buffer : NULL);
    pthread_mutex_unlock(&library_lock);
    if (code != CLFFT_SUCCESS) {
        close_plan(o, p);
        status = pdessm_fail(o->ctx, PDESSM_ERROR_UNSUPPORTED,
                             "clFFT failed at %lld planes of %lld x %lld with status %d on '%s' "
                             "and is not used for them any more",
                             (long long)p->planes, (long long)p->height, (long long)p->width,
                             (int)code, o->info.name);
        pdessm_log(o->ctx, PDESSM_LOG_WARNING, "%s", o->ctx->error);
        goto out;
    }
    pdessm_ocl_queued(o);
out:
    return status;
}

/* ------------------------------------------------------------------ trial */

/* An impulse at (y, x), and its spectrum exp(-2 pi i (ky y / H + kx x / W)). */
enum { IMPULSE_Y = 1, IMPULSE_X = 1 };

static void impulse(const pdessm_ocl_plan *p, float *ret) {
    memset(ret, 0, (size_t)(p->height * p->width) * sizeof *ret);
    ret[IMPULSE_Y * p->width + IMPULSE_X] = 1.0f;
}

static void impulse_spectrum(const pdessm_ocl_plan *p, float *ret) {
    const int64_t half = p->width / 2 + 1;
    for (int64_t ky = 0; ky < p->height; ky++) {
        for (int64_t kx = 0; kx < half; kx++) {
            double phase = -2 * M_PI *
                           ((double)(ky * IMPULSE_Y) / (double)p->height +
                            (double)(kx * IMPULSE_X) / (double)p->width);
            *ret++ = (float)cos(phase);
            *ret++ = (float)sin(phase);
        }
    }
}

/* 1e-5: well above the rounding of any length that fits a device, well below a wrong twiddle. */
static int is_close(const float *got, const float *expected, size_t count, double scale) {
    for (size_t i = 0; i < count; i++)
        if (!(fabs(scale * (double)got[i] - (double)expected[i]) < 1e-5))
            return 0;
    return 1;
}

/* Transforms an impulse in the last plane, zeros elsewhere; looks at the first and last planes. */
static pdessm_status try_plan(pdessm_ocl *o, pdessm_ocl_plan *p, int *ret_right) {
    pdessm_status status = PDESSM_OK;
    pdessm_ocl_fft *f = o->fft;
    const size_t real = (size_t)(p->height * p->width);
    const size_t spectrum = (size_t)(p->height * (p->width / 2 + 1)) * 2;
    const size_t in = p->inverse ? spectrum : real, out = p->inverse ? real : spectrum;
    const size_t last = (size_t)p->planes - 1;
    cl_mem source = p->inverse ? f->spectrum.buffer : f->real.buffer;
    cl_mem target = p->inverse ? f->real.buffer : f->spectrum.buffer;
    float *given = NULL, *expected = NULL, *got = NULL;
    PDESSM_TRY(pdessm_alloc(o->ctx, in, sizeof *given, &given));
    PDESSM_TRY(pdessm_alloc(o->ctx, out, sizeof *expected, &expected));
    PDESSM_TRY(pdessm_alloc(o->ctx, out, sizeof *got, &got));
    (p->inverse ? impulse_spectrum : impulse)(p, given);
    (p->inverse ? impulse : impulse_spectrum)(p, expected);
    PDESSM_TRY(pdessm_ocl_zero(o, source, 0, in * (size_t)p->planes * sizeof *given));
    PDESSM_TRY(pdessm_ocl_write(o, source, last * in * sizeof *given, in * sizeof *given, given));
    PDESSM_TRY(pdessm_ocl_plan_run(o, p));
    PDESSM_TRY(pdessm_ocl_read(o, target, last * out * sizeof *got, out * sizeof *got, got));
    double scale = p->inverse ? 1.0 / (double)real : 1.0;
    int right = is_close(got, expected, out, scale);
    if (last > 0) {
        memset(expected, 0, out * sizeof *expected);
        PDESSM_TRY(pdessm_ocl_read(o, target, 0, out * sizeof *got, got));
        right = right && is_close(got, expected, out, scale);
    }
    *ret_right = right;
out:
    free(given);
    free(expected);
    free(got);
    return status;
}

/* ------------------------------------------------------------------ use */

static pdessm_ocl_plan *find_plan(const pdessm_ocl_fft *f, const pdessm_ocl_plan *like) {
    for (pdessm_ocl_plan *p = f->plan; p; p = p->next)
        if (p->planes == like->planes && p->height == like->height && p->width == like->width &&
            p->inverse == like->inverse)
            return p;
    return NULL;
}

static pdessm_status make_plan(pdessm_ocl *o, const pdessm_ocl_plan *like, pdessm_ocl_plan **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_ocl_plan *p = NULL;
    int right = 0;
    PDESSM_TRY(pdessm_alloc(o->ctx, 1, sizeof *p, &p));
    *p = *like;
    p->next = o->fft->plan;
    o->fft->plan = p;
    clfftStatus code = bake(o, p);
    if (code == CLFFT_SUCCESS)
        status = try_plan(o, p, &right);
    if (code != CLFFT_SUCCESS || status != PDESSM_OK || !right)
        close_plan(o, p);
    if (code != CLFFT_SUCCESS)
        pdessm_log(o->ctx, PDESSM_LOG_NOTE, "clFFT refuses %lld x %lld on '%s' with status %d",
                   (long long)p->height, (long long)p->width, o->info.name, (int)code);
    else if (status == PDESSM_OK && !right)
        pdessm_log(o->ctx, PDESSM_LOG_WARNING,
                   "clFFT computes wrong transforms of %lld x %lld on '%s' and is not used for "
                   "them",
                   (long long)p->height, (long long)p->width, o->info.name);
    *ret = p;
out:
    return status;
}

pdessm_status pdessm_ocl_plan_get(pdessm_ocl *o, const pdessm_fft *fft, pdessm_ocl_plan **ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_ocl_plan like = {.planes = fft->batch * fft->channels,
                                  .height = fft->height,
                                  .width = fft->width,
                                  .inverse = fft->inverse != 0};
    PDESSM_REQUIRE(o->ctx,
                   like.height > 1 && like.width > 1 && has_small_factors(like.height) &&
                       has_small_factors(like.width),
                   PDESSM_ERROR_UNSUPPORTED, "clFFT cannot transform %lld x %lld",
                   (long long)like.height, (long long)like.width);
    pdessm_ocl_plan *p = find_plan(o->fft, &like);
    if (!p)
        PDESSM_TRY(make_plan(o, &like, &p));
    PDESSM_REQUIRE(o->ctx, p->handle, PDESSM_ERROR_UNSUPPORTED,
                   "clFFT cannot transform %lld planes of %lld x %lld on '%s'",
                   (long long)p->planes, (long long)p->height, (long long)p->width, o->info.name);
    *ret = p;
out:
    return status;
}

#else
#include "device/ocl/ocl.h"

void pdessm_ocl_fft_destroy(pdessm_ocl *o) {
    (void)o;
}

#endif
