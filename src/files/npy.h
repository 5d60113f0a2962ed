/* SPDX-License-Identifier: MIT */
/* npy.h: NumPy's array files, one array (.npy) or several (.npz). */
#ifndef PDESSM_FILES_NPY_H
#define PDESSM_FILES_NPY_H

#include "files/array.h"

int pdessm_is_npy(const uint8_t *data, size_t size);
/* Whether the bytes begin as a zip archive does. */
int pdessm_is_npz(const uint8_t *data, size_t size);

/* Decodes an array in C order of bool, integers or floats, of either byte order. */
pdessm_status pdessm_npy_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                size_t size, int64_t max_bytes, pdessm_array *ret);

/* Arrays of an archive that is in memory, which must outlive it, as must the name. */
typedef struct pdessm_npz pdessm_npz;
pdessm_status pdessm_npz_open(pdessm_context *ctx, const char *name, const uint8_t *data,
                              size_t size, pdessm_npz **ret);
/* *ret_found is 0, and *ret untouched, when there is no such array. */
pdessm_status pdessm_npz_read(pdessm_npz *npz, const char *member, int64_t max_bytes,
                              int *ret_found, pdessm_array *ret);
void pdessm_npz_close(pdessm_npz **npz);

/* Decodes the images (array `images` or `arr_0`) and, when there are any, the labels (`labels` or
 * `arr_1`; else ret_labels becomes empty) of an archive. max_bytes holds for each. */
pdessm_status pdessm_npz_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                size_t size, int64_t max_bytes, pdessm_array *ret_images,
                                pdessm_array *ret_labels);

/* The header of a .npy file for data of that type ("|u1", "<f4", "<i4"), padded to 64 bytes. */
enum { PDESSM_NPY_HEADER_MAX = 512 };
size_t pdessm_npy_header(const char *descr, int rank, const int64_t *dims,
                         char ret[PDESSM_NPY_HEADER_MAX]);

/* Writes one array, type UINT8, FLOAT32 or INT64. */
pdessm_status pdessm_npy_write(pdessm_context *ctx, const char *path, const pdessm_array *array);

/* Writes images, uint8 [n, height, width, channels], as `arr_0` and labels [n] (NULL: none) as
 * `labels`; not compressed, as tools that measure FID expect it. */
pdessm_status pdessm_npz_write(pdessm_context *ctx, const char *path, const uint8_t *images,
                               int64_t count, int64_t height, int64_t width, int64_t channels,
                               const int32_t *labels);

#endif
