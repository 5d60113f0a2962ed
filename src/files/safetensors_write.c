/* SPDX-License-Identifier: MIT */
/* safetensors_write.c: the writer: a header made of the list of tensors, then bytes as they come.
 */
#define _GNU_SOURCE
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/safetensors.h>

#include "files/array.h"
#include "files/atomic_file.h"
#include "files/safetensors_header.h"

struct pdessm_safetensors_writer {
    pdessm_context *ctx;
    char *path;
    pdessm_output *output;
    int64_t size, written; /* bytes of tensors */
};

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static pdessm_status check_names(pdessm_context *ctx, const char *path,
                                 const pdessm_safetensors_tensor *tensors, int64_t count) {
    pdessm_status status;
    const char **names = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, sizeof *names, &names));
    for (int64_t i = 0; i < count; i++)
        names[i] = tensors[i].name;
    qsort(names, (size_t)count, sizeof *names, compare_names);
    for (int64_t i = 0; i < count; i++) {
        PDESSM_REQUIRE(ctx, names[i][0] && strcmp(names[i], "__metadata__") != 0,
                       PDESSM_ERROR_ARGUMENT, "%s: \"%s\" cannot be a tensor's name", path,
                       names[i]);
        PDESSM_REQUIRE(ctx, i == 0 || strcmp(names[i - 1], names[i]) != 0, PDESSM_ERROR_ARGUMENT,
                       "%s: two tensors are named %s", path, names[i]);
    }
out:
    free(names);
    return status;
}

/* Adds one tensor that begins at *offset and moves the offset behind it. Numbers are printed here
 * because cJSON prints large ones with an exponent, which other readers refuse. */
static pdessm_status add_tensor(pdessm_context *ctx, const char *path, cJSON *header,
                                const pdessm_safetensors_tensor *tensor, int64_t *offset) {
    char shape[PDESSM_EXTENT_TEXT], offsets[64];
    size_t size = pdessm_file_dtype_size(tensor->dtype);
    int64_t end, count = -1;
    if (tensor->rank >= 0 && tensor->rank <= PDESSM_FILE_MAX_RANK)
        count = pdessm_extent_product(tensor->rank, tensor->dims, size);
    if (count < 0 || __builtin_add_overflow(*offset, count * (int64_t)size, &end) ||
        end > (int64_t)1 << 53)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "%s: tensor %s: impossible extents", path,
                           tensor->name);
    pdessm_extent_text(tensor->rank, tensor->dims, shape);
    snprintf(offsets, sizeof offsets, "[%lld,%lld]", (long long)*offset, (long long)end);
    cJSON *item = cJSON_AddObjectToObject(header, tensor->name);
    if (!item || !cJSON_AddStringToObject(item, "dtype", pdessm_file_dtype_name(tensor->dtype)) ||
        !cJSON_AddRawToObject(item, "shape", shape) ||
        !cJSON_AddRawToObject(item, "data_offsets", offsets))
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "%s: no memory for the header", path);
    *offset = end;
    return PDESSM_OK;
}

/* The header's text, padded with spaces so that the data begins at a multiple of 8 bytes. */
static pdessm_status header_text(pdessm_context *ctx, const char *path,
                                 const pdessm_safetensors_pair *metadata, int64_t metadata_count,
                                 const pdessm_safetensors_tensor *tensors, int64_t tensor_count,
                                 char **ret_text, int64_t *ret_data_size) {
    pdessm_status status = PDESSM_OK;
    char *text = NULL;
    int64_t offset = 0;
    cJSON *header = cJSON_CreateObject();
    cJSON *pairs = metadata_count > 0 ? cJSON_AddObjectToObject(header, "__metadata__") : header;
    PDESSM_REQUIRE(ctx, pairs, PDESSM_ERROR_MEMORY, "%s: no memory for the header", path);
    for (int64_t i = 0; i < metadata_count; i++)
        PDESSM_REQUIRE(ctx, cJSON_AddStringToObject(pairs, metadata[i].key, metadata[i].value),
                       PDESSM_ERROR_MEMORY, "%s: no memory for the header", path);
    for (int64_t i = 0; i < tensor_count; i++)
        PDESSM_TRY(add_tensor(ctx, path, header, &tensors[i], &offset));
    text = cJSON_PrintUnformatted(header);
    PDESSM_REQUIRE(ctx, text, PDESSM_ERROR_MEMORY, "%s: no memory for the header", path);
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    PDESSM_REQUIRE(ctx, (int64_t)padded <= PDESSM_SAFETENSORS_MAX_HEADER, PDESSM_ERROR_ARGUMENT,
                   "%s: a header of %zu bytes is more than the format allows", path, padded);
    PDESSM_TRY(pdessm_alloc(ctx, padded + 1, 1, ret_text));
    snprintf(*ret_text, padded + 1, "%-*s", (int)padded, text);
    *ret_data_size = offset;
out:
    cJSON_free(text);
    cJSON_Delete(header);
    return status;
}

pdessm_status pdessm_safetensors_writer_create(pdessm_context *ctx, const char *path,
                                               const pdessm_safetensors_pair *metadata,
                                               int64_t metadata_count,
                                               const pdessm_safetensors_tensor *tensors,
                                               int64_t tensor_count,
                                               pdessm_safetensors_writer **ret) {
    pdessm_status status;
    pdessm_safetensors_writer *writer = NULL;
    char *text = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *writer, &writer));
    writer->ctx = ctx;
    writer->path = strdup(path);
    PDESSM_REQUIRE(ctx, writer->path, PDESSM_ERROR_MEMORY, "out of memory: a path");
    PDESSM_TRY(check_names(ctx, path, tensors, tensor_count));
    PDESSM_TRY(header_text(ctx, path, metadata, metadata_count, tensors, tensor_count, &text,
                           &writer->size));
    uint64_t length = strlen(text);
    PDESSM_TRY(
        pdessm_output_create(ctx, path, 8 + (int64_t)length + writer->size, &writer->output));
    PDESSM_TRY(pdessm_output_write(writer->output, &length, sizeof length));
    PDESSM_TRY(pdessm_output_write(writer->output, text, length));
    *ret = writer;
    writer = NULL;
out:
    free(text);
    pdessm_safetensors_writer_destroy(&writer);
    return status;
}

pdessm_status pdessm_safetensors_writer_write(pdessm_safetensors_writer *writer, const void *data,
                                              size_t bytes) {
    if (bytes > (size_t)(writer->size - writer->written))
        return pdessm_fail(writer->ctx, PDESSM_ERROR_ARGUMENT,
                           "%s: %zu bytes more than the announced tensors have", writer->path,
                           bytes - (size_t)(writer->size - writer->written));
    pdessm_status status = pdessm_output_write(writer->output, data, bytes);
    if (status == PDESSM_OK)
        writer->written += (int64_t)bytes;
    return status;
}

pdessm_status pdessm_safetensors_writer_finish(pdessm_safetensors_writer *writer) {
    if (writer->written != writer->size)
        return pdessm_fail(writer->ctx, PDESSM_ERROR_ARGUMENT,
                           "%s: %lld bytes of the announced tensors were never written",
                           writer->path, (long long)(writer->size - writer->written));
    return pdessm_output_finish(writer->output);
}

void pdessm_safetensors_writer_destroy(pdessm_safetensors_writer **writer) {
    pdessm_safetensors_writer *w = *writer;
    if (!w)
        return;
    pdessm_output_destroy(&w->output);
    free(w->path);
    free(w);
    *writer = NULL;
}
