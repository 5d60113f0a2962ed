/* SPDX-License-Identifier: MIT */
/* device.c: the list of OpenCL devices, and opening one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/ocl/ocl.h"

pdessm_status pdessm_ocl_platforms(pdessm_context *ctx, cl_platform_id *ret, cl_uint *ret_count) {
    cl_uint count = 0;
    cl_int code = clGetPlatformIDs(PDESSM_OCL_PLATFORMS, ret, &count);
    if (code == CL_SUCCESS && count > 0) {
        *ret_count = count < PDESSM_OCL_PLATFORMS ? count : PDESSM_OCL_PLATFORMS;
        return PDESSM_OK;
    }
    char advice[512];
    pdessm_ocl_driver_advice(advice, sizeof advice);
    return pdessm_fail(ctx, PDESSM_ERROR_DEVICE,
                       "no OpenCL driver: the loader found no platform in %s (%s); %s",
                       pdessm_ocl_vendor_folder(), pdessm_ocl_error_name(code), advice);
}

cl_uint pdessm_ocl_devices(cl_platform_id platform, cl_device_id *ret) {
    cl_uint count = 0;
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, PDESSM_OCL_DEVICES, ret, &count) != CL_SUCCESS)
        return 0; /* a platform without devices says CL_DEVICE_NOT_FOUND */
    return count < PDESSM_OCL_DEVICES ? count : PDESSM_OCL_DEVICES;
}

/* ------------------------------------------------------------------ info */

/* Copies text without the blanks in front and behind that some drivers add. */
static void put_text(char *ret, size_t size, const char *text) {
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\n", text[length - 1]))
        length--;
    snprintf(ret, size, "%.*s", (int)length, text);
}

static void device_text(cl_device_id device, cl_device_info what, char *ret, size_t size) {
    char text[4096] = "";
    if (clGetDeviceInfo(device, what, sizeof text - 1, text, NULL) != CL_SUCCESS)
        text[0] = '\0';
    put_text(ret, size, text);
}

static int64_t device_ulong(cl_device_id device, cl_device_info what) {
    cl_ulong value = 0;
    clGetDeviceInfo(device, what, sizeof value, &value, NULL);
    return (int64_t)value;
}

static int device_uint(cl_device_id device, cl_device_info what) {
    cl_uint value = 0; /* cl_bool is the same type */
    clGetDeviceInfo(device, what, sizeof value, &value, NULL);
    return (int)value;
}

/* PDESSM_KERNEL_FORM=gpu or cpu makes a device pass for the other kind, so that both forms of every
 * kernel can be tested on PoCL and Oclgrind. */
static pdessm_device_kind kind_of(cl_device_id device) {
    cl_device_type type = 0;
    clGetDeviceInfo(device, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    const char *form = getenv("PDESSM_KERNEL_FORM");
    if (form && strcmp(form, "gpu") == 0)
        return PDESSM_DEVICE_GPU;
    if (form && strcmp(form, "cpu") == 0)
        return PDESSM_DEVICE_OPENCL_CPU;
    if (type & CL_DEVICE_TYPE_CPU)
        return PDESSM_DEVICE_OPENCL_CPU;
    if (!(type & CL_DEVICE_TYPE_GPU))
        return PDESSM_DEVICE_OTHER;
    return device_uint(device, CL_DEVICE_HOST_UNIFIED_MEMORY) ? PDESSM_DEVICE_INTEGRATED_GPU
                                                              : PDESSM_DEVICE_GPU;
}

static void describe(cl_platform_id platform, cl_device_id device, int p, int d,
                     pdessm_device_info *ret) {
    char extensions[16384] = "", text[512] = "";
    size_t group = 0;
    *ret = (pdessm_device_info){.platform = p, .device = d, .kind = kind_of(device)};
    device_text(device, CL_DEVICE_NAME, ret->name, sizeof ret->name);
    device_text(device, CL_DEVICE_VENDOR, ret->vendor, sizeof ret->vendor);
    device_text(device, CL_DRIVER_VERSION, ret->driver, sizeof ret->driver);
    device_text(device, CL_DEVICE_VERSION, ret->version, sizeof ret->version);
    clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof text - 1, text, NULL);
    put_text(ret->platform_name, sizeof ret->platform_name, text);
    ret->memory = device_ulong(device, CL_DEVICE_GLOBAL_MEM_SIZE);
    ret->largest_allocation = device_ulong(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    ret->local_memory = device_ulong(device, CL_DEVICE_LOCAL_MEM_SIZE);
    ret->cache_line = device_uint(device, CL_DEVICE_GLOBAL_MEM_CACHELINE_SIZE);
    ret->compute_units = device_uint(device, CL_DEVICE_MAX_COMPUTE_UNITS);
    clGetDeviceInfo(device, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof group, &group, NULL);
    ret->max_work_group = (int)group;
    clGetDeviceInfo(device, CL_DEVICE_EXTENSIONS, sizeof extensions - 1, extensions, NULL);
    ret->fp16 = strstr(extensions, "cl_khr_fp16") != NULL;
    ret->fp64 = strstr(extensions, "cl_khr_fp64") != NULL;
}

/* Why a device cannot be used, or NULL. */
static const char *refusal(cl_device_id device) {
    char version[64];
    int major = 0, minor = 0;
    device_text(device, CL_DEVICE_VERSION, version, sizeof version);
    if (!device_uint(device, CL_DEVICE_AVAILABLE))
        return "its driver says it is not available";
    if (!device_uint(device, CL_DEVICE_COMPILER_AVAILABLE))
        return "its driver has no compiler";
    if (sscanf(version, "OpenCL %d.%d", &major, &minor) != 2 || major * 10 + minor < 12)
        return "its driver is older than OpenCL 1.2";
    return NULL;
}

pdessm_status pdessm_ocl_list(pdessm_context *ctx, pdessm_device_info **ret, int *ret_count) {
    pdessm_status status = PDESSM_OK;
    cl_platform_id platforms[PDESSM_OCL_PLATFORMS];
    cl_device_id devices[PDESSM_OCL_DEVICES];
    cl_uint platform_count = 0;
    pdessm_device_info *list = NULL;
    int count = 0;
    PDESSM_TRY(pdessm_ocl_platforms(ctx, platforms, &platform_count));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)platform_count * PDESSM_OCL_DEVICES, sizeof *list, &list));
    for (cl_uint p = 0; p < platform_count; p++) {
        cl_uint device_count = pdessm_ocl_devices(platforms[p], devices);
        for (cl_uint d = 0; d < device_count; d++) {
            const char *reason = refusal(devices[d]);
            describe(platforms[p], devices[d], (int)p, (int)d, &list[count]);
            if (reason)
                pdessm_log(ctx, PDESSM_LOG_NOTE, "OpenCL device %u:%u '%s' is ignored: %s", p, d,
                           list[count].name, reason);
            else
                count++;
        }
    }
    PDESSM_REQUIRE(ctx, count > 0, PDESSM_ERROR_DEVICE,
                   "OpenCL drivers are installed, but none offers a usable device; may this user "
                   "open /dev/dri and /dev/kfd? (groups render and video)");
    *ret = list;
    *ret_count = count;
    list = NULL;
out:
    free(list);
    return status;
}

/* ------------------------------------------------------------------ open */

pdessm_status pdessm_ocl_open(pdessm_context *ctx, int platform, int device, void **ret) {
    pdessm_status status = PDESSM_OK;
    cl_platform_id platforms[PDESSM_OCL_PLATFORMS];
    cl_device_id devices[PDESSM_OCL_DEVICES];
    cl_uint platform_count = 0, device_count = 0;
    cl_int code = CL_SUCCESS;
    pdessm_ocl *o = NULL;
    PDESSM_TRY(pdessm_ocl_platforms(ctx, platforms, &platform_count));
    if (platform >= 0 && (cl_uint)platform < platform_count)
        device_count = pdessm_ocl_devices(platforms[platform], devices);
    PDESSM_REQUIRE(ctx, device >= 0 && (cl_uint)device < device_count, PDESSM_ERROR_DEVICE,
                   "there is no OpenCL device %d:%d; `pdessm-cl devices` lists the devices",
                   platform, device);
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *o, &o));
    o->ctx = ctx;
    o->platform = platforms[platform];
    o->device = devices[device];
    describe(o->platform, o->device, platform, device, &o->info);
    o->cpu_form = o->info.kind == PDESSM_DEVICE_OPENCL_CPU;
    cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)o->platform,
                                          0};
    o->context = clCreateContext(properties, 1, &o->device, NULL, NULL, &code);
    if (code != CL_SUCCESS) {
        status = pdessm_ocl_fail(ctx, code, "opening OpenCL device '%s'", o->info.name);
        goto out;
    }
    PDESSM_TRY(pdessm_ocl_make_queue(o, 0));
    *ret = o;
    o = NULL;
out:
    pdessm_ocl_close(o);
    return status;
}

void pdessm_ocl_close(void *state) {
    pdessm_ocl *o = state;
    if (!o)
        return;
    if (o->queue)
        clFinish(o->queue);
    pdessm_ocl_profile_destroy(o);
    pdessm_ocl_fft_destroy(o);
    pdessm_ocl_gemm_destroy(o);
    pdessm_ocl_staging_destroy(o);
    pdessm_ocl_programs_destroy(o);
    if (o->scratch)
        clReleaseMemObject(o->scratch);
    if (o->queue)
        clReleaseCommandQueue(o->queue);
    if (o->context)
        clReleaseContext(o->context);
    free(o);
}
