/* SPDX-License-Identifier: MIT */
/* convert.h: one image of any layout to a planar image of the wanted size and channels. */
#ifndef PDESSM_DATASET_CONVERT_H
#define PDESSM_DATASET_CONVERT_H

#include <pdessm/data.h>

#include "core/context.h"

typedef struct pdessm_image_extent {
    int64_t channels, height, width;
} pdessm_image_extent;

typedef struct pdessm_converter pdessm_converter;

/* For images of extent `in`, bytes or (is_float) floats. A size that `resize` does not allow, or a
 * change of channels other than 1 <-> 3, is ERROR_FILE; `name` opens the message. */
pdessm_status pdessm_converter_create(pdessm_context *ctx, const char *name, pdessm_resize resize,
                                      pdessm_image_extent in, pdessm_image_extent out, int is_float,
                                      pdessm_converter **ret);
void pdessm_converter_destroy(pdessm_converter **converter);

/* source [channels, height, width], or [height, width, channels] when interleaved; target is
 * planar. Gray is 0.299 R + 0.587 G + 0.114 B. */
void pdessm_converter_run(pdessm_converter *converter, const void *source, int interleaved,
                          void *target);

#endif
