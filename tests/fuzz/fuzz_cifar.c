/* SPDX-License-Identifier: MIT */
/* fuzz_cifar.c: files that claim to be CIFAR batches. */
#include "fuzz.h"

#include "files/cifar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    pdessm_context *ctx = fuzz_context();
    pdessm_array images = {0}, labels = {0};
    fuzz_judge(ctx, pdessm_cifar_decode(ctx, "fuzz", data, size, FUZZ_MAX_BYTES, &images, &labels));
    pdessm_array_release(&images);
    pdessm_array_release(&labels);
    return 0;
}
