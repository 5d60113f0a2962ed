/* SPDX-License-Identifier: MIT */
/* npz.c: several .npy files in a zip archive. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "files/atomic_file.h"
#include "files/file.h"
#include "files/npy.h"

int pdessm_is_npz(const uint8_t *data, size_t size) {
    return size >= 4 && !memcmp(data, "PK\3\4", 4);
}

/* The name is looked up with and without the ".npy" that NumPy appends. -1: absent. */
static zip_int64_t locate(zip_t *archive, const char *name) {
    char file[64];
    snprintf(file, sizeof file, "%s.npy", name);
    zip_int64_t index = zip_name_locate(archive, file, 0);
    return index >= 0 ? index : zip_name_locate(archive, name, 0);
}

/* Checks what the directory says of a member before memory is taken for it. Deflate cannot shrink
 * by more than 1032, so a larger claim is a lie or a bomb. */
static pdessm_status check_member(pdessm_context *ctx, const char *name, const zip_stat_t *about,
                                  size_t archive_size, int64_t max_bytes) {
    const zip_uint64_t needed =
        ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if ((about->valid & needed) != needed || about->comp_size > archive_size ||
        about->size / 1100 > about->comp_size)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: impossible sizes in the archive", name);
    if (about->encryption_method != ZIP_EM_NONE ||
        (about->comp_method != ZIP_CM_STORE && about->comp_method != ZIP_CM_DEFLATE))
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: encrypted, or compressed in a way that NumPy does not use", name);
    /* Elements can shrink on the way (float64 to float32) and the header adds a little. */
    if (max_bytes < INT64_MAX / 4 && about->size > 2 * (zip_uint64_t)max_bytes + 65536)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: inflates to %llu bytes, more than the limit of %lld allows", name,
                           (unsigned long long)about->size, (long long)max_bytes);
    return PDESSM_OK;
}

static pdessm_status read_member(pdessm_context *ctx, const char *name, zip_t *archive,
                                 zip_int64_t index, size_t archive_size, int64_t max_bytes,
                                 pdessm_array *ret) {
    pdessm_status status;
    zip_file_t *file = NULL;
    uint8_t *data = NULL, end;
    zip_stat_t about;
    PDESSM_REQUIRE(ctx, zip_stat_index(archive, (zip_uint64_t)index, 0, &about) == 0,
                   PDESSM_ERROR_FILE, "%s: %s", name, zip_strerror(archive));
    PDESSM_TRY(check_member(ctx, name, &about, archive_size, max_bytes));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)about.size, 1, &data));
    file = zip_fopen_index(archive, (zip_uint64_t)index, 0);
    PDESSM_REQUIRE(ctx, file, PDESSM_ERROR_FILE, "%s: %s", name, zip_strerror(archive));
    zip_uint64_t used = 0;
    for (zip_int64_t n = 1; n > 0 && used < about.size; used += (zip_uint64_t)n) {
        n = zip_fread(file, data + used, about.size - used);
        PDESSM_REQUIRE(ctx, n >= 0, PDESSM_ERROR_FILE, "%s: damaged: %s", name,
                       zip_file_strerror(file));
    }
    /* The checksum is compared only when the end is read. */
    PDESSM_REQUIRE(ctx, used == about.size && zip_fread(file, &end, 1) == 0, PDESSM_ERROR_FILE,
                   "%s: damaged or cut off: %s", name, zip_file_strerror(file));
    PDESSM_TRY(pdessm_npy_decode(ctx, name, data, (size_t)used, max_bytes, ret));
out:
    if (file)
        zip_fclose(file);
    free(data);
    return status;
}

struct pdessm_npz {
    pdessm_context *ctx;
    const char *name;
    size_t size;
    zip_t *archive;
};

pdessm_status pdessm_npz_open(pdessm_context *ctx, const char *name, const uint8_t *data,
                              size_t size, pdessm_npz **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_npz *npz = NULL;
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(data, size, 0, &error);
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *npz, &npz));
    npz->ctx = ctx;
    npz->name = name;
    npz->size = size;
    npz->archive = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    PDESSM_REQUIRE(ctx, npz->archive, PDESSM_ERROR_FILE, "%s: not a readable .npz: %s", name,
                   zip_error_strerror(&error));
    source = NULL; /* the archive owns it */
    *ret = npz;
    npz = NULL;
out:
    if (source)
        zip_source_free(source);
    zip_error_fini(&error);
    pdessm_npz_close(&npz);
    return status;
}

void pdessm_npz_close(pdessm_npz **npz) {
    if (!*npz)
        return;
    if ((*npz)->archive)
        zip_discard((*npz)->archive);
    free(*npz);
    *npz = NULL;
}

pdessm_status pdessm_npz_read(pdessm_npz *npz, const char *member, int64_t max_bytes,
                              int *ret_found, pdessm_array *ret) {
    const zip_int64_t index = locate(npz->archive, member);
    char where[512];
    *ret_found = index >= 0;
    if (index < 0)
        return PDESSM_OK;
    snprintf(where, sizeof where, "%s(%s)", npz->name, member);
    return read_member(npz->ctx, where, npz->archive, index, npz->size, max_bytes, ret);
}

/* The first of two names that is there. */
static pdessm_status read_first(pdessm_npz *npz, const char *const names[2], int64_t max_bytes,
                                int *ret_found, pdessm_array *ret) {
    pdessm_status status = pdessm_npz_read(npz, names[0], max_bytes, ret_found, ret);
    if (status == PDESSM_OK && !*ret_found)
        status = pdessm_npz_read(npz, names[1], max_bytes, ret_found, ret);
    return status;
}

pdessm_status pdessm_npz_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                size_t size, int64_t max_bytes, pdessm_array *ret_images,
                                pdessm_array *ret_labels) {
    static const char *const image_names[2] = {"images", "arr_0"};
    static const char *const label_names[2] = {"labels", "arr_1"};
    pdessm_status status = PDESSM_OK;
    pdessm_npz *npz = NULL;
    pdessm_array images = {0}, labels = {0};
    int found;
    PDESSM_TRY(pdessm_npz_open(ctx, name, data, size, &npz));
    PDESSM_TRY(read_first(npz, image_names, max_bytes, &found, &images));
    PDESSM_REQUIRE(ctx, found, PDESSM_ERROR_FILE, "%s: holds neither an array `images` nor `arr_0`",
                   name);
    PDESSM_TRY(read_first(npz, label_names, max_bytes, &found, &labels));
    *ret_images = images;
    *ret_labels = labels;
    images.data = labels.data = NULL;
out:
    pdessm_npz_close(&npz);
    pdessm_array_release(&images);
    pdessm_array_release(&labels);
    return status;
}

/* Adds one array as a member; *ret_buffer, the member's bytes, must live until the archive is
 * closed. The time stamp is fixed so that equal arrays make equal files. */
static pdessm_status add_member(pdessm_context *ctx, const char *path, zip_t *archive,
                                const char *member, const char *descr, int rank,
                                const int64_t *dims, const void *data, size_t bytes,
                                zip_buffer_fragment_t fragments[2], char *header) {
    size_t length = pdessm_npy_header(descr, rank, dims, header);
    fragments[0] = (zip_buffer_fragment_t){(zip_uint8_t *)header, length};
    fragments[1] = (zip_buffer_fragment_t){(zip_uint8_t *)(uintptr_t)data, bytes};
    zip_source_t *source = zip_source_buffer_fragment(archive, fragments, 2, 0);
    zip_int64_t index = source ? zip_file_add(archive, member, source, 0) : -1;
    if (index < 0) {
        zip_source_free(source);
        return pdessm_fail(ctx, PDESSM_ERROR_IO, "%s: %s", path, zip_strerror(archive));
    }
    if (zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive, (zip_uint64_t)index, 0, 0x21, 0) != 0) /* 1980-01-01 */
        return pdessm_fail(ctx, PDESSM_ERROR_IO, "%s: %s", path, zip_strerror(archive));
    return PDESSM_OK;
}

static pdessm_status close_archive(pdessm_context *ctx, const char *path, zip_t **archive,
                                   int64_t size) {
    if (zip_close(*archive) == 0) {
        *archive = NULL;
        return PDESSM_OK;
    }
    zip_error_t *error = zip_get_error(*archive);
    if (zip_error_system_type(error) == ZIP_ET_SYS)
        return pdessm_fail_io(ctx, path, "write", zip_error_code_system(error), size);
    return pdessm_fail(ctx, PDESSM_ERROR_IO, "%s: cannot write: %s", path,
                       zip_error_strerror(error));
}

pdessm_status pdessm_npz_write(pdessm_context *ctx, const char *path, const uint8_t *images,
                               int64_t count, int64_t height, int64_t width, int64_t channels,
                               const int32_t *labels) {
    pdessm_status status;
    zip_t *archive = NULL;
    char *temporary = NULL, header[2][PDESSM_NPY_HEADER_MAX];
    zip_buffer_fragment_t fragments[2][2];
    const int64_t dims[4] = {count, height, width, channels};
    int64_t bytes = pdessm_extent_product(4, dims, 1);
    int code = 0;
    PDESSM_REQUIRE(ctx, bytes > 0, PDESSM_ERROR_ARGUMENT, "%s: no images to write", path);
    PDESSM_TRY(pdessm_temporary_name(ctx, path, &temporary));
    archive = zip_open(temporary, ZIP_CREATE | ZIP_TRUNCATE, &code);
    PDESSM_REQUIRE(ctx, archive, PDESSM_ERROR_IO, "%s: cannot create (libzip error %d)", path,
                   code);
    PDESSM_TRY(add_member(ctx, path, archive, "arr_0.npy", "|u1", 4, dims, images, (size_t)bytes,
                          fragments[0], header[0]));
    if (labels)
        PDESSM_TRY(add_member(ctx, path, archive, "labels.npy", "<i4", 1, dims, labels,
                              (size_t)count * sizeof *labels, fragments[1], header[1]));
    PDESSM_TRY(close_archive(ctx, path, &archive, bytes + 4 * count + 2048));
    PDESSM_TRY(pdessm_commit_file(ctx, temporary, path));
out:
    if (archive)
        zip_discard(archive);
    if (temporary && status != PDESSM_OK)
        unlink(temporary);
    free(temporary);
    return status;
}
