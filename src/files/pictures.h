/* SPDX-License-Identifier: MIT */
/* pictures.h: generated images and the forms in which they are kept. */
#ifndef PDESSM_FILES_PICTURES_H
#define PDESSM_FILES_PICTURES_H

#include <stdint.h>

#include "core/context.h"

typedef struct pdessm_pictures {
    int64_t count, channels, height, width;
    float *images;   /* [count, channels, height, width], about in [-1, 1] */
    int32_t *labels; /* [count]; num_classes is the null class */
    int num_classes;
    const char *const *class_names; /* num_classes of them */
    int rows;  /* > 0: image i belongs to class i / (count / rows), each gets a row */
    int scale; /* each pixel becomes scale x scale in a PNG */
} pdessm_pictures;

/* Refuses a name that says no form, or a place that cannot be written to. */
pdessm_status pdessm_pictures_check(pdessm_context *ctx, const char *path);

/* Makes room for images and labels. */
pdessm_status pdessm_pictures_allocate(pdessm_context *ctx, pdessm_pictures *p);
void pdessm_pictures_release(pdessm_pictures *p);

/* Writes a grid (.png), uint8 NHWC with labels (.npz), float32 NCHW (.npy), or one PNG for each
 * image into a folder. */
pdessm_status pdessm_pictures_write(pdessm_context *ctx, const pdessm_pictures *p,
                                    const char *path);

#endif
