/* SPDX-License-Identifier: MIT */
/* tensor.h: storage with a valid-copy mask for each of its segments, and tensors as views of it.
 *
 * A storage has up to two copies, one in host memory and one in a buffer of the backend. Which copy
 * is valid is kept per segment: a parameter arena has one segment for each parameter, so that a
 * single parameter may visit the host while the optimiser later takes the arena as a whole. */
#ifndef PDESSM_DEVICE_TENSOR_H
#define PDESSM_DEVICE_TENSOR_H

#include <pdessm/tensor.h>

enum { PDESSM_VALID_HOST = 1, PDESSM_VALID_REMOTE = 2 };

typedef struct pdessm_segment {
    size_t offset, bytes;
    unsigned valid;
} pdessm_segment;

typedef struct pdessm_storage {
    pdessm_device *device;
    size_t bytes;
    void *host;   /* 64-byte aligned; NULL until needed */
    void *remote; /* the backend's buffer; NULL until needed */
    int borrowed; /* host belongs to somebody else, and is only read */
    int counted;  /* in the device's sum of memory */
    int segments;
    pdessm_segment *segment;
} pdessm_storage;

struct pdessm_tensor {
    pdessm_storage *storage; /* NULL until a tape has planned its memory */
    size_t offset;           /* bytes from the start of the storage */
    int first_segment, segments;
    pdessm_dtype dtype;
    int rank;
    int64_t dims[PDESSM_MAX_RANK];
    int owns_storage;
    int whole; /* alone in its segment, even where it is shorter: writing it replaces all */
};

/* One segment of the given size if sizes is NULL, else `segments` of them, each begun at a multiple
 * of 64 bytes. Memory comes when it is first needed, or at once through pdessm_storage_commit(). */
pdessm_status pdessm_storage_create(pdessm_device *device, int segments, const size_t *sizes,
                                    pdessm_storage **ret);
void pdessm_storage_destroy(pdessm_storage **storage);

/* A tensor to be read only, whose host copy is `content`, 64-byte aligned, which outlives it. */
pdessm_status pdessm_tensor_borrow(pdessm_device *device, pdessm_dtype dtype, int rank,
                                   const int64_t *dims, const void *content, pdessm_tensor **ret);

/* Allocates the copy that the device works on, so that no step has to. */
pdessm_status pdessm_storage_commit(pdessm_storage *storage);

size_t pdessm_tensor_bytes(const pdessm_tensor *tensor);

/* Makes the copy on one side exist and, if the present content matters, be valid. */
pdessm_status pdessm_tensor_to_host(const pdessm_tensor *tensor, int content_matters);
pdessm_status pdessm_tensor_to_remote(const pdessm_tensor *tensor, int content_matters);
/* Says that one side was written and the other is stale. */
void pdessm_tensor_written(pdessm_tensor *tensor, unsigned side);

/* The host copy; NULL for a NULL tensor. Only after pdessm_tensor_to_host(). */
void *pdessm_tensor_host(const pdessm_tensor *tensor);

/* Extent counted from the end: pdessm_extent(x, 1) is the last one. 1 beyond the front. */
int64_t pdessm_extent(const pdessm_tensor *tensor, int from_end);

/* "[2, 16, 16, 384]" for messages. */
typedef struct pdessm_shape_text {
    char text[128];
} pdessm_shape_text;
pdessm_shape_text pdessm_tensor_shape(const pdessm_tensor *tensor);

#endif
