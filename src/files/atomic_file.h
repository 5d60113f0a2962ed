/* SPDX-License-Identifier: MIT */
/* atomic_file.h: files that appear whole or not at all. */
#ifndef PDESSM_FILES_ATOMIC_FILE_H
#define PDESSM_FILES_ATOMIC_FILE_H

#include <stdint.h>

#include "core/context.h"

/* A file under way: bytes go to PATH.tmp-PID, and finish puts it on the disk and in place. A path
 * that exists and is no regular file (a pipe, /dev/stdout) is written directly. */
typedef struct pdessm_output pdessm_output;

/* Fails now rather than after an hour when a file cannot be put at path. */
pdessm_status pdessm_output_check(pdessm_context *ctx, const char *path);

/* size: what will be written, -1 when not known; a disk without that room fails here. */
pdessm_status pdessm_output_create(pdessm_context *ctx, const char *path, int64_t size,
                                   pdessm_output **ret);
pdessm_status pdessm_output_write(pdessm_output *output, const void *data, size_t bytes);
/* fsync, close, rename, fsync of the folder. */
pdessm_status pdessm_output_finish(pdessm_output *output);
/* Accepts NULL, nulls the handle. An unfinished file is removed. */
void pdessm_output_destroy(pdessm_output **output);

/* Writes a whole file this way. */
pdessm_status pdessm_write_file(pdessm_context *ctx, const char *path, const void *data,
                                size_t bytes);

/* "PATH.tmp-PID" in new memory. */
pdessm_status pdessm_temporary_name(pdessm_context *ctx, const char *path, char **ret);

/* Puts the finished file `temporary` on the disk and in the place of `path`. */
pdessm_status pdessm_commit_file(pdessm_context *ctx, const char *temporary, const char *path);

/* fsync of a folder or file by name. */
pdessm_status pdessm_sync_path(pdessm_context *ctx, const char *path);

#endif
