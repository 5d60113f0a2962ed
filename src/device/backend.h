/* SPDX-License-Identifier: MIT */
/* backend.h: what a device behind a driver must be able to do. OpenCL is the one backend so far; it
 * lives in a separate module that is opened on demand, and provides this table.
 *
 * Work is queued in order and never waited for, except by read() and finish(). All functions leave
 * their message in the context that open() or list() was given. */
#ifndef PDESSM_DEVICE_BACKEND_H
#define PDESSM_DEVICE_BACKEND_H

#include "core/context.h"
#include "device/op.h"

/* A kernel argument that is a number. */
typedef struct pdessm_scalar {
    enum { PDESSM_SCALAR_INT, PDESSM_SCALAR_UINT, PDESSM_SCALAR_FLOAT } kind;
    union {
        int32_t i;
        uint32_t u;
        float f;
    } value;
} pdessm_scalar;

enum { PDESSM_MAX_SCALARS = 16 };

/* One launch of a kernel of cl/OP.cl. Arguments are bound in this order: the operands of the call's
 * row, each as a pair (buffer, offset in elements: ulong), a missing one as a NULL buffer; in a
 * backward pass then their gradients (operands with letters r R o O w W, row order, same pairs) and
 * the accumulate mask (uint); then the scratch buffer if scratch_bytes > 0; then the scalars. */
typedef struct pdessm_kernel {
    const char *name;    /* kernel function */
    const char *options; /* build options that make variants, e.g. "-DTILE=32"; may be NULL */
    int dims;            /* 1 .. 3 */
    size_t global[3];    /* rounded up to a multiple of local by the backend when local is set */
    size_t local[3];     /* all 0: a divisor of global is chosen, so global should have some */
    size_t scratch_bytes;
    int scalar_count;
    pdessm_scalar scalar[PDESSM_MAX_SCALARS];
} pdessm_kernel;

/* C = alpha op(A) op(B) + beta C, row-major, op(A) is m x k, op(B) is k x n. Offsets in elements.
 */
typedef struct pdessm_gemm {
    int transpose_a, transpose_b;
    int64_t m, n, k;
    float alpha, beta;
    const pdessm_tensor *a, *b, *c;
    int64_t a_offset, b_offset, c_offset; /* beyond the tensors' own offsets */
    int64_t lda, ldb, ldc;
} pdessm_gemm;

/* Batched 2-D real transforms of channels-last images with clFFT: see spectral_filter. */
typedef struct pdessm_fft {
    int64_t batch, height, width, channels;
    int inverse;
    const pdessm_tensor *real; /* [B, H, W, C] */
    size_t spectrum_offset;    /* bytes into the device's scratch: [B, H, W/2+1, C] complex */
} pdessm_fft;

typedef struct pdessm_backend {
    const char *name; /* "OpenCL" */

    /* Lists devices: *ret_list is released with free(); index, is_auto are filled in by the caller.
     * No platform at all is ERROR_DEVICE with the reason. */
    pdessm_status (*list)(pdessm_context *ctx, pdessm_device_info **ret_list, int *ret_count);
    pdessm_status (*open)(pdessm_context *ctx, int platform, int device, void **ret_state);
    void (*close)(void *state);

    pdessm_status (*buffer_create)(void *state, size_t bytes, void **ret_buffer);
    void (*buffer_destroy)(void *state, void *buffer);
    /* Returns when the bytes have arrived. */
    pdessm_status (*read)(void *state, void *buffer, size_t offset, size_t bytes, void *target);
    /* Returns when source may be reused, which is before the bytes have arrived. */
    pdessm_status (*write)(void *state, void *buffer, size_t offset, size_t bytes,
                           const void *source);
    pdessm_status (*zero)(void *state, void *buffer, size_t offset, size_t bytes);
    pdessm_status (*copy)(void *state, void *source, void *target, size_t bytes);
    pdessm_status (*finish)(void *state);

    /* ERROR_UNSUPPORTED from these three means: this way is closed on this device, try another. */
    pdessm_status (*launch)(void *state, const pdessm_call *call, const pdessm_kernel *kernel);
    pdessm_status (*gemm)(void *state, const pdessm_call *call, const pdessm_gemm *gemm);
    pdessm_status (*fft)(void *state, const pdessm_call *call, const pdessm_fft *fft);

    /* Scratch shared by all operators, grown on demand; its content lives for one dispatch and is
     * lost when it grows, so an adapter of several steps asks for its largest need first. fft()
     * needs it asked for. */
    pdessm_status (*scratch)(void *state, size_t bytes);

    /* Event times since the last call, added to rows[op * 2 + pass]. */
    pdessm_status (*profile_enable)(void *state, int on);
    pdessm_status (*profile_collect)(void *state, double *seconds_of_op_and_pass);

    /* Removes or reports the programs cached on disk. */
    pdessm_status (*cache_info)(pdessm_context *ctx, char *ret_path, size_t path_size,
                                int64_t *ret_files, int64_t *ret_bytes);
    pdessm_status (*cache_clear)(pdessm_context *ctx);

    /* One line per fact about loader, ICD files, permissions, library versions with known faults:
     * severity 0 good, 1 worth knowing, 2 wrong; text says what to do. */
    pdessm_status (*diagnose)(pdessm_context *ctx,
                              void (*say)(void *user, int severity, const char *text), void *user);
} pdessm_backend;

/* The one symbol of the module, of this type. abi is PDESSM_BACKEND_ABI of the caller. */
enum { PDESSM_BACKEND_ABI = 1000 * 2 + PDESSM_OP_COUNT }; /* operators bind by their table */
typedef const pdessm_backend *(*pdessm_backend_entry)(int abi);
#define PDESSM_BACKEND_ENTRY "pdessm_opencl_backend"

#endif
