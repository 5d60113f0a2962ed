/* SPDX-License-Identifier: MIT */
/* device.h: where operators run: plain C on this machine's CPU, or one OpenCL device. */
#ifndef PDESSM_DEVICE_H
#define PDESSM_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include <pdessm/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pdessm_device pdessm_device;

typedef enum pdessm_device_kind {
    PDESSM_DEVICE_PLAIN_C,
    PDESSM_DEVICE_GPU,
    PDESSM_DEVICE_INTEGRATED_GPU,
    PDESSM_DEVICE_OPENCL_CPU,
    PDESSM_DEVICE_OTHER,
} pdessm_device_kind;

/* What a device says of itself. Strings live inside the struct. Sizes are bytes. */
typedef struct pdessm_device_info {
    int index;            /* position in the list; plain C is 0 */
    int platform, device; /* OpenCL's P:D; -1:-1 for plain C */
    pdessm_device_kind kind;
    char name[128];
    char vendor[128];
    char driver[128]; /* for plain C the instruction set of its kernels */
    char platform_name[128];
    char version[64]; /* "OpenCL 1.2 ..." */
    int64_t memory;
    int64_t largest_allocation;
    int64_t local_memory;
    int64_t cache_line;
    int compute_units;
    int max_work_group;
    int fp16, fp64;
    int is_auto; /* the device that "auto" means */
} pdessm_device_info;

/* The devices that can be opened: plain C first, then OpenCL's. *ret_list is released with free().
 * Without OpenCL the list has one entry and the reason is logged as a note. */
PDESSM_API pdessm_status pdessm_device_list(pdessm_context *ctx, pdessm_device_info **ret_list,
                                            int *ret_count);

typedef enum pdessm_finding {
    PDESSM_FINDING_GOOD,
    PDESSM_FINDING_NOTE,  /* worth knowing */
    PDESSM_FINDING_WRONG, /* the text says what to do */
} pdessm_finding;
typedef void (*pdessm_finding_fn)(void *user, pdessm_finding severity, const char *text);

/* Says one line for each fact about the instruction set and matrix products of plain C and about
 * OpenCL's loader, drivers, permissions and libraries. *ret_devices: how many devices OpenCL has.
 */
PDESSM_API pdessm_status pdessm_device_diagnose(pdessm_context *ctx, pdessm_finding_fn say,
                                                void *user, int *ret_devices);

/* Opens a device by name: NULL or "auto" (a discrete GPU, else an integrated one, else plain C),
 * "cpu" (plain C, never touches OpenCL), "gpu", "P:D", an index of the list, or part of a name.
 * ERROR_DEVICE says what was looked for and lists what there is. */
PDESSM_API pdessm_status pdessm_device_open(pdessm_context *ctx, const char *name,
                                            pdessm_device **ret);

/* Destroys a device after everything made on it; accepts NULL, nulls the handle. */
PDESSM_API void pdessm_device_destroy(pdessm_device **device);

PDESSM_API const pdessm_device_info *pdessm_device_get_info(const pdessm_device *device);

/* Sends single operators to plain C: "host:linear,attention"; "" sends none. ERROR_ARGUMENT names
 * an unknown operator. */
PDESSM_API pdessm_status pdessm_device_route(pdessm_device *device, const char *routes);

/* Waits for all work handed to the device. */
PDESSM_API pdessm_status pdessm_device_finish(pdessm_device *device);

/* Profiling: when on, every operator's time is taken (which costs a wait on plain C's clock only;
 * OpenCL events are read when the table is asked for). One row per operator and pass. */
typedef struct pdessm_profile_row {
    const char *name;  /* operator */
    const char *pass;  /* "forward" or "backward" */
    const char *place; /* "host" or "device" */
    int64_t calls;
    double seconds, flops, bytes;
} pdessm_profile_row;

PDESSM_API pdessm_status pdessm_device_profile_enable(pdessm_device *device, int on);
/* *ret_rows is released with free(), sorted by falling time. */
PDESSM_API pdessm_status pdessm_device_profile(pdessm_device *device, pdessm_profile_row **ret_rows,
                                               int *ret_count);

/* Bytes that buffers hold now, and the most they ever held, or held since the peak was forgotten.
 */
PDESSM_API int64_t pdessm_device_memory(const pdessm_device *device, int64_t *ret_peak);
PDESSM_API void pdessm_device_forget_peak(pdessm_device *device);

#ifdef __cplusplus
}
#endif
#endif
