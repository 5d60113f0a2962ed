/* SPDX-License-Identifier: MIT */
/* safetensors_header.c: the JSON header of a safetensors file, parsed and verified. */
#include "files/safetensors_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/array.h"

void pdessm_extent_text(int rank, const int64_t *dims, char ret[PDESSM_EXTENT_TEXT]) {
    size_t used = 0;
    ret[used++] = '[';
    for (int i = 0; i < rank; i++) {
        const char *separator = i ? ", " : "";
        char *at = ret + used;
        int n = dims[i] < 0 ? snprintf(at, PDESSM_EXTENT_TEXT - used, "%sany", separator)
                            : snprintf(at, PDESSM_EXTENT_TEXT - used, "%s%lld", separator,
                                       (long long)dims[i]);
        used += (size_t)n;
    }
    ret[used++] = ']';
    ret[used] = 0;
}

/* A header nests three deep, and its commas count its values. Both bound what the parser, which
 * recurses and takes 64 bytes a value, can be made to do. */
static pdessm_status check_text(pdessm_context *ctx, const char *name, const char *text,
                                size_t length) {
    enum { DEEPEST = 3, MOST_VALUES = 4000000 };
    int depth = 0, quoted = 0, values = 0;
    if (length == 0 || text[0] != '{')
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: not a safetensors file: its header does not begin with {", name);
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = 0;
            continue;
        }
        quoted = c == '"';
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        values += c == ',';
        if (depth > DEEPEST)
            return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                               "%s: the header nests more than %d deep at byte %zu", name, DEEPEST,
                               i);
        if (values > MOST_VALUES)
            return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: the header has more than %d values",
                               name, MOST_VALUES);
    }
    return PDESSM_OK;
}

pdessm_status pdessm_safetensors_parse(pdessm_context *ctx, const char *name, const char *text,
                                       size_t length, cJSON **ret) {
    pdessm_status status = check_text(ctx, name, text, length);
    if (status != PDESSM_OK)
        return status;
    const char *end = text;
    cJSON *header = cJSON_ParseWithLengthOpts(text, length, &end, 0);
    /* Padding behind the object is spaces. */
    const char *rest = end;
    while (header && rest < text + length && strchr(" \t\r\n", *rest) && *rest)
        rest++;
    if (!header || rest != text + length) {
        cJSON_Delete(header);
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: the header is not JSON: near byte %td",
                           name, (header ? rest : end) - text);
    }
    *ret = header;
    return PDESSM_OK;
}

/* A JSON number that is exactly a size: whole, not negative, within what a double holds exactly. */
static int exact_size(const cJSON *item, int64_t *ret) {
    double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (!(value >= 0 && value <= 0x1p53) || value != (double)(int64_t)value)
        return 0;
    *ret = (int64_t)value;
    return 1;
}

/* Names go into messages of one line, and into file names and tables. */
static int is_plain(const char *text) {
    if (!*text)
        return 0;
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return 0;
    return 1;
}

static int parse_dtype(const cJSON *item, pdessm_file_dtype *ret) {
    const char *text = cJSON_GetStringValue(item);
#define X(name, bytes)                                                                             \
    if (text && !strcmp(text, #name)) {                                                            \
        *ret = PDESSM_FILE_##name;                                                                 \
        return 1;                                                                                  \
    }
    PDESSM_FILE_DTYPE_LIST(X)
#undef X
    return 0;
}

static pdessm_status read_shape(pdessm_context *ctx, const char *name, const cJSON *item,
                                pdessm_safetensors_entry *entry) {
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape"), *extent;
    if (!cJSON_IsArray(shape))
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: tensor %s: no shape", name, entry->name);
    cJSON_ArrayForEach(extent, shape) {
        if (entry->rank == PDESSM_FILE_MAX_RANK)
            return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: tensor %s: more than %d dimensions",
                               name, entry->name, PDESSM_FILE_MAX_RANK);
        if (!exact_size(extent, &entry->dims[entry->rank]))
            return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                               "%s: tensor %s: extent %d is not a whole number of at least 0", name,
                               entry->name, entry->rank);
        entry->rank++;
    }
    entry->count =
        pdessm_extent_product(entry->rank, entry->dims, pdessm_file_dtype_size(entry->dtype));
    if (entry->count < 0)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: tensor %s: its extents overflow", name,
                           entry->name);
    return PDESSM_OK;
}

static pdessm_status read_offsets(pdessm_context *ctx, const char *name, const cJSON *item,
                                  const uint8_t *data, size_t data_size,
                                  pdessm_safetensors_entry *entry) {
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    const cJSON *first = cJSON_IsArray(offsets) ? offsets->child : NULL;
    int64_t begin, end;
    if (!first || !first->next || first->next->next || !exact_size(first, &begin) ||
        !exact_size(first->next, &end) || end < begin)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: tensor %s: data_offsets must be [begin, end]", name, entry->name);
    entry->bytes = (size_t)entry->count * pdessm_file_dtype_size(entry->dtype);
    if ((size_t)(end - begin) != entry->bytes)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: tensor %s: its shape needs %zu bytes, its data_offsets span %lld",
                           name, entry->name, entry->bytes, (long long)(end - begin));
    if ((uint64_t)end > data_size)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: tensor %s: ends at byte %lld of the data, the file has only %zu: "
                           "was it cut off?",
                           name, entry->name, (long long)end, data_size);
    entry->data = data + begin;
    return PDESSM_OK;
}

static pdessm_status read_entry(pdessm_context *ctx, const char *name, const cJSON *item,
                                const uint8_t *data, size_t data_size,
                                pdessm_safetensors_entry *entry) {
    pdessm_status status;
    PDESSM_REQUIRE(ctx, is_plain(item->string), PDESSM_ERROR_FILE,
                   "%s: a tensor's name is empty or has control characters", name);
    entry->name = item->string;
    PDESSM_REQUIRE(ctx, cJSON_IsObject(item), PDESSM_ERROR_FILE,
                   "%s: tensor %s: not an object with dtype, shape and data_offsets", name,
                   entry->name);
    PDESSM_REQUIRE(ctx, parse_dtype(cJSON_GetObjectItemCaseSensitive(item, "dtype"), &entry->dtype),
                   PDESSM_ERROR_FILE,
                   "%s: tensor %s: unknown dtype; F64, F32, F16, BF16, BOOL and integers are read",
                   name, entry->name);
    PDESSM_TRY(read_shape(ctx, name, item, entry));
    PDESSM_TRY(read_offsets(ctx, name, item, data, data_size, entry));
out:
    return status;
}

static pdessm_status check_metadata(pdessm_context *ctx, const char *name, const cJSON *metadata) {
    enum { MOST_PAIRS = 10000 }; /* keeps the look-up below, quadratic in all, short */
    const cJSON *pair;
    if (!cJSON_IsObject(metadata) || cJSON_GetArraySize(metadata) > MOST_PAIRS)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: __metadata__ is not an object of at most %d strings", name,
                           MOST_PAIRS);
    cJSON_ArrayForEach(pair, metadata) {
        if (!is_plain(pair->string) || !cJSON_IsString(pair))
            return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                               "%s: __metadata__ holds something other than strings", name);
        if (cJSON_GetObjectItemCaseSensitive(metadata, pair->string) != pair)
            return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: __metadata__ holds %s twice", name,
                               pair->string);
    }
    return PDESSM_OK;
}

/* By place in the file; an empty tensor before the one that begins where it lies. */
static int compare_place(const void *a, const void *b) {
    const pdessm_safetensors_entry *x = a, *y = b;
    if (x->data != y->data)
        return (const char *)x->data < (const char *)y->data ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static int compare_entries(const void *a, const void *b) {
    const pdessm_safetensors_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* The format wants the tensors to cover the data exactly: no overlap, no hole, nothing behind. */
static pdessm_status check_cover(pdessm_context *ctx, const char *name, const uint8_t *data,
                                 size_t data_size, pdessm_safetensors_entry *entries,
                                 int64_t count) {
    const uint8_t *end = data;
    qsort(entries, (size_t)count, sizeof *entries, compare_place);
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *begin = entries[i].data;
        if (begin != end)
            return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: tensor %s: %s", name, entries[i].name,
                               begin < end ? "overlaps another tensor"
                                           : "unused bytes lie in front of it");
        end = begin + entries[i].bytes;
    }
    if (end != data + data_size)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: %zu bytes behind the last tensor", name,
                           (size_t)(data + data_size - end));
    qsort(entries, (size_t)count, sizeof *entries, compare_entries);
    for (int64_t i = 1; i < count; i++)
        if (!strcmp(entries[i - 1].name, entries[i].name))
            return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: tensor %s is there twice", name,
                               entries[i].name);
    return PDESSM_OK;
}

pdessm_status pdessm_safetensors_check(pdessm_context *ctx, const char *name, const cJSON *header,
                                       const uint8_t *data, size_t data_size,
                                       pdessm_safetensors_entry **ret_entries, int64_t *ret_count,
                                       const cJSON **ret_metadata) {
    pdessm_status status;
    pdessm_safetensors_entry *entries = NULL;
    const cJSON *metadata = NULL, *item;
    int64_t count = 0;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)cJSON_GetArraySize(header), sizeof *entries, &entries));
    cJSON_ArrayForEach(item, header) {
        if (strcmp(item->string, "__metadata__") != 0) {
            PDESSM_TRY(read_entry(ctx, name, item, data, data_size, &entries[count]));
            count++;
            continue;
        }
        PDESSM_REQUIRE(ctx, !metadata, PDESSM_ERROR_FILE, "%s: __metadata__ is there twice", name);
        metadata = item;
        PDESSM_TRY(check_metadata(ctx, name, metadata));
    }
    PDESSM_TRY(check_cover(ctx, name, data, data_size, entries, count));
    *ret_entries = entries;
    *ret_count = count;
    *ret_metadata = metadata;
    entries = NULL;
out:
    free(entries);
    return status;
}
