/* SPDX-License-Identifier: MIT */
/* image.h: PNG and JPEG in, PNG and grids of images out. */
#ifndef PDESSM_FILES_IMAGE_H
#define PDESSM_FILES_IMAGE_H

#include "core/context.h"
#include "files/bitmap.h"

int pdessm_is_png(const uint8_t *data, size_t size);
int pdessm_is_jpeg(const uint8_t *data, size_t size);

/* Decodes PNG or JPEG, told apart by content, to 8-bit gray or RGB as the file is. Palettes are
 * resolved, 16 bits become 8, transparency is laid over white. More than max_bytes of pixels is
 * ERROR_FILE. */
pdessm_status pdessm_image_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                  size_t size, int64_t max_bytes, pdessm_bitmap *ret);

/* The two formats by themselves; data is known to begin as they do. */
pdessm_status pdessm_png_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                size_t size, int64_t max_bytes, pdessm_bitmap *ret);
pdessm_status pdessm_jpeg_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                 size_t size, int64_t max_bytes, pdessm_bitmap *ret);

/* A picture as the bytes of a PNG, in new memory; name is for messages. */
pdessm_status pdessm_png_encode(pdessm_context *ctx, const char *name, const pdessm_bitmap *picture,
                                uint8_t **ret, size_t *ret_size);

/* Writes a picture as PNG; the file appears whole or not at all. */
pdessm_status pdessm_png_write(pdessm_context *ctx, const char *path, const pdessm_bitmap *picture);

/* Writes one image, float [channels, height, width] in [-1, 1] (values outside are clamped). */
pdessm_status pdessm_png_write_float(pdessm_context *ctx, const char *path, const float *image,
                                     int64_t channels, int64_t height, int64_t width);

/* All zero is a good start. */
typedef struct pdessm_grid_options {
    int64_t columns;                  /* 0: about a square */
    int scale;                        /* every pixel becomes scale x scale; 0: 1 */
    int64_t gap;                      /* pixels between images; 0: 2 */
    const char *const *row_labels;    /* one for each row, or NULL */
    const char *const *column_labels; /* one for each column, or NULL */
} pdessm_grid_options;

/* Lays images, float [count, channels, height, width], out in rows on white, in memory and as a
 * PNG. channels is 1 or 3. */
pdessm_status pdessm_grid_create(pdessm_context *ctx, const float *images, int64_t count,
                                 int64_t channels, int64_t height, int64_t width,
                                 const pdessm_grid_options *options, pdessm_bitmap *ret);
pdessm_status pdessm_grid_write(pdessm_context *ctx, const char *path, const float *images,
                                int64_t count, int64_t channels, int64_t height, int64_t width,
                                const pdessm_grid_options *options);

#endif
