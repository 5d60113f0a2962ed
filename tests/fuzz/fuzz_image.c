/* SPDX-License-Identifier: MIT */
/* fuzz_image.c: hostile PNG and JPEG files. */
#include "fuzz.h"

#include "files/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    pdessm_context *ctx = fuzz_context();
    pdessm_bitmap picture = {0};
    fuzz_judge(ctx, pdessm_image_decode(ctx, "fuzz", data, size, FUZZ_MAX_BYTES, &picture));
    pdessm_bitmap_release(&picture);
    return 0;
}
