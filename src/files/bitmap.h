/* SPDX-License-Identifier: MIT */
/* bitmap.h: one image of 8 bits in memory, as PNG and JPEG keep it. Generated images, which are
 * floats, and their labels are pictures (pictures.h). */
#ifndef PDESSM_FILES_BITMAP_H
#define PDESSM_FILES_BITMAP_H

#include <stdint.h>

/* Interleaved: pixels[height][width][channels], channels 1 (gray) or 3 (RGB). */
typedef struct pdessm_bitmap {
    int64_t height, width, channels;
    uint8_t *pixels;
} pdessm_bitmap;

void pdessm_bitmap_release(pdessm_bitmap *picture);

/* Float [count, channels, height, width] in [-1, 1] to uint8 [count, height, width, channels]:
 * clamped and rounded; not-a-number becomes 0. */
void pdessm_images_to_bytes(const float *images, int64_t count, int64_t channels, int64_t height,
                            int64_t width, uint8_t *ret);

#endif
