/* SPDX-License-Identifier: MIT */
/* npy.c: the .npy format: a magic number, a Python dictionary as text, then the elements. */
#define _GNU_SOURCE
#include "files/npy.h"

#include <stdio.h>
#include <string.h>

#include "files/atomic_file.h"

static const char magic[] = "\x93NUMPY";

int pdessm_is_npy(const uint8_t *data, size_t size) {
    return size >= 6 && !memcmp(data, magic, 6);
}

struct header {
    pdessm_file_dtype dtype;
    int big_endian, fortran_order, rank;
    int has_descr, has_order, has_shape;
    int64_t dims[PDESSM_FILE_MAX_RANK];
};

/* A place in the header's text. Every step checks the end, so the text need not be terminated. */
struct cursor {
    const char *at, *end;
};

static int skip(struct cursor *c, char wanted) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n'))
        c->at++;
    if (c->at == c->end || *c->at != wanted)
        return 0;
    c->at++;
    return 1;
}

/* A string in either kind of quotes, at most 15 characters: no key or type is longer. */
static int read_string(struct cursor *c, char ret[16]) {
    char quote = skip(c, '\'') ? '\'' : skip(c, '"') ? '"' : 0;
    size_t used = 0;
    while (quote && c->at < c->end && *c->at != quote && used < 15)
        ret[used++] = *c->at++;
    ret[used] = 0;
    return quote && skip(c, quote);
}

static int read_descr(struct cursor *c, struct header *header) {
    static const struct {
        char text[3];
        pdessm_file_dtype dtype;
    } types[] = {
        {"u1", PDESSM_FILE_U8},  {"i1", PDESSM_FILE_I8},  {"b1", PDESSM_FILE_BOOL},
        {"u2", PDESSM_FILE_U16}, {"i2", PDESSM_FILE_I16}, {"f2", PDESSM_FILE_F16},
        {"u4", PDESSM_FILE_U32}, {"i4", PDESSM_FILE_I32}, {"f4", PDESSM_FILE_F32},
        {"u8", PDESSM_FILE_U64}, {"i8", PDESSM_FILE_I64}, {"f8", PDESSM_FILE_F64},
    };
    char text[16];
    if (!read_string(c, text) || !text[0] || !strchr("<>|=", text[0]))
        return 0;
    header->big_endian = text[0] == '>';
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(text + 1, types[i].text)) {
            header->dtype = types[i].dtype;
            return header->has_descr = 1;
        }
    return 0;
}

static int read_order(struct cursor *c, struct header *header) {
    size_t left;
    skip(c, 0); /* only the spaces */
    left = (size_t)(c->end - c->at);
    header->fortran_order = left >= 4 && !memcmp(c->at, "True", 4);
    if (!header->fortran_order && (left < 5 || memcmp(c->at, "False", 5) != 0))
        return 0;
    c->at += header->fortran_order ? 4 : 5;
    return header->has_order = 1;
}

static int read_extent(struct cursor *c, int64_t *ret) {
    int64_t value = 0;
    int digits = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, digits++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *c->at - '0', &value))
            return 0;
    *ret = value;
    return digits > 0;
}

static int read_shape(struct cursor *c, struct header *header) {
    if (!skip(c, '('))
        return 0;
    while (!skip(c, ')')) {
        if (header->rank == PDESSM_FILE_MAX_RANK || !read_extent(c, &header->dims[header->rank]))
            return 0;
        header->rank++;
        if (!skip(c, ','))
            return skip(c, ')') && (header->has_shape = 1);
    }
    return header->has_shape = 1;
}

static int read_dictionary(struct cursor *c, struct header *header) {
    char key[16];
    if (!skip(c, '{'))
        return 0;
    while (!skip(c, '}')) {
        if (!read_string(c, key) || !skip(c, ':'))
            return 0;
        int good = !strcmp(key, "descr") && !header->has_descr           ? read_descr(c, header)
                   : !strcmp(key, "fortran_order") && !header->has_order ? read_order(c, header)
                   : !strcmp(key, "shape") && !header->has_shape         ? read_shape(c, header)
                                                                         : 0;
        if (!good)
            return 0;
        if (!skip(c, ','))
            return skip(c, '}');
    }
    return 1;
}

/* Where the text is: version 1 has a 16-bit length, versions 2 and 3 a 32-bit one. */
static int find_text(const uint8_t *data, size_t size, size_t *ret_begin, size_t *ret_length) {
    if (!pdessm_is_npy(data, size) || size < 12 || data[6] < 1 || data[6] > 3)
        return 0;
    *ret_begin = data[6] == 1 ? 10 : 12;
    *ret_length = (size_t)data[8] | (size_t)data[9] << 8;
    if (data[6] > 1)
        *ret_length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    return *ret_length <= size - *ret_begin;
}

pdessm_status pdessm_npy_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                size_t size, int64_t max_bytes, pdessm_array *ret) {
    size_t begin, length;
    struct header header = {0};
    if (!find_text(data, size, &begin, &length))
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: not a .npy file, or cut off in its header",
                           name);
    struct cursor cursor = {(const char *)data + begin, (const char *)data + begin + length};
    if (!read_dictionary(&cursor, &header) || !header.has_descr || !header.has_order ||
        !header.has_shape)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: its header is damaged or of another kind; bool, integer and float "
                           "arrays of at most %d dimensions are read",
                           name, PDESSM_FILE_MAX_RANK);
    if (header.fortran_order && header.rank > 1)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: is in Fortran order; save it with numpy.ascontiguousarray", name);
    return pdessm_array_decode(ctx, name, header.dtype, header.big_endian, header.rank, header.dims,
                               data + begin + length, size - begin - length, max_bytes, ret);
}

size_t pdessm_npy_header(const char *descr, int rank, const int64_t *dims,
                         char ret[PDESSM_NPY_HEADER_MAX]) {
    char text[PDESSM_NPY_HEADER_MAX];
    int n =
        snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (int i = 0; i < rank; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%lld,%s", (long long)dims[i],
                      i + 1 < rank ? " " : "");
    n += snprintf(text + n, sizeof text - (size_t)n, "), }");
    /* Magic, version and length take 10 bytes; the text ends with a newline. */
    int total = (10 + n + 1 + 63) / 64 * 64, length = total - 10;
    memcpy(ret, magic, 6);
    ret[6] = 1;
    ret[7] = 0;
    ret[8] = (char)(length & 255);
    ret[9] = (char)(length >> 8);
    memset(ret + 10, ' ', (size_t)length);
    memcpy(ret + 10, text, (size_t)n);
    ret[total - 1] = '\n';
    return (size_t)total;
}

pdessm_status pdessm_npy_write(pdessm_context *ctx, const char *path, const pdessm_array *array) {
    static const char *const descr[] = {"|u1", "<i8", "<f4"};
    char header[PDESSM_NPY_HEADER_MAX];
    size_t length = pdessm_npy_header(descr[array->type], array->rank, array->dims, header);
    size_t bytes = (size_t)pdessm_array_count(array) * pdessm_array_item_size(array->type);
    pdessm_output *output = NULL;
    pdessm_status status;
    PDESSM_TRY(pdessm_output_create(ctx, path, (int64_t)(length + bytes), &output));
    PDESSM_TRY(pdessm_output_write(output, header, length));
    PDESSM_TRY(pdessm_output_write(output, array->data, bytes));
    PDESSM_TRY(pdessm_output_finish(output));
out:
    pdessm_output_destroy(&output);
    return status;
}
