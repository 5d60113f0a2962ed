/* SPDX-License-Identifier: MIT */
/* tensor.c: storage with two copies, and tensors as views of it. */
#define _GNU_SOURCE
#include "device/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "device/device.h"

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20, HUGE_FROM = 2 * HUGE_PAGE };

static size_t align(size_t bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

size_t pdessm_dtype_size(pdessm_dtype dtype) {
    (void)dtype; /* both are four bytes wide today */
    return 4;
}

/* ------------------------------------------------------------------ storage */

pdessm_status pdessm_storage_create(pdessm_device *device, int segments, const size_t *sizes,
                                    pdessm_storage **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_storage *s = NULL;
    PDESSM_TRY(pdessm_alloc(device->ctx, 1, sizeof *s, &s));
    s->device = device;
    s->segments = segments;
    PDESSM_TRY(pdessm_alloc(device->ctx, (size_t)segments, sizeof *s->segment, &s->segment));
    for (int i = 0; i < segments; i++) {
        s->segment[i].offset = s->bytes;
        s->segment[i].bytes = sizes[i];
        s->bytes += align(sizes[i]);
    }
    *ret = s;
    s = NULL;
out:
    pdessm_storage_destroy(&s);
    return status;
}

void pdessm_storage_destroy(pdessm_storage **storage) {
    pdessm_storage *s = *storage;
    if (!s)
        return;
    if (s->remote)
        s->device->backend->buffer_destroy(s->device->state, s->remote);
    if (s->counted)
        s->device->memory -= (int64_t)s->bytes;
    if (!s->borrowed)
        free(s->host);
    free(s->segment);
    free(s);
    *storage = NULL;
}

/* Counts the copy that the device works on; a host copy beside a buffer is not the device's. */
static void count_memory(pdessm_storage *s) {
    pdessm_device *d = s->device;
    s->counted = 1;
    d->memory += (int64_t)s->bytes;
    if (d->memory > d->memory_peak)
        d->memory_peak = d->memory;
    if (d->largest_buffer < (int64_t)s->bytes)
        d->largest_buffer = (int64_t)s->bytes;
}

/* Channels-last walks touch a new page every few tokens, so large host copies lie in huge pages
 * where the system has them. The advice may be refused, which costs nothing but speed. */
static void *host_memory(size_t bytes) {
    if (bytes < HUGE_FROM)
        return aligned_alloc(ALIGNMENT, align(bytes ? bytes : 1));
    size_t rounded = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *memory = aligned_alloc(HUGE_PAGE, rounded);
#ifdef MADV_HUGEPAGE
    if (memory)
        madvise(memory, rounded, MADV_HUGEPAGE);
#endif
    return memory;
}

static pdessm_status commit_host(pdessm_storage *s) {
    if (s->host)
        return PDESSM_OK;
    if (s->device->dry) {
        if (!s->counted)
            count_memory(s);
        return PDESSM_OK;
    }
    s->host = host_memory(s->bytes);
    if (!s->host)
        return pdessm_fail(s->device->ctx, PDESSM_ERROR_MEMORY,
                           "out of memory: a buffer of %.1f MB; use a smaller batch or model",
                           (double)s->bytes / 1e6);
    if (!s->device->backend)
        count_memory(s);
    return PDESSM_OK;
}

static pdessm_status commit_remote(pdessm_storage *s) {
    if (s->remote)
        return PDESSM_OK;
    pdessm_device *d = s->device;
    pdessm_status status = d->backend->buffer_create(d->state, align(s->bytes), &s->remote);
    if (status == PDESSM_OK)
        count_memory(s);
    return status;
}

pdessm_status pdessm_storage_commit(pdessm_storage *storage) {
    return storage->device->backend ? commit_remote(storage) : commit_host(storage);
}

/* ------------------------------------------------------------------ which copy is valid */

static int covers(const pdessm_tensor *t, const pdessm_segment *s) {
    return t->whole ||
           (t->offset <= s->offset && t->offset + pdessm_tensor_bytes(t) >= s->offset + s->bytes);
}

static pdessm_status copy_segment(pdessm_storage *s, const pdessm_segment *g, unsigned to) {
    pdessm_device *d = s->device;
    char *host = (char *)s->host + g->offset;
    return to == PDESSM_VALID_HOST
               ? d->backend->read(d->state, s->remote, g->offset, g->bytes, host)
               : d->backend->write(d->state, s->remote, g->offset, g->bytes, host);
}

/* A view of a part of a segment needs the rest to be valid too, even when it only writes. */
static pdessm_status make_valid(const pdessm_tensor *t, unsigned side, int content_matters) {
    pdessm_storage *s = t->storage;
    pdessm_status status = PDESSM_OK;
    for (int i = t->first_segment; i < t->first_segment + t->segments; i++) {
        pdessm_segment *g = &s->segment[i];
        if (g->valid == 0 || (g->valid & side) || (!content_matters && covers(t, g)))
            continue;
        PDESSM_TRY(copy_segment(s, g, side));
        g->valid |= side;
    }
out:
    return status;
}

pdessm_status pdessm_tensor_to_host(const pdessm_tensor *tensor, int content_matters) {
    pdessm_status status = commit_host(tensor->storage);
    if (status != PDESSM_OK || !tensor->storage->device->backend)
        return status;
    return make_valid(tensor, PDESSM_VALID_HOST, content_matters);
}

pdessm_status pdessm_tensor_to_remote(const pdessm_tensor *tensor, int content_matters) {
    pdessm_status status = commit_remote(tensor->storage);
    return status != PDESSM_OK ? status : make_valid(tensor, PDESSM_VALID_REMOTE, content_matters);
}

void pdessm_tensor_written(pdessm_tensor *tensor, unsigned side) {
    for (int i = 0; i < tensor->segments; i++)
        tensor->storage->segment[tensor->first_segment + i].valid = side;
}

void *pdessm_tensor_host(const pdessm_tensor *tensor) {
    return tensor && tensor->storage && tensor->storage->host
               ? (char *)tensor->storage->host + tensor->offset
               : NULL;
}

/* ------------------------------------------------------------------ tensors */

/* With a new storage that has no memory yet. */
static pdessm_status make_tensor(pdessm_device *device, pdessm_dtype dtype, int rank,
                                 const int64_t *dims, pdessm_tensor **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_context *ctx = device->ctx;
    pdessm_tensor *t = NULL;
    PDESSM_REQUIRE(ctx, rank >= 0 && rank <= PDESSM_MAX_RANK, PDESSM_ERROR_SHAPE,
                   "a tensor of rank %d: at most %d is possible", rank, PDESSM_MAX_RANK);
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *t, &t));
    t->dtype = dtype;
    t->rank = rank;
    t->segments = 1;
    size_t bytes = pdessm_dtype_size(dtype);
    for (int i = 0; i < rank; i++) {
        PDESSM_REQUIRE(ctx, dims[i] >= 1 && (size_t)dims[i] <= (SIZE_MAX >> 8) / bytes,
                       PDESSM_ERROR_SHAPE,
                       "extent %d of a tensor is %lld: expected 1 or more, "
                       "and less in total than memory can hold",
                       i, (long long)dims[i]);
        t->dims[i] = dims[i];
        bytes *= (size_t)dims[i];
    }
    PDESSM_TRY(pdessm_storage_create(device, 1, &bytes, &t->storage));
    t->owns_storage = 1;
    *ret = t;
    t = NULL;
out:
    pdessm_tensor_destroy(&t);
    return status;
}

pdessm_status pdessm_tensor_create(pdessm_device *device, pdessm_dtype dtype, int rank,
                                   const int64_t *dims, pdessm_tensor **ret) {
    pdessm_tensor *t = NULL;
    pdessm_status status = make_tensor(device, dtype, rank, dims, &t);
    if (status == PDESSM_OK)
        status = pdessm_storage_commit(t->storage);
    if (status == PDESSM_OK)
        *ret = t;
    else
        pdessm_tensor_destroy(&t);
    return status;
}

pdessm_status pdessm_tensor_borrow(pdessm_device *device, pdessm_dtype dtype, int rank,
                                   const int64_t *dims, const void *content, pdessm_tensor **ret) {
    pdessm_status status = make_tensor(device, dtype, rank, dims, ret);
    if (status != PDESSM_OK || device->dry)
        return status;
    pdessm_storage *s = (*ret)->storage;
    s->host = (void *)(uintptr_t)content;
    s->borrowed = 1;
    s->segment->valid = PDESSM_VALID_HOST;
    return PDESSM_OK;
}

void pdessm_tensor_destroy(pdessm_tensor **tensor) {
    if (!*tensor)
        return;
    if ((*tensor)->owns_storage)
        pdessm_storage_destroy(&(*tensor)->storage);
    free(*tensor);
    *tensor = NULL;
}

int pdessm_tensor_rank(const pdessm_tensor *tensor) {
    return tensor->rank;
}

const int64_t *pdessm_tensor_dims(const pdessm_tensor *tensor) {
    return tensor->dims;
}

int64_t pdessm_tensor_count(const pdessm_tensor *tensor) {
    int64_t n = 1;
    for (int i = 0; i < tensor->rank; i++)
        n *= tensor->dims[i];
    return n;
}

pdessm_dtype pdessm_tensor_dtype(const pdessm_tensor *tensor) {
    return tensor->dtype;
}

size_t pdessm_tensor_bytes(const pdessm_tensor *tensor) {
    return (size_t)pdessm_tensor_count(tensor) * pdessm_dtype_size(tensor->dtype);
}

int64_t pdessm_extent(const pdessm_tensor *tensor, int from_end) {
    return from_end <= tensor->rank ? tensor->dims[tensor->rank - from_end] : 1;
}

pdessm_shape_text pdessm_tensor_shape(const pdessm_tensor *tensor) {
    pdessm_shape_text s = {"["};
    size_t used = 1;
    for (int i = 0; i < tensor->rank; i++)
        used += (size_t)snprintf(s.text + used, sizeof s.text - used, "%s%lld", i ? ", " : "",
                                 (long long)tensor->dims[i]);
    snprintf(s.text + used, sizeof s.text - used, "]");
    return s;
}

/* Fills the tensor from source, or with zeros when source is NULL, on the side that works on it. */
static pdessm_status replace(pdessm_tensor *tensor, const void *source) {
    pdessm_status status = PDESSM_OK;
    pdessm_storage *s = tensor->storage;
    const pdessm_backend *b = s->device->backend;
    void *state = s->device->state;
    size_t bytes = pdessm_tensor_bytes(tensor);
    if (s->device->dry)
        return PDESSM_OK;
    if (b) {
        PDESSM_TRY(pdessm_tensor_to_remote(tensor, 0));
        PDESSM_TRY(source ? b->write(state, s->remote, tensor->offset, bytes, source)
                          : b->zero(state, s->remote, tensor->offset, bytes));
        pdessm_tensor_written(tensor, PDESSM_VALID_REMOTE);
    } else {
        PDESSM_TRY(pdessm_tensor_to_host(tensor, 0));
        if (source)
            memcpy(pdessm_tensor_host(tensor), source, bytes);
        else
            memset(pdessm_tensor_host(tensor), 0, bytes);
        pdessm_tensor_written(tensor, PDESSM_VALID_HOST);
    }
out:
    return status;
}

pdessm_status pdessm_tensor_write(pdessm_tensor *tensor, const void *source) {
    return replace(tensor, source);
}

pdessm_status pdessm_tensor_zero(pdessm_tensor *tensor) {
    return replace(tensor, NULL);
}

pdessm_status pdessm_tensor_read(pdessm_tensor *tensor, void *target) {
    pdessm_status status = PDESSM_OK;
    pdessm_storage *s = tensor->storage;
    size_t bytes = pdessm_tensor_bytes(tensor);
    if (s->device->backend && !(s->segment[tensor->first_segment].valid & PDESSM_VALID_HOST)) {
        PDESSM_TRY(pdessm_tensor_to_remote(tensor, 1));
        PDESSM_TRY(
            s->device->backend->read(s->device->state, s->remote, tensor->offset, bytes, target));
    } else {
        PDESSM_TRY(pdessm_tensor_to_host(tensor, 1));
        memcpy(target, pdessm_tensor_host(tensor), bytes);
    }
out:
    return status;
}
