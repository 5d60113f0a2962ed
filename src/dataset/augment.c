/* SPDX-License-Identifier: MIT */
/* augment.c: mirrored and shifted images. */
#include "dataset/augment.h"

#include <string.h>

void pdessm_augment_mirror(float *image, pdessm_image_extent extent) {
    const int64_t width = extent.width, rows = extent.channels * extent.height;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < width / 2; i++) {
            float *a = image + r * width + i, *b = image + r * width + width - 1 - i, left = *a;
            *a = *b;
            *b = left;
        }
}

static void fill(float *row, int64_t begin, int64_t end, float value) {
    for (int64_t i = begin; i < end; i++)
        row[i] = value;
}

/* to = from, moved to the right by dx; the rows may be the same one. */
static void shift_row(const float *from, float *to, int64_t width, int64_t dx, float border) {
    const int64_t moved = dx < 0 ? -dx : dx, kept = width - moved;
    if (kept <= 0) {
        fill(to, 0, width, border);
        return;
    }
    memmove(to + (dx > 0 ? moved : 0), from + (dx > 0 ? 0 : moved), (size_t)kept * sizeof *to);
    fill(to, dx > 0 ? 0 : kept, dx > 0 ? moved : width, border);
}

/* Rows are visited so that each is read before it is written: from below when they move down. */
void pdessm_augment_shift(float *image, pdessm_image_extent extent, int64_t dy, int64_t dx,
                          float border) {
    const int64_t height = extent.height, width = extent.width;
    for (int64_t c = 0; c < extent.channels; c++) {
        float *plane = image + c * height * width;
        for (int64_t i = 0; i < height; i++) {
            int64_t y = dy > 0 ? height - 1 - i : i, source = y - dy;
            if (source >= 0 && source < height)
                shift_row(plane + source * width, plane + y * width, width, dx, border);
            else
                fill(plane + y * width, 0, width, border);
        }
    }
}
