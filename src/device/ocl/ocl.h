/* SPDX-License-Identifier: MIT */
/* ocl.h: inside of the OpenCL module. One `pdessm_ocl` is one opened device: an OpenCL context, an
 * in-order queue, and what has been built for it. Each file owns one part of it. */
#ifndef PDESSM_DEVICE_OCL_OCL_H
#define PDESSM_DEVICE_OCL_OCL_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "device/backend.h"

enum { PDESSM_OCL_PLATFORMS = 32, PDESSM_OCL_DEVICES = 64 };

typedef struct pdessm_ocl_kernel {
    char name[64];
    cl_kernel handle;
    cl_uint arguments;
    size_t max_work_group;
} pdessm_ocl_kernel;

/* The program of one operator for one set of build options. */
typedef struct pdessm_ocl_program {
    struct pdessm_ocl_program *next;
    char *options;
    cl_program handle;
    int kernels;
    pdessm_ocl_kernel *kernel;
    char *failure; /* why it cannot be built; NULL when it was */
} pdessm_ocl_program;

typedef struct pdessm_ocl {
    pdessm_context *ctx;
    pdessm_device_info info;
    cl_platform_id platform;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
    int cpu_form;     /* kernels take the form for CPUs: long vectors of work in each item */
    int cache_broken; /* the cache folder cannot be written, which was said */
    size_t allocated;
    unsigned unflushed; /* commands since the last flush */
    cl_mem scratch;
    size_t scratch_bytes;
    struct pdessm_ocl_staging *staging;
    pdessm_ocl_program *program[PDESSM_OP_COUNT + 1]; /* the last: this module's own kernels */
    struct pdessm_ocl_gemm *gemm;
    struct pdessm_ocl_fft *fft;
    struct pdessm_ocl_profile *profile; /* NULL: not profiling */
} pdessm_ocl;

/* error.c: "what: CL_INVALID_VALUE (-30); advice" as the context's message. */
pdessm_status pdessm_ocl_fail(pdessm_context *ctx, cl_int code, const char *format, ...)
    PDESSM_PRINTF(3, 4);
const char *pdessm_ocl_error_name(cl_int code);

/* advice.c: which packages bring drivers, for the vendor of the graphics card present. */
void pdessm_ocl_driver_advice(char *ret, size_t size);
/* Where the loader looks for drivers: OCL_ICD_VENDORS or /etc/OpenCL/vendors. */
const char *pdessm_ocl_vendor_folder(void);

/* device.c */
pdessm_status pdessm_ocl_platforms(pdessm_context *ctx, cl_platform_id *ret, cl_uint *ret_count);
cl_uint pdessm_ocl_devices(cl_platform_id platform, cl_device_id *ret);
pdessm_status pdessm_ocl_list(pdessm_context *ctx, pdessm_device_info **ret, int *ret_count);
pdessm_status pdessm_ocl_open(pdessm_context *ctx, int platform, int device, void **ret);
void pdessm_ocl_close(void *state);

/* queue.c */
/* A new queue in place of the old one, which must be empty. */
pdessm_status pdessm_ocl_make_queue(pdessm_ocl *o, int profiling);
/* Counts a queued command and hands the queue to the device now and then. */
void pdessm_ocl_queued(pdessm_ocl *o);
pdessm_status pdessm_ocl_finish(void *state);

/* buffer.c */
pdessm_status pdessm_ocl_buffer_create(void *state, size_t bytes, void **ret);
void pdessm_ocl_buffer_destroy(void *state, void *buffer);
pdessm_status pdessm_ocl_read(void *state, void *buffer, size_t offset, size_t bytes, void *target);
pdessm_status pdessm_ocl_zero(void *state, void *buffer, size_t offset, size_t bytes);
pdessm_status pdessm_ocl_copy(void *state, void *source, void *target, size_t bytes);
pdessm_status pdessm_ocl_scratch(void *state, size_t bytes);
/* *buffer grown to at least the given size; its content is lost when it grows. */
pdessm_status pdessm_ocl_grow(pdessm_ocl *o, cl_mem *buffer, size_t *have, size_t bytes);

/* staging.c */
pdessm_status pdessm_ocl_write(void *state, void *buffer, size_t offset, size_t bytes,
                               const void *source);
void pdessm_ocl_staging_destroy(pdessm_ocl *o);

/* program.c: the program of an operator (or of PDESSM_OP_COUNT: the module's own kernels), built on
 * first use. ERROR_UNSUPPORTED with the compiler's first error when it does not build. */
pdessm_status pdessm_ocl_program_get(pdessm_ocl *o, pdessm_op op, const char *options,
                                     pdessm_ocl_program **ret);
pdessm_status pdessm_ocl_kernel_get(pdessm_ocl *o, pdessm_op op, const char *options,
                                    const char *name, const pdessm_ocl_kernel **ret);
void pdessm_ocl_programs_destroy(pdessm_ocl *o);

/* cache.c: programs on disk. */
typedef struct pdessm_ocl_key {
    uint64_t half[2];
} pdessm_ocl_key;
pdessm_ocl_key pdessm_ocl_key_of(const pdessm_ocl *o, int texts, const char *const *text);
/* Loads a binary, to be freed with free(); NULL when there is none that can be used. */
unsigned char *pdessm_ocl_cache_load(pdessm_ocl *o, pdessm_ocl_key key, size_t *ret_size);
void pdessm_ocl_cache_store(pdessm_ocl *o, pdessm_ocl_key key, const unsigned char *bytes,
                            size_t size);
/* The folder DIR/child, made if need be; 0 when there is none. child may be "". */
int pdessm_ocl_cache_folder(const char *child, char *ret, size_t size);
pdessm_status pdessm_ocl_cache_info(pdessm_context *ctx, char *ret_path, size_t path_size,
                                    int64_t *ret_files, int64_t *ret_bytes);
pdessm_status pdessm_ocl_cache_clear(pdessm_context *ctx);

/* launch.c */
pdessm_status pdessm_ocl_launch(void *state, const pdessm_call *call, const pdessm_kernel *kernel);
/* Offset of a tensor in its buffer, in elements. */
size_t pdessm_ocl_offset(const pdessm_tensor *tensor);

/* gemm.c, fft.c */
pdessm_status pdessm_ocl_gemm_run(void *state, const pdessm_call *call, const pdessm_gemm *gemm);
void pdessm_ocl_gemm_destroy(pdessm_ocl *o);
pdessm_status pdessm_ocl_fft_run(void *state, const pdessm_call *call, const pdessm_fft *fft);
void pdessm_ocl_fft_destroy(pdessm_ocl *o);

/* profile.c: both NULL when profiling is off. begin() is for one command, whose event goes where
 * the answer points; span() is for several: the answer takes the event of the last one. */
cl_event *pdessm_ocl_profile_begin(pdessm_ocl *o, const pdessm_call *call);
cl_event *pdessm_ocl_profile_span(pdessm_ocl *o, const pdessm_call *call);
pdessm_status pdessm_ocl_profile_enable(void *state, int on);
pdessm_status pdessm_ocl_profile_collect(void *state, double *seconds_of_op_and_pass);
void pdessm_ocl_profile_destroy(pdessm_ocl *o);

/* diagnose.c */
pdessm_status pdessm_ocl_diagnose(pdessm_context *ctx,
                                  void (*say)(void *user, int severity, const char *text),
                                  void *user);

/* Generated by tools/build/embed.py from cl/: the text of NAME.cl, of common.clh for "common"; NULL
 * when there is none. */
const char *pdessm_kernel_text(const char *name);

#endif
