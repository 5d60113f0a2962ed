/* SPDX-License-Identifier: MIT */
/* fuzz_npy.c: hostile .npy files. */
#include "fuzz.h"

#include "files/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    pdessm_context *ctx = fuzz_context();
    pdessm_array array = {0};
    fuzz_judge(ctx, pdessm_npy_decode(ctx, "fuzz", data, size, FUZZ_MAX_BYTES, &array));
    pdessm_array_release(&array);
    return 0;
}
