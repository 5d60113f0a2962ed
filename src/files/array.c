/* SPDX-License-Identifier: MIT */
/* array.c: numbers as they come out of a file, in one of three types. */
#include "files/array.h"

#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the readers of little-endian files copy bytes as is: port array.c first"
#endif

size_t pdessm_file_dtype_size(pdessm_file_dtype dtype) {
    switch (dtype) {
#define X(name, bytes)                                                                             \
    case PDESSM_FILE_##name:                                                                       \
        return bytes;
        PDESSM_FILE_DTYPE_LIST(X)
#undef X
    }
    return 0;
}

const char *pdessm_file_dtype_name(pdessm_file_dtype dtype) {
    switch (dtype) {
#define X(name, bytes)                                                                             \
    case PDESSM_FILE_##name:                                                                       \
        return #name;
        PDESSM_FILE_DTYPE_LIST(X)
#undef X
    }
    return "unknown";
}

int64_t pdessm_extent_product(int rank, const int64_t *dims, size_t size) {
    int64_t count = 1, bytes;
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0 || __builtin_mul_overflow(count, dims[i], &count))
            return -1;
    return __builtin_mul_overflow(count, (int64_t)size, &bytes) ? -1 : count;
}

int64_t pdessm_array_count(const pdessm_array *array) {
    return pdessm_extent_product(array->rank, array->dims, 1);
}

size_t pdessm_array_item_size(pdessm_array_type type) {
    return type == PDESSM_ARRAY_UINT8 ? 1 : type == PDESSM_ARRAY_INT64 ? 8 : 4;
}

static float half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = (half >> 10) & 31;
    uint32_t mantissa = half & 0x3ff, bits;
    float value;
    if (exponent == 0) { /* zero or subnormal: a multiple of 2^-24 */
        value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    if (exponent == 31)
        bits = sign | 0x7f800000u | mantissa << 13;
    else
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* memcpy in the loops, because the sources are not aligned; compilers make it a plain load. */
#define CONVERT(type, expression)                                                                  \
    for (int64_t i = 0; i < count; i++) {                                                          \
        type x;                                                                                    \
        memcpy(&x, from + (size_t)i * sizeof x, sizeof x);                                         \
        ret[i] = expression;                                                                       \
    }                                                                                              \
    return 1

static float bfloat_to_float(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int pdessm_convert_to_float(pdessm_file_dtype dtype, const void *source, int64_t count,
                            float *ret) {
    const uint8_t *from = source;
    switch (dtype) {
    case PDESSM_FILE_F64:
        CONVERT(double, (float)x);
    case PDESSM_FILE_F32:
        if (count > 0)
            memcpy(ret, from, (size_t)count * sizeof *ret);
        return 1;
    case PDESSM_FILE_F16:
        CONVERT(uint16_t, half_to_float(x));
    case PDESSM_FILE_BF16:
        CONVERT(uint16_t, bfloat_to_float(x));
    default:
        return 0;
    }
}

static int convert_uint64(const uint8_t *from, int64_t count, int64_t *ret) {
    for (int64_t i = 0; i < count; i++) {
        memcpy(&ret[i], from + 8 * i, 8);
        if (ret[i] < 0)
            return 0;
    }
    return 1;
}

int pdessm_convert_to_int64(pdessm_file_dtype dtype, const void *source, int64_t count,
                            int64_t *ret) {
    const uint8_t *from = source;
    switch (dtype) {
    case PDESSM_FILE_I64:
        CONVERT(int64_t, x);
    case PDESSM_FILE_I32:
        CONVERT(int32_t, x);
    case PDESSM_FILE_I16:
        CONVERT(int16_t, x);
    case PDESSM_FILE_I8:
        CONVERT(int8_t, x);
    case PDESSM_FILE_U64:
        return convert_uint64(from, count, ret);
    case PDESSM_FILE_U32:
        CONVERT(uint32_t, x);
    case PDESSM_FILE_U16:
        CONVERT(uint16_t, x);
    case PDESSM_FILE_U8:
    case PDESSM_FILE_BOOL:
        CONVERT(uint8_t, x);
    default:
        return 0;
    }
}

static pdessm_array_type array_type(pdessm_file_dtype dtype) {
    switch (dtype) {
    case PDESSM_FILE_U8:
        return PDESSM_ARRAY_UINT8;
    case PDESSM_FILE_F64:
    case PDESSM_FILE_F32:
    case PDESSM_FILE_F16:
    case PDESSM_FILE_BF16:
        return PDESSM_ARRAY_FLOAT32;
    default:
        return PDESSM_ARRAY_INT64;
    }
}

static void reverse_bytes(uint8_t *data, int64_t count, size_t size) {
    for (int64_t i = 0; i < count; i++, data += size)
        for (size_t a = 0, b = size - 1; a < b; a++, b--) {
            uint8_t keep = data[a];
            data[a] = data[b];
            data[b] = keep;
        }
}

static pdessm_status convert(pdessm_context *ctx, const char *name, pdessm_file_dtype dtype,
                             const uint8_t *data, int64_t count, pdessm_array *array) {
    int good = 1;
    if (array->type == PDESSM_ARRAY_UINT8 && count > 0)
        memcpy(array->data, data, (size_t)count);
    else if (array->type == PDESSM_ARRAY_FLOAT32)
        good = pdessm_convert_to_float(dtype, data, count, array->data);
    else if (array->type == PDESSM_ARRAY_INT64)
        good = pdessm_convert_to_int64(dtype, data, count, array->data);
    return good ? PDESSM_OK
                : pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: an integer above 2^63 - 1", name);
}

pdessm_status pdessm_array_decode(pdessm_context *ctx, const char *name, pdessm_file_dtype dtype,
                                  int big_endian, int rank, const int64_t *dims,
                                  const uint8_t *data, size_t available, int64_t max_bytes,
                                  pdessm_array *ret) {
    pdessm_status status;
    uint8_t *swapped = NULL;
    pdessm_array array = {.type = array_type(dtype), .rank = rank};
    size_t size = pdessm_file_dtype_size(dtype), item = pdessm_array_item_size(array.type);
    int64_t count = pdessm_extent_product(rank, dims, size > item ? size : item);
    PDESSM_REQUIRE(ctx, count >= 0, PDESSM_ERROR_FILE, "%s: absurd extents", name);
    PDESSM_REQUIRE(ctx, (size_t)count * size <= available, PDESSM_ERROR_FILE,
                   "%s: cut off: its extents need %lld bytes of data, it has %zu", name,
                   (long long)count * (long long)size, available);
    PDESSM_REQUIRE(ctx, (int64_t)item * count <= max_bytes, PDESSM_ERROR_FILE,
                   "%s: needs %lld bytes of memory, the limit is %lld", name,
                   (long long)item * count, (long long)max_bytes);
    memcpy(array.dims, dims, (size_t)rank * sizeof *dims);
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, item, &array.data));
    if (big_endian && size > 1 && count > 0) {
        PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, size, &swapped));
        memcpy(swapped, data, (size_t)count * size);
        reverse_bytes(swapped, count, size);
        data = swapped;
    }
    PDESSM_TRY(convert(ctx, name, dtype, data, count, &array));
    *ret = array;
    array.data = NULL;
out:
    free(swapped);
    free(array.data);
    return status;
}

void pdessm_array_release(pdessm_array *array) {
    free(array->data);
    *array = (pdessm_array){0};
}
