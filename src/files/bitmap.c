/* SPDX-License-Identifier: MIT */
/* bitmap.c: an image of 8 bits in memory, and floats as its bytes. */
#include "files/bitmap.h"

#include <stdlib.h>

void pdessm_bitmap_release(pdessm_bitmap *picture) {
    free(picture->pixels);
    *picture = (pdessm_bitmap){0};
}

static uint8_t to_byte(float value) {
    float scaled = (value + 1) * 127.5f + 0.5f;
    return scaled >= 255 ? 255 : scaled > 0 ? (uint8_t)scaled : 0; /* NaN compares false: 0 */
}

void pdessm_images_to_bytes(const float *images, int64_t count, int64_t channels, int64_t height,
                            int64_t width, uint8_t *ret) {
    int64_t plane = height * width;
    for (int64_t n = 0; n < count; n++, images += channels * plane)
        for (int64_t p = 0; p < plane; p++)
            for (int64_t c = 0; c < channels; c++)
                *ret++ = to_byte(images[c * plane + p]);
}
