/* SPDX-License-Identifier: MIT */
/* source.h: what the readers of single formats find, and how a set of images is made of it. */
#ifndef PDESSM_DATASET_SOURCE_H
#define PDESSM_DATASET_SOURCE_H

#include <pdessm/data.h>

#include "files/array.h"
#include "files/file.h"

/* What a reader found; all zero is empty and releasable. */
typedef struct pdessm_source {
    pdessm_array images; /* rank 3 [n, h, w], or rank 4 in the order of `layout` */
    pdessm_array labels; /* uint8 or int64 [n]; data NULL: none */
    pdessm_layout layout;
    int is_latent;       /* floats that need not lie in [-1, 1] */
    int is_idx;          /* labels, if any, lie in a file beside it */
    int64_t num_classes; /* 0: one more than the largest label */
    char **names;        /* [num_classes] or NULL */
} pdessm_source;

void pdessm_source_release(pdessm_source *source);

/* Makes a set from what a reader found, and empties source. `name` opens every message. */
pdessm_status pdessm_dataset_build(pdessm_context *ctx, const char *name,
                                   const pdessm_dataset_options *options, pdessm_source *source,
                                   pdessm_dataset **ret);

/* Copies names into source. */
pdessm_status pdessm_source_set_names(pdessm_context *ctx, pdessm_source *source,
                                      const char *const *names, int64_t count);

/* The readers. Options come with max_bytes set. */
pdessm_status pdessm_source_shapes(pdessm_context *ctx, const pdessm_dataset_options *options,
                                   pdessm_source *ret);
pdessm_status pdessm_source_file(pdessm_context *ctx, const char *path,
                                 const pdessm_dataset_options *options, pdessm_source *ret);
/* IDX and CIFAR; *ret_found is 0 when the folder holds neither. */
pdessm_status pdessm_source_idx_cifar_folder(pdessm_context *ctx, const char *path,
                                             const pdessm_dataset_options *options, int *ret_found,
                                             pdessm_source *ret);
/* PNG and JPEG files. */
pdessm_status pdessm_source_image_folder(pdessm_context *ctx, const char *path,
                                         const pdessm_dataset_options *options, pdessm_source *ret);

/* One file that is already in memory; labels that lie in other files are not looked for. */
pdessm_status pdessm_source_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                   size_t size, int64_t max_bytes, pdessm_source *ret);

#endif
