/* SPDX-License-Identifier: MIT */
/* resize.h: planes of pixels brought to a size: area average down, bilinear up, pad, crop. */
#ifndef PDESSM_DATASET_RESIZE_H
#define PDESSM_DATASET_RESIZE_H

#include <pdessm/data.h>

#include "core/context.h"

/* How one size becomes another, for any number of planes. */
typedef struct pdessm_resizer pdessm_resizer;

/* `resize` says what may be done; PAD of a larger image and RESIZE_ERROR of any other size are
 * ERROR_FILE with a message that opens with `name` and names the option to give. */
pdessm_status pdessm_resizer_create(pdessm_context *ctx, const char *name, pdessm_resize resize,
                                    int64_t in_height, int64_t in_width, int64_t out_height,
                                    int64_t out_width, pdessm_resizer **ret);
void pdessm_resizer_destroy(pdessm_resizer **resizer);

/* One plane of bytes or floats; neighbours in a row are `stride` elements apart in the source, so
 * interleaved images are planes too. The border of PAD becomes 0. */
void pdessm_resizer_bytes(const pdessm_resizer *resizer, const uint8_t *source, int64_t stride,
                          uint8_t *ret);
void pdessm_resizer_floats(const pdessm_resizer *resizer, const float *source, int64_t stride,
                           float *ret);

#endif
