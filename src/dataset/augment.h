/* SPDX-License-Identifier: MIT */
/* augment.h: changes of a training image that keep its meaning, in place; image [channels, height,
 * width]. */
#ifndef PDESSM_DATASET_AUGMENT_H
#define PDESSM_DATASET_AUGMENT_H

#include "dataset/convert.h"

/* Left becomes right. */
void pdessm_augment_mirror(float *image, pdessm_image_extent extent);

/* Moves the image down by dy and to the right by dx pixels (either may be negative); what comes in
 * from outside has the value `border`. */
void pdessm_augment_shift(float *image, pdessm_image_extent extent, int64_t dy, int64_t dx,
                          float border);

#endif
