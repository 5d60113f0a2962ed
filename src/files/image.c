/* SPDX-License-Identifier: MIT */
/* image.c: JPEG, and the choice of the decoder. */
#include "files/image.h"

#include <string.h>
#include <turbojpeg.h>

int pdessm_is_jpeg(const uint8_t *data, size_t size) {
    return size >= 3 && data[0] == 0xff && data[1] == 0xd8 && data[2] == 0xff;
}

/* Stray bytes between markers are common in photographs and cost no pixels; every other complaint
 * of the decoder means that pixels are missing or made up. */
static int is_harmless(tjhandle handle) {
    return tjGetErrorCode(handle) == TJERR_WARNING &&
           strstr(tjGetErrorStr2(handle), "extraneous bytes");
}

pdessm_status pdessm_jpeg_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                 size_t size, int64_t max_bytes, pdessm_bitmap *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_bitmap picture = {0};
    int width, height, sampling, space;
    tjhandle handle = tjInitDecompress();
    PDESSM_REQUIRE(ctx, handle, PDESSM_ERROR_MEMORY, "%s: no memory for the JPEG decoder", name);
    PDESSM_REQUIRE(ctx,
                   tjDecompressHeader3(handle, data, size, &width, &height, &sampling, &space) ==
                           0 &&
                       width > 0 && height > 0,
                   PDESSM_ERROR_FILE, "%s: not a readable JPEG: %s", name, tjGetErrorStr2(handle));
    PDESSM_REQUIRE(ctx, space != TJCS_CMYK && space != TJCS_YCCK, PDESSM_ERROR_FILE,
                   "%s: a CMYK JPEG; convert it to RGB", name);
    picture.channels = space == TJCS_GRAY ? 1 : 3;
    picture.height = height;
    picture.width = width;
    int64_t pixels = picture.height * picture.width;
    PDESSM_REQUIRE(ctx, pixels <= max_bytes / picture.channels, PDESSM_ERROR_FILE,
                   "%s: %d x %d pixels need more memory than the limit of %lld bytes", name, height,
                   width, (long long)max_bytes);
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)pixels, (size_t)picture.channels, &picture.pixels));
    int code = tjDecompress2(handle, data, size, picture.pixels, width, 0, height,
                             picture.channels == 1 ? TJPF_GRAY : TJPF_RGB,
                             TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS);
    PDESSM_REQUIRE(ctx, code == 0 || is_harmless(handle), PDESSM_ERROR_FILE,
                   "%s: damaged or cut off: %s", name, tjGetErrorStr2(handle));
    *ret = picture;
    picture.pixels = NULL;
out:
    if (handle)
        tjDestroy(handle);
    pdessm_bitmap_release(&picture);
    return status;
}

pdessm_status pdessm_image_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                  size_t size, int64_t max_bytes, pdessm_bitmap *ret) {
    if (pdessm_is_png(data, size))
        return pdessm_png_decode(ctx, name, data, size, max_bytes, ret);
    if (pdessm_is_jpeg(data, size))
        return pdessm_jpeg_decode(ctx, name, data, size, max_bytes, ret);
    return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: neither PNG nor JPEG", name);
}
