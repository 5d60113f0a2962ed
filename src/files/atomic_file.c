/* SPDX-License-Identifier: MIT */
/* atomic_file.c: files that appear whole or not at all. */
#define _GNU_SOURCE
#include "files/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/file.h"

struct pdessm_output {
    pdessm_context *ctx;
    char *path;
    char *temporary; /* NULL: written directly */
    int fd;
    int finished;
    int64_t size, written;
};

pdessm_status pdessm_temporary_name(pdessm_context *ctx, const char *path, char **ret) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    char *name = NULL;
    if (asprintf(&name, "%.*s.tmp-%ld", (int)length, path, (long)getpid()) < 0)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: a path");
    *ret = name;
    return PDESSM_OK;
}

/* Takes the room at once where the file system can, so that a full disk is known before the work
 * is done; elsewhere the write that does not fit will tell. */
static pdessm_status reserve(pdessm_output *output) {
    if (!output->temporary || output->size <= 0)
        return PDESSM_OK;
    if (fallocate(output->fd, 0, 0, (off_t)output->size) == 0 ||
        (errno != ENOSPC && errno != EDQUOT && errno != EFBIG))
        return PDESSM_OK;
    return pdessm_fail_io(output->ctx, output->path, "write", errno, output->size);
}

pdessm_status pdessm_output_check(pdessm_context *ctx, const char *path) {
    pdessm_status status = PDESSM_OK;
    char *parent = NULL;
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode) && access(path, W_OK) == 0)
        return PDESSM_OK;
    PDESSM_REQUIRE(ctx, !pdessm_is_folder(path), PDESSM_ERROR_IO,
                   "%s is a folder, expected the name of a file to write", path);
    PDESSM_TRY(pdessm_path_parent(ctx, path, &parent));
    PDESSM_REQUIRE(ctx, access(parent, W_OK | X_OK) == 0, PDESSM_ERROR_IO,
                   "%s: cannot write into the folder %s: %s", path, parent, strerror(errno));
out:
    free(parent);
    return status;
}

pdessm_status pdessm_output_create(pdessm_context *ctx, const char *path, int64_t size,
                                   pdessm_output **ret) {
    pdessm_status status;
    pdessm_output *output = NULL;
    struct stat about;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *output, &output));
    output->ctx = ctx;
    output->fd = -1;
    output->size = size;
    output->path = strdup(path);
    PDESSM_REQUIRE(ctx, output->path, PDESSM_ERROR_MEMORY, "out of memory: a path");
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) {
        PDESSM_REQUIRE(ctx, !S_ISDIR(about.st_mode), PDESSM_ERROR_IO,
                       "%s: is a folder; name a file", path);
        output->fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        PDESSM_TRY(pdessm_temporary_name(ctx, path, &output->temporary));
        output->fd = open(output->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
    if (output->fd < 0)
        PDESSM_TRY(pdessm_fail_io(ctx, path, "create", errno, size));
    PDESSM_TRY(reserve(output));
    *ret = output;
    output = NULL;
out:
    pdessm_output_destroy(&output);
    return status;
}

pdessm_status pdessm_output_write(pdessm_output *output, const void *data, size_t bytes) {
    const char *from = data;
    while (bytes > 0) {
        /* Linux writes at most 2 GiB a call. */
        size_t piece = bytes < ((size_t)1 << 30) ? bytes : (size_t)1 << 30;
        ssize_t done = write(output->fd, from, piece);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return pdessm_fail_io(output->ctx, output->path, "write", errno,
                                  output->size >= 0 ? output->size
                                                    : output->written + (int64_t)bytes);
        from += done;
        bytes -= (size_t)done;
        output->written += done;
    }
    return PDESSM_OK;
}

pdessm_status pdessm_sync_path(pdessm_context *ctx, const char *path) {
    pdessm_status status = PDESSM_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return pdessm_fail_io(ctx, path, "open", errno, -1);
    /* Some file systems cannot sync a folder and say EINVAL; there is nothing to be done. */
    if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        status = pdessm_fail_io(ctx, path, "sync", errno, -1);
    close(fd);
    return status;
}

static pdessm_status rename_and_sync(pdessm_context *ctx, const char *temporary, const char *path) {
    char *parent = NULL;
    if (rename(temporary, path) != 0)
        return pdessm_fail_io(ctx, path, "rename to", errno, -1);
    pdessm_status status = pdessm_path_parent(ctx, path, &parent);
    if (status == PDESSM_OK)
        status = pdessm_sync_path(ctx, parent);
    free(parent);
    return status;
}

pdessm_status pdessm_commit_file(pdessm_context *ctx, const char *temporary, const char *path) {
    pdessm_status status = pdessm_sync_path(ctx, temporary);
    return status == PDESSM_OK ? rename_and_sync(ctx, temporary, path) : status;
}

pdessm_status pdessm_output_finish(pdessm_output *output) {
    pdessm_context *ctx = output->ctx;
    if (output->temporary && fsync(output->fd) != 0 && errno != EINVAL)
        return pdessm_fail_io(ctx, output->path, "sync", errno, output->size);
    int code = close(output->fd);
    output->fd = -1;
    if (code != 0)
        return pdessm_fail_io(ctx, output->path, "close", errno, output->size);
    if (output->temporary) {
        pdessm_status status = rename_and_sync(ctx, output->temporary, output->path);
        if (status != PDESSM_OK)
            return status;
    }
    output->finished = 1;
    return PDESSM_OK;
}

void pdessm_output_destroy(pdessm_output **output) {
    pdessm_output *o = *output;
    if (!o)
        return;
    if (o->fd >= 0)
        close(o->fd);
    if (o->temporary && !o->finished)
        unlink(o->temporary);
    free(o->temporary);
    free(o->path);
    free(o);
    *output = NULL;
}

pdessm_status pdessm_write_file(pdessm_context *ctx, const char *path, const void *data,
                                size_t bytes) {
    pdessm_output *output = NULL;
    pdessm_status status;
    PDESSM_TRY(pdessm_output_create(ctx, path, (int64_t)bytes, &output));
    PDESSM_TRY(pdessm_output_write(output, data, bytes));
    PDESSM_TRY(pdessm_output_finish(output));
out:
    pdessm_output_destroy(&output);
    return status;
}
