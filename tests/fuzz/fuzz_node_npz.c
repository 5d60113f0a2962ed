/* SPDX-License-Identifier: MIT */
/* fuzz_node_npz.c: graphs in hostile .npz files. */
#include "fuzz.h"

#include "graphs/node_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    pdessm_context *ctx = fuzz_context();
    pdessm_node_set *set = NULL;
    fuzz_judge(ctx, pdessm_node_set_decode(ctx, "fuzz", data, size, 0, FUZZ_MAX_BYTES, &set));
    pdessm_node_set_destroy(&set);
    return 0;
}
