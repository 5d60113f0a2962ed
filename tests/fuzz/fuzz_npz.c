/* SPDX-License-Identifier: MIT */
/* fuzz_npz.c: hostile .npz files, and the whole way from a file to images. */
#include "fuzz.h"

#include "dataset/source.h"
#include "files/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    pdessm_context *ctx = fuzz_context();
    const pdessm_dataset_options options = {.max_bytes = FUZZ_MAX_BYTES};
    pdessm_source source = {0};
    pdessm_dataset *set = NULL;
    pdessm_status status =
        pdessm_npz_decode(ctx, "fuzz", data, size, FUZZ_MAX_BYTES, &source.images, &source.labels);
    fuzz_judge(ctx, status);
    if (status == PDESSM_OK)
        fuzz_judge(ctx, pdessm_dataset_build(ctx, "fuzz", &options, &source, &set));
    pdessm_dataset_destroy(&set);
    pdessm_source_release(&source);
    return 0;
}
