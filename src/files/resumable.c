/* SPDX-License-Identifier: MIT */
/* resumable.c: files FOLDER/FIRST-COUNT.safetensors of images. */
#include "files/resumable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/atomic_dir.h"
#include "files/file.h"

enum { PATH = 4160 };

static size_t pixels_of(const pdessm_resumable *work) {
    return (size_t)(work->channels * work->height * work->width);
}

static int64_t part_count(const pdessm_resumable *work, int64_t first) {
    return work->count - first < work->each ? work->count - first : work->each;
}

/* Named by their extent too: a set of another size has another last part. */
static pdessm_status part_path(const pdessm_resumable *work, int64_t first, char ret[PATH]) {
    const int length = snprintf(ret, PATH, "%s/%09" PRId64 "-%03" PRId64 ".safetensors",
                                work->folder, first, part_count(work, first));
    return length < PATH
               ? PDESSM_OK
               : pdessm_fail(work->ctx, PDESSM_ERROR_ARGUMENT,
                             "the path is too long for a folder of parts: %.80s..", work->folder);
}

/* Begins a file of `count` images. */
static pdessm_status begin_file(const pdessm_resumable *work, const char *path, int64_t count,
                                int labels, pdessm_safetensors_writer **ret) {
    const pdessm_safetensors_pair origin = {"pdessm.origin", work->origin};
    const pdessm_safetensors_tensor tensors[] = {
        {"images", PDESSM_FILE_F32, 4, {count, work->channels, work->height, work->width}},
        {"labels", PDESSM_FILE_I32, 1, {count}}};
    return pdessm_safetensors_writer_create(work->ctx, path, &origin, 1, tensors, 1 + labels, ret);
}

pdessm_status pdessm_resumable_open(const pdessm_resumable *work, const char *path, int64_t n,
                                    pdessm_safetensors **ret) {
    const int64_t dims[] = {n, work->channels, work->height, work->width};
    const pdessm_safetensors_entry *entry = NULL;
    pdessm_safetensors *file = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_safetensors_open(work->ctx, path, &file));
    const char *origin = pdessm_safetensors_metadata(file, "pdessm.origin");
    PDESSM_REQUIRE(
        work->ctx, origin && strcmp(origin, work->origin) == 0, PDESSM_ERROR_FILE,
        "%s: was drawn as '%s', but '%s' is requested; remove the file, or request the same", path,
        origin ? origin : "unknown", work->origin);
    PDESSM_TRY(pdessm_safetensors_expect(file, "images", 4, dims, &entry));
    PDESSM_REQUIRE(work->ctx, entry->dtype == PDESSM_FILE_F32, PDESSM_ERROR_FILE,
                   "%s: tensor images is %s, expected F32; remove the file", path,
                   pdessm_file_dtype_name(entry->dtype));
    *ret = file;
    file = NULL;
out:
    pdessm_safetensors_destroy(&file);
    return status;
}

static pdessm_status make_part(const pdessm_resumable *work, int64_t first, const char *path) {
    const int64_t count = part_count(work, first);
    const size_t numbers = (size_t)count * pixels_of(work);
    const double all = (double)work->count;
    const pdessm_watch watch =
        pdessm_watch_part(&work->watch, (double)first / all, (double)(first + count) / all);
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors_writer *writer = NULL;
    float *images = NULL;
    PDESSM_TRY(pdessm_alloc(work->ctx, numbers, sizeof *images, &images));
    PDESSM_TRY(work->make(work->user, first, count, &watch, images));
    PDESSM_TRY(begin_file(work, path, count, 0, &writer));
    PDESSM_TRY(pdessm_safetensors_writer_write(writer, images, numbers * sizeof *images));
    PDESSM_TRY(pdessm_safetensors_writer_finish(writer));
out:
    pdessm_safetensors_writer_destroy(&writer);
    free(images);
    return status;
}

pdessm_status pdessm_resumable_make(const pdessm_resumable *work) {
    pdessm_status status = PDESSM_OK;
    char path[PATH];
    if (mkdir(work->folder, 0777) != 0 && errno != EEXIST)
        return pdessm_fail_io(work->ctx, work->folder, "make", errno, -1);
    for (int64_t first = 0; first < work->count; first += work->each) {
        pdessm_safetensors *there = NULL;
        PDESSM_TRY(part_path(work, first, path));
        if (access(path, F_OK) != 0)
            PDESSM_TRY(make_part(work, first, path));
        else
            PDESSM_TRY(pdessm_resumable_open(work, path, part_count(work, first), &there));
        pdessm_safetensors_destroy(&there);
    }
out:
    return status;
}

/* Hands the images of each part on, to memory or to a file. */
static pdessm_status copy(const pdessm_resumable *work, float *to,
                          pdessm_safetensors_writer *writer) {
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors *part = NULL;
    char path[PATH];
    for (int64_t first = 0; first < work->count; first += work->each) {
        PDESSM_TRY(part_path(work, first, path));
        PDESSM_TRY(pdessm_resumable_open(work, path, part_count(work, first), &part));
        const pdessm_safetensors_entry *images = pdessm_safetensors_find(part, "images");
        if (writer)
            PDESSM_TRY(pdessm_safetensors_writer_write(writer, images->data, images->bytes));
        else
            PDESSM_TRY(
                pdessm_safetensors_read_float(part, images, to + (size_t)first * pixels_of(work)));
        pdessm_safetensors_destroy(&part);
    }
out:
    pdessm_safetensors_destroy(&part);
    return status;
}

pdessm_status pdessm_resumable_read(const pdessm_resumable *work, float *ret) {
    return copy(work, ret, NULL);
}

pdessm_status pdessm_resumable_join(const pdessm_resumable *work, const char *path,
                                    const int32_t *labels) {
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors_writer *writer = NULL;
    PDESSM_TRY(begin_file(work, path, work->count, labels != NULL, &writer));
    PDESSM_TRY(copy(work, NULL, writer));
    if (labels)
        PDESSM_TRY(
            pdessm_safetensors_writer_write(writer, labels, (size_t)work->count * sizeof *labels));
    PDESSM_TRY(pdessm_safetensors_writer_finish(writer));
    PDESSM_TRY(pdessm_remove_tree(work->ctx, work->folder));
out:
    pdessm_safetensors_writer_destroy(&writer);
    return status;
}
