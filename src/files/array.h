/* SPDX-License-Identifier: MIT */
/* array.h: numbers as they come out of a file, in one of three types. */
#ifndef PDESSM_FILES_ARRAY_H
#define PDESSM_FILES_ARRAY_H

#include <stdint.h>

#include <pdessm/safetensors.h>

#include "core/context.h"

typedef enum pdessm_array_type {
    PDESSM_ARRAY_UINT8,   /* from U8 */
    PDESSM_ARRAY_INT64,   /* from every other integer */
    PDESSM_ARRAY_FLOAT32, /* from every float */
} pdessm_array_type;

/* Row-major; all zero is an empty, releasable value. */
typedef struct pdessm_array {
    pdessm_array_type type;
    int rank;
    int64_t dims[PDESSM_FILE_MAX_RANK];
    void *data;
} pdessm_array;

/* Product of extents, or -1 when one is negative or the product times `size` leaves int64. */
int64_t pdessm_extent_product(int rank, const int64_t *dims, size_t size);

int64_t pdessm_array_count(const pdessm_array *array);
size_t pdessm_array_item_size(pdessm_array_type type);

/* Copies and converts elements that a file holds. `available` is what the file has from `data`
 * on, max_bytes the most that the result may take. `name` opens every message. */
pdessm_status pdessm_array_decode(pdessm_context *ctx, const char *name, pdessm_file_dtype dtype,
                                  int big_endian, int rank, const int64_t *dims,
                                  const uint8_t *data, size_t available, int64_t max_bytes,
                                  pdessm_array *ret);

void pdessm_array_release(pdessm_array *array);

/* Element conversions; source need not be aligned. Return 0 for a type of the other kind, or an
 * integer above INT64_MAX. */
int pdessm_convert_to_float(pdessm_file_dtype dtype, const void *source, int64_t count, float *ret);
int pdessm_convert_to_int64(pdessm_file_dtype dtype, const void *source, int64_t count,
                            int64_t *ret);

#endif
