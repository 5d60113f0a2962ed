/* SPDX-License-Identifier: MIT */
/* fft.c: batched 2-D real transforms of channels-last images.
 *
 * clFFT has one level of batch and is at its best where a transform's numbers are neighbours, while
 * our images are channels last: [B, H, W, C]. So it is placed between two transposes of ours, and
 * one plan does all B * C planes:
 *     [B, H W, C] -> [B, C, H W] -> clFFT -> [B, C, H (W/2+1)] -> [B, H (W/2+1), C]   and back. */
#include "device/ocl/ocl.h"

#ifdef PDESSM_HAVE_CLFFT
#include "device/ocl/fft_plan.h"

/* [batch, rows, cols] -> [batch, cols, rows]; offsets in elements of the type moved. */
static pdessm_status transpose(pdessm_ocl *o, const char *name, cl_mem source, size_t source_offset,
                               cl_mem target, size_t target_offset, int64_t batch, int64_t rows,
                               int64_t cols, cl_event *event) {
    enum { TILE = 16 }; /* as in planes.cl */
    const pdessm_ocl_kernel *k = NULL;
    pdessm_status status = pdessm_ocl_kernel_get(o, PDESSM_OP_COUNT, NULL, name, &k);
    if (status != PDESSM_OK)
        return status;
    cl_ulong from = source_offset, to = target_offset;
    cl_int r = (cl_int)rows, c = (cl_int)cols;
    clSetKernelArg(k->handle, 0, sizeof source, &source);
    clSetKernelArg(k->handle, 1, sizeof from, &from);
    clSetKernelArg(k->handle, 2, sizeof target, &target);
    clSetKernelArg(k->handle, 3, sizeof to, &to);
    clSetKernelArg(k->handle, 4, sizeof r, &r);
    clSetKernelArg(k->handle, 5, sizeof c, &c);
    size_t local[3] = {TILE, TILE, 1};
    size_t global[3] = {(size_t)(cols + TILE - 1) / TILE * TILE,
                        (size_t)(rows + TILE - 1) / TILE * TILE, (size_t)batch};
    cl_int code =
        clEnqueueNDRangeKernel(o->queue, k->handle, 3, NULL, global, local, 0, NULL, event);
    if (code != CL_SUCCESS)
        return pdessm_ocl_fail(o->ctx, code, "running kernel %s on '%s'", name, o->info.name);
    pdessm_ocl_queued(o);
    return PDESSM_OK;
}

static pdessm_status prepare(pdessm_ocl *o, const pdessm_fft *fft, pdessm_ocl_plan **ret) {
    pdessm_status status = PDESSM_OK;
    const size_t rows = (size_t)(fft->batch * fft->channels * fft->height);
    const size_t real = rows * (size_t)fft->width * sizeof(float);
    const size_t spectrum = rows * (size_t)(fft->width / 2 + 1) * 2 * sizeof(float);
    if (!o->fft)
        PDESSM_TRY(pdessm_alloc(o->ctx, 1, sizeof *o->fft, &o->fft));
    if (!o->fft->have)
        PDESSM_TRY(pdessm_ocl_fft_open(o));
    PDESSM_REQUIRE(o->ctx,
                   fft->spectrum_offset % (2 * sizeof(float)) == 0 &&
                       fft->spectrum_offset + spectrum <= o->scratch_bytes,
                   PDESSM_ERROR_FAILED, "fft: scratch of %zu bytes does not hold %zu at %zu",
                   o->scratch_bytes, spectrum, fft->spectrum_offset);
    PDESSM_TRY(pdessm_ocl_grow(o, &o->fft->real.buffer, &o->fft->real.bytes, real));
    PDESSM_TRY(pdessm_ocl_grow(o, &o->fft->spectrum.buffer, &o->fft->spectrum.bytes, spectrum));
    PDESSM_TRY(pdessm_ocl_plan_get(o, fft, ret));
out:
    return status;
}

pdessm_status pdessm_ocl_fft_run(void *state, const pdessm_call *call, const pdessm_fft *fft) {
    pdessm_ocl *o = state;
    pdessm_status status = PDESSM_OK;
    pdessm_ocl_plan *plan = NULL;
    const int64_t points = fft->height * fft->width, modes = fft->height * (fft->width / 2 + 1);
    const int64_t b = fft->batch, c = fft->channels;
    const size_t at = fft->spectrum_offset / (2 * sizeof(float));
    PDESSM_TRY(prepare(o, fft, &plan));
    pdessm_ocl_fft *f = o->fft;
    cl_mem image = fft->real->storage->remote;
    const size_t offset = pdessm_ocl_offset(fft->real);
    cl_event *last = pdessm_ocl_profile_span(o, call);
    if (fft->inverse) {
        PDESSM_TRY(transpose(o, "planes_complex", o->scratch, at, f->spectrum.buffer, 0, b, modes,
                             c, NULL));
        PDESSM_TRY(pdessm_ocl_plan_run(o, plan));
        PDESSM_TRY(
            transpose(o, "planes_real", f->real.buffer, 0, image, offset, b, c, points, last));
    } else {
        PDESSM_TRY(
            transpose(o, "planes_real", image, offset, f->real.buffer, 0, b, points, c, NULL));
        PDESSM_TRY(pdessm_ocl_plan_run(o, plan));
        PDESSM_TRY(transpose(o, "planes_complex", f->spectrum.buffer, 0, o->scratch, at, b, c,
                             modes, last));
    }
out:
    return status;
}

#else

pdessm_status pdessm_ocl_fft_run(void *state, const pdessm_call *call, const pdessm_fft *fft) {
    pdessm_ocl *o = state;
    (void)call;
    (void)fft;
    return pdessm_fail(o->ctx, PDESSM_ERROR_UNSUPPORTED,
                       "this build has no clFFT (its header was missing: libclfft-dev)");
}

#endif
