/* SPDX-License-Identifier: MIT */
/* idx.c: 0, 0, type, rank, then the extents as big-endian 32-bit numbers, then the elements. */
#include "files/idx.h"

static int element_type(uint8_t code, pdessm_file_dtype *ret) {
    switch (code) {
    case 0x08:
        *ret = PDESSM_FILE_U8;
        return 1;
    case 0x09:
        *ret = PDESSM_FILE_I8;
        return 1;
    case 0x0b:
        *ret = PDESSM_FILE_I16;
        return 1;
    case 0x0c:
        *ret = PDESSM_FILE_I32;
        return 1;
    case 0x0d:
        *ret = PDESSM_FILE_F32;
        return 1;
    case 0x0e:
        *ret = PDESSM_FILE_F64;
        return 1;
    default:
        return 0;
    }
}

int pdessm_is_idx(const uint8_t *data, size_t size) {
    pdessm_file_dtype dtype;
    return size >= 4 && data[0] == 0 && data[1] == 0 && element_type(data[2], &dtype) &&
           data[3] >= 1 && data[3] <= PDESSM_FILE_MAX_RANK;
}

pdessm_status pdessm_idx_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                size_t size, int64_t max_bytes, pdessm_array *ret) {
    pdessm_file_dtype dtype = PDESSM_FILE_U8;
    int64_t dims[PDESSM_FILE_MAX_RANK];
    if (!pdessm_is_idx(data, size) || !element_type(data[2], &dtype))
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: not an IDX file: it does not begin with 0, 0, a type and a rank",
                           name);
    int rank = data[3];
    size_t header = 4 + 4 * (size_t)rank;
    if (size < header)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: cut off inside its header", name);
    for (int i = 0; i < rank; i++) {
        const uint8_t *b = data + 4 + 4 * i;
        dims[i] = (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    }
    pdessm_array array;
    pdessm_status status = pdessm_array_decode(ctx, name, dtype, 1, rank, dims, data + header,
                                               size - header, max_bytes, &array);
    if (status != PDESSM_OK)
        return status;
    size_t used = header + (size_t)pdessm_array_count(&array) * pdessm_file_dtype_size(dtype);
    if (used != size) {
        pdessm_array_release(&array);
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: %zu bytes too many for the extents in its header", name,
                           size - used);
    }
    *ret = array;
    return PDESSM_OK;
}
