/* SPDX-License-Identifier: MIT */
/* buffer.c: device memory: making, reading, zeroing, and the scratch that all operators share. */
#include "device/ocl/ocl.h"

static pdessm_status check_size(const pdessm_ocl *o, size_t bytes) {
    const double gib = 1024.0 * 1024.0 * 1024.0;
    const char *advice = "make the batch smaller (gradient accumulation keeps its effect), or take "
                         "a smaller model or fewer tokens";
    if (bytes > (size_t)o->info.largest_allocation)
        return pdessm_fail(o->ctx, PDESSM_ERROR_MEMORY,
                           "a buffer of %.3f GiB is more than '%s' can allocate at once (%.3f "
                           "GiB); %s",
                           (double)bytes / gib, o->info.name,
                           (double)o->info.largest_allocation / gib, advice);
    if (bytes > (size_t)o->info.memory - o->allocated)
        return pdessm_fail(o->ctx, PDESSM_ERROR_MEMORY,
                           "a buffer of %.3f GiB does not fit beside the %.3f GiB in use on '%s' "
                           "(%.3f GiB in all); %s",
                           (double)bytes / gib, (double)o->allocated / gib, o->info.name,
                           (double)o->info.memory / gib, advice);
    return PDESSM_OK;
}

pdessm_status pdessm_ocl_buffer_create(void *state, size_t bytes, void **ret) {
    pdessm_ocl *o = state;
    cl_int code = CL_SUCCESS;
    if (bytes == 0)
        bytes = 4; /* OpenCL has no empty buffers */
    pdessm_status status = check_size(o, bytes);
    if (status != PDESSM_OK)
        return status;
    cl_mem buffer = clCreateBuffer(o->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    if (code != CL_SUCCESS)
        return pdessm_ocl_fail(o->ctx, code, "allocating %zu bytes on '%s', %zu in use", bytes,
                               o->info.name, o->allocated);
    o->allocated += bytes;
    *ret = buffer;
    return PDESSM_OK;
}

void pdessm_ocl_buffer_destroy(void *state, void *buffer) {
    pdessm_ocl *o = state;
    size_t bytes = 0;
    if (!buffer)
        return;
    clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof bytes, &bytes, NULL);
    o->allocated -= bytes;
    clReleaseMemObject(buffer);
}

pdessm_status pdessm_ocl_read(void *state, void *buffer, size_t offset, size_t bytes,
                              void *target) {
    pdessm_ocl *o = state;
    cl_int code =
        clEnqueueReadBuffer(o->queue, buffer, CL_TRUE, offset, bytes, target, 0, NULL, NULL);
    o->unflushed = 0;
    return code == CL_SUCCESS
               ? PDESSM_OK
               : pdessm_ocl_fail(o->ctx, code, "reading %zu bytes from '%s'", bytes, o->info.name);
}

pdessm_status pdessm_ocl_zero(void *state, void *buffer, size_t offset, size_t bytes) {
    pdessm_ocl *o = state;
    const cl_uint zero = 0;
    size_t unit = (offset | bytes) % sizeof zero == 0 ? sizeof zero : 1;
    if (bytes == 0)
        return PDESSM_OK;
    cl_int code = clEnqueueFillBuffer(o->queue, buffer, &zero, unit, offset, bytes, 0, NULL, NULL);
    if (code != CL_SUCCESS)
        return pdessm_ocl_fail(o->ctx, code, "zeroing %zu bytes on '%s'", bytes, o->info.name);
    pdessm_ocl_queued(o);
    return PDESSM_OK;
}

pdessm_status pdessm_ocl_copy(void *state, void *source, void *target, size_t bytes) {
    pdessm_ocl *o = state;
    cl_int code = clEnqueueCopyBuffer(o->queue, source, target, 0, 0, bytes, 0, NULL, NULL);
    if (code != CL_SUCCESS)
        return pdessm_ocl_fail(o->ctx, code, "copying %zu bytes on '%s'", bytes, o->info.name);
    pdessm_ocl_queued(o);
    return PDESSM_OK;
}

/* The old buffer may still be in use by queued commands; OpenCL keeps it until they are done. */
pdessm_status pdessm_ocl_grow(pdessm_ocl *o, cl_mem *buffer, size_t *have, size_t bytes) {
    if (bytes <= *have)
        return PDESSM_OK;
    void *bigger = NULL;
    pdessm_ocl_buffer_destroy(o, *buffer);
    *buffer = NULL;
    *have = 0;
    pdessm_status status = pdessm_ocl_buffer_create(o, bytes, &bigger);
    if (status != PDESSM_OK)
        return status;
    *buffer = bigger;
    *have = bytes;
    return PDESSM_OK;
}

pdessm_status pdessm_ocl_scratch(void *state, size_t bytes) {
    pdessm_ocl *o = state;
    return pdessm_ocl_grow(o, &o->scratch, &o->scratch_bytes, bytes);
}
