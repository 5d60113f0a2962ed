/* SPDX-License-Identifier: MIT */
/* safetensors.h: named tensors in a file: a JSON header, then the bytes of all tensors. */
#ifndef PDESSM_SAFETENSORS_H
#define PDESSM_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include <pdessm/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, bytes of one element): the element types that files hold, all little-endian. */
#define PDESSM_FILE_DTYPE_LIST(X)                                                                  \
    X(F64, 8)                                                                                      \
    X(F32, 4)                                                                                      \
    X(F16, 2)                                                                                      \
    X(BF16, 2)                                                                                     \
    X(I64, 8)                                                                                      \
    X(I32, 4)                                                                                      \
    X(I16, 2)                                                                                      \
    X(I8, 1)                                                                                       \
    X(U64, 8)                                                                                      \
    X(U32, 4)                                                                                      \
    X(U16, 2)                                                                                      \
    X(U8, 1)                                                                                       \
    X(BOOL, 1)

typedef enum pdessm_file_dtype {
#define X(name, bytes) PDESSM_FILE_##name,
    PDESSM_FILE_DTYPE_LIST(X)
#undef X
} pdessm_file_dtype;

enum { PDESSM_FILE_MAX_RANK = 8 };

PDESSM_API size_t pdessm_file_dtype_size(pdessm_file_dtype dtype);
/* "F32" and so on; never NULL. */
PDESSM_API const char *pdessm_file_dtype_name(pdessm_file_dtype dtype);

/* ------------------------------------------------------------------------------ reading */

typedef struct pdessm_safetensors pdessm_safetensors;

/* One tensor of an open file. `data` is not necessarily aligned for its type: foreign writers do
 * not pad. The read functions below take care of that. */
typedef struct pdessm_safetensors_entry {
    const char *name;
    pdessm_file_dtype dtype;
    int rank; /* 0: a scalar */
    int64_t dims[PDESSM_FILE_MAX_RANK];
    int64_t count; /* elements */
    const void *data;
    size_t bytes;
} pdessm_safetensors_entry;

/* Opens and checks a file: every name, extent and offset is verified before this returns, so a
 * hostile file is ERROR_FILE here and nothing later reads out of range. The file stays mapped. */
PDESSM_API pdessm_status pdessm_safetensors_open(pdessm_context *ctx, const char *path,
                                                 pdessm_safetensors **ret);

/* The same from memory, which must outlive the object; `name` stands for the path in messages. */
PDESSM_API pdessm_status pdessm_safetensors_open_memory(pdessm_context *ctx, const char *name,
                                                        const void *data, size_t size,
                                                        pdessm_safetensors **ret);

/* Accepts NULL, nulls the handle; all names and data pointers end with it. */
PDESSM_API void pdessm_safetensors_destroy(pdessm_safetensors **file);

/* Tensors are numbered in the order of their names. */
PDESSM_API int64_t pdessm_safetensors_count(const pdessm_safetensors *file);
PDESSM_API const pdessm_safetensors_entry *pdessm_safetensors_at(const pdessm_safetensors *file,
                                                                 int64_t index);
/* NULL when there is no such tensor. */
PDESSM_API const pdessm_safetensors_entry *pdessm_safetensors_find(const pdessm_safetensors *file,
                                                                   const char *name);

/* The tensor of that name if it has this rank and these extents (an extent of -1 fits any), else
 * ERROR_FILE with a message that names file and tensor and says what was found. */
PDESSM_API pdessm_status pdessm_safetensors_expect(const pdessm_safetensors *file, const char *name,
                                                   int rank, const int64_t *dims,
                                                   const pdessm_safetensors_entry **ret);

/* Copies all elements out as float; from F64, F32, F16, BF16. Integers are ERROR_FILE. */
PDESSM_API pdessm_status pdessm_safetensors_read_float(const pdessm_safetensors *file,
                                                       const pdessm_safetensors_entry *entry,
                                                       float *ret);
/* Copies all elements out as int64; from every integer type. Floats are ERROR_FILE. */
PDESSM_API pdessm_status pdessm_safetensors_read_int(const pdessm_safetensors *file,
                                                     const pdessm_safetensors_entry *entry,
                                                     int64_t *ret);

/* One string of __metadata__; NULL when the key is absent. */
PDESSM_API const char *pdessm_safetensors_metadata(const pdessm_safetensors *file, const char *key);
PDESSM_API int64_t pdessm_safetensors_metadata_count(const pdessm_safetensors *file);
/* Pair number index, in the file's order. */
PDESSM_API void pdessm_safetensors_metadata_at(const pdessm_safetensors *file, int64_t index,
                                               const char **ret_key, const char **ret_value);

/* ------------------------------------------------------------------------------ writing */

typedef struct pdessm_safetensors_writer pdessm_safetensors_writer;

typedef struct pdessm_safetensors_pair {
    const char *key, *value;
} pdessm_safetensors_pair;

typedef struct pdessm_safetensors_tensor {
    const char *name;
    pdessm_file_dtype dtype;
    int rank;
    int64_t dims[PDESSM_FILE_MAX_RANK];
} pdessm_safetensors_tensor;

/* Begins a file whose contents are known but whose bytes come later. Until finish the bytes are in
 * a file beside it, so `path` is either what it was or complete. ERROR_IO when the disk is full:
 * the message names the file, the space needed and the space free. */
PDESSM_API pdessm_status pdessm_safetensors_writer_create(pdessm_context *ctx, const char *path,
                                                          const pdessm_safetensors_pair *metadata,
                                                          int64_t metadata_count,
                                                          const pdessm_safetensors_tensor *tensors,
                                                          int64_t tensor_count,
                                                          pdessm_safetensors_writer **ret);

/* Appends bytes of the tensors, one after the other in the order of the list, without gaps; the
 * chunks need not end where tensors do. More than was announced is ERROR_ARGUMENT. */
PDESSM_API pdessm_status pdessm_safetensors_writer_write(pdessm_safetensors_writer *writer,
                                                         const void *data, size_t bytes);

/* Puts the file on the disk (fsync) and in its place (rename). ERROR_ARGUMENT when bytes are
 * missing. */
PDESSM_API pdessm_status pdessm_safetensors_writer_finish(pdessm_safetensors_writer *writer);

/* Accepts NULL, nulls the handle. An unfinished file is removed. */
PDESSM_API void pdessm_safetensors_writer_destroy(pdessm_safetensors_writer **writer);

#ifdef __cplusplus
}
#endif
#endif
