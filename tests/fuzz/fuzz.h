/* SPDX-License-Identifier: MIT */
/* fuzz.h: what every fuzz target starts from. */
#ifndef PDESSM_TESTS_FUZZ_H
#define PDESSM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/context.h"

/* Small, so that a bomb is a finding: libFuzzer's own limit is 2 GiB. */
enum { FUZZ_MAX_BYTES = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One context with one thread for the whole run. */
static inline pdessm_context *fuzz_context(void) {
    static pdessm_context *ctx;
    const pdessm_context_options options = {.threads = 1};
    if (!ctx && pdessm_context_create(&options, &ctx) != PDESSM_OK)
        abort();
    return ctx;
}

/* Bad input has one status, and a message of one line. */
static inline void fuzz_judge(pdessm_context *ctx, pdessm_status status) {
    if (status != PDESSM_OK && status != PDESSM_ERROR_FILE)
        abort();
    if (status == PDESSM_ERROR_FILE && !pdessm_context_error(ctx)[0])
        abort();
}

#endif
