/* SPDX-License-Identifier: MIT */
/* safetensors.c: the reader. Nothing that the file says is believed before it was checked. */
#include <pdessm/safetensors.h>

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "core/context.h"
#include "files/array.h"
#include "files/file.h"
#include "files/safetensors_header.h"

struct pdessm_safetensors {
    pdessm_context *ctx;
    char *name; /* path, for messages */
    pdessm_bytes bytes;
    cJSON *header; /* owns all strings */
    const cJSON *metadata;
    pdessm_safetensors_entry *entries; /* sorted by name */
    int64_t count;
};

/* Length of the JSON text, after its own length word was compared with the file. */
static pdessm_status header_length(const pdessm_safetensors *file, size_t *ret) {
    pdessm_context *ctx = file->ctx;
    uint64_t length;
    if (file->bytes.size < sizeof length)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: not a safetensors file, or cut off: %zu bytes are too few for one",
                           file->name, file->bytes.size);
    memcpy(&length, file->bytes.data, sizeof length);
    if (length > PDESSM_SAFETENSORS_MAX_HEADER)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: not a safetensors file: a header of %llu bytes, at most %lld are "
                           "allowed",
                           file->name, (unsigned long long)length,
                           (long long)PDESSM_SAFETENSORS_MAX_HEADER);
    if (length > file->bytes.size - sizeof length)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: cut off inside the header: it should have %llu bytes, the file "
                           "ends after %zu",
                           file->name, (unsigned long long)length,
                           file->bytes.size - sizeof length);
    *ret = (size_t)length;
    return PDESSM_OK;
}

static pdessm_status load(pdessm_safetensors *file) {
    pdessm_context *ctx = file->ctx;
    size_t length = 0;
    pdessm_status status;
    PDESSM_TRY(header_length(file, &length));
    const char *text = (const char *)file->bytes.data + 8;
    const uint8_t *data = file->bytes.data + 8 + length;
    PDESSM_TRY(pdessm_safetensors_parse(ctx, file->name, text, length, &file->header));
    PDESSM_TRY(pdessm_safetensors_check(ctx, file->name, file->header, data,
                                        file->bytes.size - 8 - length, &file->entries, &file->count,
                                        &file->metadata));
out:
    return status;
}

static pdessm_status create(pdessm_context *ctx, const char *name, pdessm_bytes *bytes,
                            pdessm_safetensors **ret) {
    pdessm_safetensors *file = NULL;
    pdessm_status status;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *file, &file));
    file->ctx = ctx;
    file->bytes = *bytes;
    *bytes = (pdessm_bytes){0};
    file->name = strdup(name);
    PDESSM_REQUIRE(ctx, file->name, PDESSM_ERROR_MEMORY, "out of memory: a path");
    PDESSM_TRY(load(file));
    *ret = file;
    file = NULL;
out:
    pdessm_bytes_release(bytes);
    pdessm_safetensors_destroy(&file);
    return status;
}

pdessm_status pdessm_safetensors_open(pdessm_context *ctx, const char *path,
                                      pdessm_safetensors **ret) {
    pdessm_bytes bytes = {0};
    pdessm_status status = pdessm_bytes_open(ctx, path, &bytes);
    return status == PDESSM_OK ? create(ctx, path, &bytes, ret) : status;
}

pdessm_status pdessm_safetensors_open_memory(pdessm_context *ctx, const char *name,
                                             const void *data, size_t size,
                                             pdessm_safetensors **ret) {
    pdessm_bytes bytes = {data, size, PDESSM_BYTES_BORROWED};
    return create(ctx, name, &bytes, ret);
}

void pdessm_safetensors_destroy(pdessm_safetensors **file) {
    pdessm_safetensors *f = *file;
    if (!f)
        return;
    cJSON_Delete(f->header);
    free(f->entries);
    pdessm_bytes_release(&f->bytes);
    free(f->name);
    free(f);
    *file = NULL;
}

int64_t pdessm_safetensors_count(const pdessm_safetensors *file) {
    return file->count;
}

const pdessm_safetensors_entry *pdessm_safetensors_at(const pdessm_safetensors *file,
                                                      int64_t index) {
    return &file->entries[index];
}

static int compare_name(const void *key, const void *entry) {
    return strcmp(key, ((const pdessm_safetensors_entry *)entry)->name);
}

const pdessm_safetensors_entry *pdessm_safetensors_find(const pdessm_safetensors *file,
                                                        const char *name) {
    return bsearch(name, file->entries, (size_t)file->count, sizeof *file->entries, compare_name);
}

pdessm_status pdessm_safetensors_expect(const pdessm_safetensors *file, const char *name, int rank,
                                        const int64_t *dims, const pdessm_safetensors_entry **ret) {
    const pdessm_safetensors_entry *entry = pdessm_safetensors_find(file, name);
    if (!entry)
        return pdessm_fail(file->ctx, PDESSM_ERROR_FILE, "%s: tensor %s is missing", file->name,
                           name);
    int same = entry->rank == rank;
    for (int i = 0; same && i < rank; i++)
        same = dims[i] < 0 || dims[i] == entry->dims[i];
    if (same) {
        *ret = entry;
        return PDESSM_OK;
    }
    char found[PDESSM_EXTENT_TEXT], wanted[PDESSM_EXTENT_TEXT];
    pdessm_extent_text(entry->rank, entry->dims, found);
    pdessm_extent_text(rank, dims, wanted);
    return pdessm_fail(file->ctx, PDESSM_ERROR_FILE, "%s: tensor %s is %s; %s was expected",
                       file->name, name, found, wanted);
}

static pdessm_status wrong_type(const pdessm_safetensors *file,
                                const pdessm_safetensors_entry *entry, const char *wanted) {
    return pdessm_fail(file->ctx, PDESSM_ERROR_FILE, "%s: tensor %s holds %s; %s were expected",
                       file->name, entry->name, pdessm_file_dtype_name(entry->dtype), wanted);
}

pdessm_status pdessm_safetensors_read_float(const pdessm_safetensors *file,
                                            const pdessm_safetensors_entry *entry, float *ret) {
    if (!pdessm_convert_to_float(entry->dtype, entry->data, entry->count, ret))
        return wrong_type(file, entry, "floats (F32, F16, BF16, F64)");
    return PDESSM_OK;
}

pdessm_status pdessm_safetensors_read_int(const pdessm_safetensors *file,
                                          const pdessm_safetensors_entry *entry, int64_t *ret) {
    if (!pdessm_convert_to_int64(entry->dtype, entry->data, entry->count, ret))
        return wrong_type(file, entry, "integers below 2^63");
    return PDESSM_OK;
}

const char *pdessm_safetensors_metadata(const pdessm_safetensors *file, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(file->metadata, key);
    return item ? item->valuestring : NULL;
}

int64_t pdessm_safetensors_metadata_count(const pdessm_safetensors *file) {
    return file->metadata ? cJSON_GetArraySize(file->metadata) : 0;
}

void pdessm_safetensors_metadata_at(const pdessm_safetensors *file, int64_t index,
                                    const char **ret_key, const char **ret_value) {
    const cJSON *item = cJSON_GetArrayItem(file->metadata, (int)index);
    *ret_key = item->string;
    *ret_value = item->valuestring;
}
