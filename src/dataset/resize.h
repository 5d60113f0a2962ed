/* SPDX-License-Identifier: MIT */
/* resize.h: planes of pixels brought to a size: area average down, bilinear up, pad, crop. */
#ifndef PDESSM_DATASET_RESIZE_H
#define PDESSM_DATASET_RESIZE_H

#include <pdessm/data.h>

#include "core/context.h"

/* How one size becomes another, for any number of planes. */
typedef struct pdessm_fit_plan pdessm_fit_plan;

/* fit says what may be done; PAD of a larger image and FIT_ERROR of any other size are ERROR_FILE
 * with a message that opens with `name` and names the option to give. */
pdessm_status pdessm_fit_create(pdessm_context *ctx, const char *name, pdessm_fit fit,
                                int64_t in_height, int64_t in_width, int64_t out_height,
                                int64_t out_width, pdessm_fit_plan **ret);
void pdessm_fit_destroy(pdessm_fit_plan **plan);

/* One plane of bytes or floats; neighbours in a row are `stride` elements apart in the source, so
 * interleaved images are planes too. The border of PAD becomes 0. */
void pdessm_fit_bytes(const pdessm_fit_plan *plan, const uint8_t *source, int64_t stride,
                      uint8_t *ret);
void pdessm_fit_floats(const pdessm_fit_plan *plan, const float *source, int64_t stride,
                       float *ret);

#endif
