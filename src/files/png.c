/* SPDX-License-Identifier: MIT */
/* png.c: PNG through libpng's simplified interface, which returns where the old one jumps. */
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "files/atomic_file.h"
#include "files/image.h"

int pdessm_is_png(const uint8_t *data, size_t size) {
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    return size >= 8 && !memcmp(data, signature, 8);
}

/* Pixels with alpha over white, rounded; the alpha of PNG is not premultiplied. */
static void blend(const uint8_t *from, int64_t pixels, int64_t channels, uint8_t *ret) {
    for (int64_t i = 0; i < pixels; i++, from += channels + 1)
        for (int64_t c = 0; c < channels; c++) {
            int alpha = from[channels];
            *ret++ = (uint8_t)((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
        }
}

pdessm_status pdessm_png_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                size_t size, int64_t max_bytes, pdessm_bitmap *ret) {
    pdessm_status status = PDESSM_OK;
    uint8_t *raw = NULL;
    pdessm_bitmap picture = {0};
    png_image image = {.version = PNG_IMAGE_VERSION};
    PDESSM_REQUIRE(ctx, png_image_begin_read_from_memory(&image, data, size), PDESSM_ERROR_FILE,
                   "%s: not a readable PNG: %s", name, image.message);
    /* Without this flag 16-bit files that do not say otherwise would be taken for linear light. */
    image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    picture.channels = image.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1;
    picture.height = image.height;
    picture.width = image.width;
    int64_t pixels = picture.height * picture.width;
    PDESSM_REQUIRE(ctx, pixels <= max_bytes / 4, PDESSM_ERROR_FILE,
                   "%s: %lld x %lld pixels need more memory than the limit of %lld bytes", name,
                   (long long)picture.height, (long long)picture.width, (long long)max_bytes);
    image.format = picture.channels == 3 ? PNG_FORMAT_RGBA : PNG_FORMAT_GA;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)pixels, (size_t)picture.channels + 1, &raw));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)pixels, (size_t)picture.channels, &picture.pixels));
    PDESSM_REQUIRE(ctx, png_image_finish_read(&image, NULL, raw, 0, NULL), PDESSM_ERROR_FILE,
                   "%s: damaged or cut off: %s", name, image.message);
    blend(raw, pixels, picture.channels, picture.pixels);
    *ret = picture;
    picture.pixels = NULL;
out:
    png_image_free(&image);
    pdessm_bitmap_release(&picture);
    free(raw);
    return status;
}

pdessm_status pdessm_png_encode(pdessm_context *ctx, const char *name, const pdessm_bitmap *picture,
                                uint8_t **ret, size_t *ret_size) {
    pdessm_status status = PDESSM_OK;
    uint8_t *data = NULL;
    enum { WIDEST = 1000000 }; /* libpng's own limit */
    PDESSM_REQUIRE(ctx,
                   picture->height > 0 && picture->width > 0 && picture->height <= WIDEST &&
                       picture->width <= WIDEST,
                   PDESSM_ERROR_ARGUMENT, "%s: an image of %lld x %lld pixels cannot be a PNG",
                   name, (long long)picture->height, (long long)picture->width);
    PDESSM_REQUIRE(ctx, picture->channels == 1 || picture->channels == 3, PDESSM_ERROR_ARGUMENT,
                   "%s: a PNG has 1 or 3 channels, not %lld; write .npz instead", name,
                   (long long)picture->channels);
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)picture->width,
                       .height = (png_uint_32)picture->height,
                       .format = picture->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    PDESSM_TRY(pdessm_alloc(ctx, size, 1, &data));
    PDESSM_REQUIRE(ctx, png_image_write_to_memory(&image, data, &size, 0, picture->pixels, 0, NULL),
                   PDESSM_ERROR_FAILED, "%s: cannot encode as PNG: %s", name, image.message);
    *ret = data;
    *ret_size = size;
    data = NULL;
out:
    free(data);
    return status;
}

pdessm_status pdessm_png_write(pdessm_context *ctx, const char *path,
                               const pdessm_bitmap *picture) {
    pdessm_status status = PDESSM_OK;
    uint8_t *data = NULL;
    size_t size = 0;
    PDESSM_TRY(pdessm_png_encode(ctx, path, picture, &data, &size));
    PDESSM_TRY(pdessm_write_file(ctx, path, data, size));
out:
    free(data);
    return status;
}

pdessm_status pdessm_png_write_float(pdessm_context *ctx, const char *path, const float *image,
                                     int64_t channels, int64_t height, int64_t width) {
    pdessm_bitmap picture = {height, width, channels, NULL};
    pdessm_status status;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(height * width), (size_t)channels, &picture.pixels));
    pdessm_images_to_bytes(image, 1, channels, height, width, picture.pixels);
    PDESSM_TRY(pdessm_png_write(ctx, path, &picture));
out:
    pdessm_bitmap_release(&picture);
    return status;
}
