/* SPDX-License-Identifier: MIT */
/* file.h: whole files as bytes in memory, and the messages of a failing file system.
 *
 * The room `files` knows formats and the file system: bytes and folders that appear whole or not at
 * all, work that resumes, and the formats of arrays, tables, tensors and pictures. A parser sees
 * bytes and a limit. What the numbers mean is the business of the rooms above. */
#ifndef PDESSM_FILES_FILE_H
#define PDESSM_FILES_FILE_H

#include <stdint.h>

#include "core/context.h"

/* The decoded size that a reader accepts when its caller names none. */
#define PDESSM_DEFAULT_MAX_BYTES ((int64_t)8 << 30)

typedef enum pdessm_bytes_owner {
    PDESSM_BYTES_BORROWED,
    PDESSM_BYTES_HEAP,
    PDESSM_BYTES_MAPPED,
} pdessm_bytes_owner;

/* All zero is an empty, releasable value. */
typedef struct pdessm_bytes {
    const uint8_t *data;
    size_t size;
    pdessm_bytes_owner owner;
} pdessm_bytes;

/* Maps a regular file. A path that cannot be opened is ERROR_FILE. */
pdessm_status pdessm_bytes_open(pdessm_context *ctx, const char *path, pdessm_bytes *ret);

/* Maps a file and, when it is gzip, inflates it to at most max_bytes. */
pdessm_status pdessm_bytes_load(pdessm_context *ctx, const char *path, int64_t max_bytes,
                                pdessm_bytes *ret);

/* Inflates gzip (several members too); more than max_bytes is ERROR_FILE. */
pdessm_status pdessm_gunzip(pdessm_context *ctx, const char *name, const uint8_t *data, size_t size,
                            int64_t max_bytes, pdessm_bytes *ret);

int pdessm_is_gzip(const uint8_t *data, size_t size);

void pdessm_bytes_release(pdessm_bytes *bytes);

/* ERROR_IO with the text of errno; for a full disk it says how much `path` needs (needed < 0: not
 * known) and how much is free. */
pdessm_status pdessm_fail_io(pdessm_context *ctx, const char *path, const char *action, int code,
                             int64_t needed);

int pdessm_is_folder(const char *path);

/* Makes a folder and those above it; one that is there is fine. */
pdessm_status pdessm_make_folder(pdessm_context *ctx, const char *path);

/* "DIR/NAME" in new memory. */
pdessm_status pdessm_path_join(pdessm_context *ctx, const char *directory, const char *name,
                               char **ret);

/* The folder that holds path, in new memory: "." for a bare name. */
pdessm_status pdessm_path_parent(pdessm_context *ctx, const char *path, char **ret);

#endif
