/* SPDX-License-Identifier: MIT */
/* file.c: whole files as bytes in memory, gzip, and the messages of a failing file system. */
#define _GNU_SOURCE
#include "files/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>

#include "files/cache_folder.h"

pdessm_status pdessm_bytes_open(pdessm_context *ctx, const char *path, pdessm_bytes *ret) {
    pdessm_status status = PDESSM_OK;
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: cannot open: %s", path, strerror(errno));
    if (fstat(fd, &about) != 0)
        PDESSM_TRY(pdessm_fail_io(ctx, path, "stat", errno, -1));
    PDESSM_REQUIRE(ctx, S_ISREG(about.st_mode), PDESSM_ERROR_FILE,
                   "%s: is %s; a regular file was expected", path,
                   S_ISDIR(about.st_mode) ? "a folder" : "not a regular file");
    if (about.st_size == 0) {
        *ret = (pdessm_bytes){.data = (const uint8_t *)""};
        goto out;
    }
    void *data = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        PDESSM_TRY(pdessm_fail_io(ctx, path, "map", errno, -1));
    *ret = (pdessm_bytes){data, (size_t)about.st_size, PDESSM_BYTES_MAPPED};
out:
    close(fd);
    return status;
}

void pdessm_bytes_release(pdessm_bytes *bytes) {
    if (bytes->owner == PDESSM_BYTES_MAPPED)
        munmap((void *)(uintptr_t)bytes->data, bytes->size);
    else if (bytes->owner == PDESSM_BYTES_HEAP)
        free((void *)(uintptr_t)bytes->data);
    *bytes = (pdessm_bytes){0};
}

int pdessm_is_gzip(const uint8_t *data, size_t size) {
    return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

/* Output space, doubled as it fills: the sizes that gzip itself records can lie. */
struct growing {
    uint8_t *data;
    size_t used, space;
};

/* One byte more than the limit is room enough to find out that it is exceeded. */
static pdessm_status grow(pdessm_context *ctx, const char *name, size_t most,
                          struct growing *output) {
    if (output->used > most)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: inflates to more than the limit of %zu bytes", name, most);
    if (output->used < output->space)
        return PDESSM_OK;
    size_t space = output->space ? output->space * 2 : 65536;
    if (space > most || space < output->space)
        space = most + 1;
    uint8_t *bigger = realloc(output->data, space);
    if (!bigger)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "%s: no memory for %zu bytes", name, space);
    output->data = bigger;
    output->space = space;
    return PDESSM_OK;
}

static size_t at_most(size_t value, size_t limit) {
    return value < limit ? value : limit;
}

/* One member or a part of one; *left counts down the input. */
static pdessm_status inflate_some(pdessm_context *ctx, const char *name, z_stream *stream,
                                  size_t *left, struct growing *output, int *ret_code) {
    enum { PIECE = 1 << 30 }; /* zlib counts in unsigned int */
    uInt in = (uInt)at_most(*left, PIECE), out = (uInt)at_most(output->space - output->used, PIECE);
    stream->avail_in = in;
    stream->next_out = output->data + output->used;
    stream->avail_out = out;
    int code = inflate(stream, Z_NO_FLUSH);
    *left -= in - stream->avail_in;
    output->used += out - stream->avail_out;
    *ret_code = code;
    if (code == Z_MEM_ERROR)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "%s: no memory to inflate", name);
    if (code == Z_BUF_ERROR && *left == 0 && output->used < output->space)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: the gzip data is cut off", name);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: damaged gzip data: %s", name,
                           stream->msg ? stream->msg : "unknown error");
    return PDESSM_OK;
}

pdessm_status pdessm_gunzip(pdessm_context *ctx, const char *name, const uint8_t *data, size_t size,
                            int64_t max_bytes, pdessm_bytes *ret) {
    pdessm_status status = PDESSM_OK;
    struct growing output = {0};
    size_t left = size, most = max_bytes > 0 ? (size_t)max_bytes : 1;
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data};
    if (inflateInit2(&stream, 15 + 16) != Z_OK)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "%s: no memory to inflate", name);
    for (int code = Z_OK;;) {
        PDESSM_TRY(grow(ctx, name, most, &output));
        if (code == Z_STREAM_END) {
            /* Another member may follow; anything else behind the end is ignored, as gzip does. */
            if (!pdessm_is_gzip(stream.next_in, left))
                break;
            inflateReset(&stream);
        }
        PDESSM_TRY(inflate_some(ctx, name, &stream, &left, &output, &code));
    }
    *ret = (pdessm_bytes){output.data, output.used, PDESSM_BYTES_HEAP};
    output.data = NULL;
out:
    inflateEnd(&stream);
    free(output.data);
    return status;
}

pdessm_status pdessm_bytes_load(pdessm_context *ctx, const char *path, int64_t max_bytes,
                                pdessm_bytes *ret) {
    pdessm_bytes mapped = {0};
    pdessm_status status = pdessm_bytes_open(ctx, path, &mapped);
    if (status != PDESSM_OK)
        return status;
    if (!pdessm_is_gzip(mapped.data, mapped.size)) {
        *ret = mapped;
        return PDESSM_OK;
    }
    status = pdessm_gunzip(ctx, path, mapped.data, mapped.size, max_bytes, ret);
    pdessm_bytes_release(&mapped);
    return status;
}

pdessm_status pdessm_fail_io(pdessm_context *ctx, const char *path, const char *action, int code,
                             int64_t needed) {
    if (code != ENOSPC && code != EDQUOT)
        return pdessm_fail(ctx, PDESSM_ERROR_IO, "%s: cannot %s: %s", path, action, strerror(code));
    char *parent = NULL;
    pdessm_status status = pdessm_path_parent(ctx, path, &parent);
    if (status != PDESSM_OK)
        return status;
    struct statvfs disk;
    long long space = -1;
    if (statvfs(parent, &disk) == 0)
        space = (long long)disk.f_bavail * (long long)disk.f_frsize;
    free(parent);
    return pdessm_fail(ctx, PDESSM_ERROR_IO,
                       "%s: the disk is full: the file needs %lld bytes, %lld are free; free some "
                       "space or write elsewhere",
                       path, (long long)needed, space);
}

int pdessm_is_folder(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

pdessm_status pdessm_make_folder(pdessm_context *ctx, const char *path) {
    if (pdessm_cache_folder_make(path) && pdessm_is_folder(path))
        return PDESSM_OK;
    return pdessm_fail(ctx, PDESSM_ERROR_IO, "%s: cannot make this folder: %s", path,
                       strerror(errno));
}

pdessm_status pdessm_path_join(pdessm_context *ctx, const char *directory, const char *name,
                               char **ret) {
    size_t a = strlen(directory), b = strlen(name);
    char *path = NULL;
    pdessm_status status = pdessm_alloc(ctx, a + b + 2, 1, &path);
    if (status != PDESSM_OK)
        return status;
    memcpy(path, directory, a);
    if (a == 0 || directory[a - 1] != '/')
        path[a++] = '/';
    memcpy(path + a, name, b + 1);
    *ret = path;
    return PDESSM_OK;
}

pdessm_status pdessm_path_parent(pdessm_context *ctx, const char *path, char **ret) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    while (length > 1 && path[length - 1] == '/')
        length--;
    const char *text = length ? path : ".";
    char *parent = strndup(text, length ? length : 1);
    if (!parent)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: a path");
    *ret = parent;
    return PDESSM_OK;
}
