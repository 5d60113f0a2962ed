/* SPDX-License-Identifier: MIT */
/* source.c: what a reader found, and gives away again. */
#include "dataset/source.h"

#include <string.h>

#include "dataset/dataset.h"

void pdessm_source_release(pdessm_source *source) {
    pdessm_array_release(&source->images);
    pdessm_array_release(&source->labels);
    pdessm_names_release(source->names, source->num_classes);
    *source = (pdessm_source){0};
}

pdessm_status pdessm_source_set_names(pdessm_context *ctx, pdessm_source *source,
                                      const char *const *names, int64_t count) {
    pdessm_status status = pdessm_alloc(ctx, (size_t)count, sizeof(char *), &source->names);
    if (status != PDESSM_OK)
        return status;
    source->num_classes = count;
    for (int64_t i = 0; i < count; i++)
        if (!(source->names[i] = strdup(names[i])))
            return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: class names");
    return PDESSM_OK;
}
