/* SPDX-License-Identifier: MIT */
/* tensor.h: row-major arrays of numbers on a device. */
#ifndef PDESSM_TENSOR_H
#define PDESSM_TENSOR_H

#include <pdessm/device.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pdessm_tensor pdessm_tensor;

typedef enum pdessm_dtype { PDESSM_FLOAT32, PDESSM_INT32 } pdessm_dtype;

enum { PDESSM_MAX_RANK = 5 };

PDESSM_API size_t pdessm_dtype_size(pdessm_dtype dtype);

/* An owning tensor of undefined content, extents dims[0] .. dims[rank-1], each at least 1. */
PDESSM_API pdessm_status pdessm_tensor_create(pdessm_device *device, pdessm_dtype dtype, int rank,
                                              const int64_t *dims, pdessm_tensor **ret);
PDESSM_API void pdessm_tensor_destroy(pdessm_tensor **tensor);

PDESSM_API int pdessm_tensor_rank(const pdessm_tensor *tensor);
PDESSM_API const int64_t *pdessm_tensor_dims(const pdessm_tensor *tensor);
PDESSM_API int64_t pdessm_tensor_count(const pdessm_tensor *tensor);
PDESSM_API pdessm_dtype pdessm_tensor_dtype(const pdessm_tensor *tensor);

/* Copies all elements in; source may be reused at once. Does not wait for earlier work. */
PDESSM_API pdessm_status pdessm_tensor_write(pdessm_tensor *tensor, const void *source);
/* Copies all elements out, after the work that computes them. */
PDESSM_API pdessm_status pdessm_tensor_read(pdessm_tensor *tensor, void *target);
/* Sets every byte to zero. */
PDESSM_API pdessm_status pdessm_tensor_zero(pdessm_tensor *tensor);

#ifdef __cplusplus
}
#endif
#endif
