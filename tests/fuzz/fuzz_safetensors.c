/* SPDX-License-Identifier: MIT */
/* fuzz_safetensors.c: hostile safetensors files; whatever is accepted is read in full. */
#include "fuzz.h"

#include <pdessm/safetensors.h>

static void read_all(const pdessm_safetensors *file) {
    for (int64_t i = 0; i < pdessm_safetensors_count(file); i++) {
        const pdessm_safetensors_entry *entry = pdessm_safetensors_at(file, i);
        if (pdessm_safetensors_find(file, entry->name) != entry)
            abort();
        void *copy = malloc((size_t)entry->count * 8 + 1);
        if (!copy)
            continue;
        (void)pdessm_safetensors_read_float(file, entry, copy);
        (void)pdessm_safetensors_read_int(file, entry, copy);
        free(copy);
    }
    for (int64_t i = 0; i < pdessm_safetensors_metadata_count(file); i++) {
        const char *key, *value;
        pdessm_safetensors_metadata_at(file, i, &key, &value);
        if (pdessm_safetensors_metadata(file, key) != value)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    pdessm_context *ctx = fuzz_context();
    pdessm_safetensors *file = NULL;
    fuzz_judge(ctx, pdessm_safetensors_open_memory(ctx, "fuzz", data, size, &file));
    if (file)
        read_all(file);
    pdessm_safetensors_destroy(&file);
    return 0;
}
