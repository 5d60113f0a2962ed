/* SPDX-License-Identifier: MIT */
/* resumable.h: images that take long to make, kept part by part in files. A file is there whole or
 * not at all, so that an interruption costs one part, and the same work resumes from there. */
#ifndef PDESSM_FILES_RESUMABLE_H
#define PDESSM_FILES_RESUMABLE_H

#include <pdessm/safetensors.h>

#include "core/watch.h"

/* Work that can be resumed. */
typedef struct pdessm_resumable {
    pdessm_context *ctx;
    const char *folder;  /* of the parts; made when needed */
    const char *origin;  /* what the images depend on: parts of another origin are refused */
    int64_t count, each; /* images of all parts, of one */
    int64_t channels, height, width;
    pdessm_watch watch;
    /* Makes images first .. first + n - 1: [n, channels, height, width]. */
    pdessm_status (*make)(void *user, int64_t first, int64_t n, const pdessm_watch *watch,
                          float *ret);
    void *user;
} pdessm_resumable;

/* Makes the parts that are not there yet. */
pdessm_status pdessm_resumable_make(const pdessm_resumable *work);

/* All images, once they are there: [count, channels, height, width]. */
pdessm_status pdessm_resumable_read(const pdessm_resumable *work, float *ret);

/* Writes them to one file as `images`, with `labels` [count] unless NULL, and removes the parts. */
pdessm_status pdessm_resumable_join(const pdessm_resumable *work, const char *path,
                                    const int32_t *labels);

/* Opens a file of n images, which must be of the same origin. */
pdessm_status pdessm_resumable_open(const pdessm_resumable *work, const char *path, int64_t n,
                                    pdessm_safetensors **ret);

#endif
