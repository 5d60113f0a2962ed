/* SPDX-License-Identifier: MIT */
/* picture.h: one picture in memory, as files keep it. */
#ifndef PDESSM_FILES_PICTURE_H
#define PDESSM_FILES_PICTURE_H

#include <stdint.h>

/* Interleaved: pixels[height][width][channels], channels 1 (gray) or 3 (RGB). */
typedef struct pdessm_picture {
    int64_t height, width, channels;
    uint8_t *pixels;
} pdessm_picture;

void pdessm_picture_release(pdessm_picture *picture);

/* Float [count, channels, height, width] in [-1, 1] to uint8 [count, height, width, channels]:
 * clamped and rounded; not-a-number becomes 0. */
void pdessm_images_to_bytes(const float *images, int64_t count, int64_t channels, int64_t height,
                            int64_t width, uint8_t *ret);

#endif
