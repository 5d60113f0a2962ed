/* SPDX-License-Identifier: MIT */
/* fuzz_idx.c: hostile IDX files, compressed and not. */
#include "fuzz.h"

#include "files/file.h"
#include "files/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    pdessm_context *ctx = fuzz_context();
    pdessm_array array = {0};
    pdessm_bytes bytes = {0};
    if (!pdessm_is_gzip(data, size)) {
        fuzz_judge(ctx, pdessm_idx_decode(ctx, "fuzz", data, size, FUZZ_MAX_BYTES, &array));
    } else {
        pdessm_status status = pdessm_gunzip(ctx, "fuzz", data, size, FUZZ_MAX_BYTES, &bytes);
        fuzz_judge(ctx, status);
        if (status == PDESSM_OK)
            fuzz_judge(ctx, pdessm_idx_decode(ctx, "fuzz", bytes.data, bytes.size, FUZZ_MAX_BYTES,
                                              &array));
    }
    pdessm_bytes_release(&bytes);
    pdessm_array_release(&array);
    return 0;
}
