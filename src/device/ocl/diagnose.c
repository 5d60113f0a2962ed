/* SPDX-License-Identifier: MIT */
/* diagnose.c: why OpenCL does or does not work here: loader, drivers, permissions, libraries with
 * known faults, and whether each device really runs a kernel. */
#define _GNU_SOURCE
#include "device/ocl/ocl.h"

#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GOOD, NOTE, WRONG };

struct report {
    pdessm_context *ctx;
    void (*say)(void *user, int severity, const char *text);
    void *user;
};

PDESSM_PRINTF(3, 4)
static void say(const struct report *r, int severity, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    r->say(r->user, severity, text);
}

/* The file that a function was loaded from, with links resolved, so that it ends in its version. */
static void file_of(void *function, char *ret, size_t size) {
    Dl_info info;
    char *path = NULL;
    snprintf(ret, size, "an unknown file");
    if (dladdr(function, &info) && info.dli_fname)
        path = realpath(info.dli_fname, NULL);
    if (path)
        snprintf(ret, size, "%s", path);
    free(path);
}

static void *address_of(void (*function)(void)) {
    void *address = NULL;
    memcpy(&address, &function, sizeof address);
    return address;
}

/* ------------------------------------------------------------------ loader and drivers */

static void check_loader(const struct report *r) {
    char path[512];
    file_of(address_of((void (*)(void))clGetPlatformIDs), path, sizeof path);
    say(r, GOOD, "the OpenCL loader is %s", path);
}

/* The library that an ICD file names in its first line. */
static int read_icd(const char *path, char *ret, size_t size) {
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    char *line = fgets(ret, (int)size, file);
    fclose(file);
    if (!line)
        return 0;
    ret[strcspn(ret, "\r\n")] = '\0';
    return *ret != '\0';
}

static void check_icd(const struct report *r, const char *path) {
    char library[512];
    if (!read_icd(path, library, sizeof library)) {
        say(r, WRONG, "%s: cannot be read or is empty; reinstall the driver it belongs to", path);
        return;
    }
    void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
    const char *error = handle ? NULL : dlerror();
    if (handle)
        say(r, GOOD, "%s: driver %s opens", path, library);
    else
        say(r, WRONG, "%s: driver %s does not open: %s; reinstall it", path, library,
            error ? error : "unknown reason");
    /* Stays open: the loader holds it too, and drivers dislike to be unloaded. */
}

static void check_icds(const struct report *r) {
    char pattern[1024], advice[512];
    const char *folder = pdessm_ocl_vendor_folder();
    size_t length = strlen(folder);
    glob_t files;
    if (length > 4 && strcmp(folder + length - 4, ".icd") == 0)
        snprintf(pattern, sizeof pattern, "%s", folder);
    else
        snprintf(pattern, sizeof pattern, "%s/*.icd", folder);
    if (glob(pattern, 0, NULL, &files) != 0) {
        pdessm_ocl_driver_advice(advice, sizeof advice);
        say(r, WRONG, "no driver is registered: %s matches nothing%s; %s", pattern,
            getenv("OCL_ICD_VENDORS") ? " (OCL_ICD_VENDORS is set)" : "", advice);
        return;
    }
    for (size_t i = 0; i < files.gl_pathc; i++)
        check_icd(r, files.gl_pathv[i]);
    globfree(&files);
}

/* ------------------------------------------------------------------ permissions */

static void check_node(const struct report *r, const char *path, const char *groups) {
    if (access(path, F_OK) != 0)
        return;
    if (access(path, R_OK | W_OK) == 0)
        say(r, GOOD, "%s can be opened", path);
    else
        say(r, WRONG, "%s: %s; join its group and log in again: sudo usermod -aG %s $USER", path,
            strerror(errno), groups);
}

static void check_permissions(const struct report *r) {
    glob_t files;
    check_node(r, "/dev/kfd", "render,video");
    check_node(r, "/dev/nvidiactl", "video");
    if (glob("/dev/dri/renderD*", 0, NULL, &files) != 0) {
        if (access("/dev/nvidiactl", F_OK) != 0)
            say(r, NOTE,
                "there is no /dev/dri/renderD*: the kernel has no driver for a GPU, or "
                "this is a container that was not given one");
        return;
    }
    for (size_t i = 0; i < files.gl_pathc; i++)
        check_node(r, files.gl_pathv[i], "render,video");
    globfree(&files);
}

/* ------------------------------------------------------------------ libraries */

/* The version at the end of a library's file name, libNAME.so.1.5.3, as 10503; 0 without one. */
static int version_of(const char *path) {
    int major = 0, minor = 0, patch = 0;
    const char *tail = strstr(path, ".so.");
    if (!tail || sscanf(tail, ".so.%d.%d.%d", &major, &minor, &patch) < 2)
        return 0;
    return major * 10000 + minor * 100 + patch;
}

/* Opens a library and finds its file; 0 when it is not installed. */
static int find_library(const char *name, const char *function, char *ret_path, size_t size) {
    void *library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, function) : NULL;
    if (!symbol)
        return 0;
    file_of(symbol, ret_path, size);
    return 1;
}

static void check_libraries(const struct report *r) {
    char path[512];
    if (!find_library("libclblast.so.1", "CLBlastSgemm", path, sizeof path))
        say(r, NOTE,
            "CLBlast is not installed, so matrix products use our own kernels; on a GPU "
            "it is worth having (apt install libclblast1)");
    else if (version_of(path) && version_of(path) < 10603)
        say(r, NOTE,
            "CLBlast is %s; versions before 1.6.3 compute wrong products on some GPUs, "
            "so each device checks it before using it; `pdessm-cl verify` tells",
            path);
    else
        say(r, GOOD, "CLBlast is %s", path);
    if (!find_library("libclFFT.so.2", "clfftSetup", path, sizeof path))
        say(r, NOTE,
            "clFFT is not installed, so large token grids use our own kernels "
            "(apt install libclfft2)");
    else if (version_of(path) && version_of(path) < 21202)
        say(r, NOTE, "clFFT is %s; 2.12.2 is the version that was tested", path);
    else
        say(r, GOOD, "clFFT is %s", path);
}

/* ------------------------------------------------------------------ devices */

/* Runs the module's transpose kernel on a 2 x 3 matrix. */
static pdessm_status run_kernel(pdessm_ocl *o, int *ret_right) {
    static const float given[6] = {1, 2, 3, 4, 5, 6}, expected[6] = {1, 4, 2, 5, 3, 6};
    pdessm_status status = PDESSM_OK;
    const pdessm_ocl_kernel *k = NULL;
    void *in = NULL, *out = NULL;
    float got[6] = {0};
    cl_ulong offset = 0;
    cl_int rows = 2, cols = 3, code = CL_SUCCESS;
    const size_t global[3] = {16, 16, 1};
    PDESSM_TRY(pdessm_ocl_kernel_get(o, PDESSM_OP_COUNT, NULL, "planes_real", &k));
    PDESSM_TRY(pdessm_ocl_buffer_create(o, sizeof given, &in));
    PDESSM_TRY(pdessm_ocl_buffer_create(o, sizeof given, &out));
    PDESSM_TRY(pdessm_ocl_write(o, in, 0, sizeof given, given));
    const struct {
        size_t size;
        const void *value;
    } arguments[] = {{sizeof in, &in},         {sizeof offset, &offset}, {sizeof out, &out},
                     {sizeof offset, &offset}, {sizeof rows, &rows},     {sizeof cols, &cols}};
    for (cl_uint i = 0; i < sizeof arguments / sizeof *arguments; i++)
        clSetKernelArg(k->handle, i, arguments[i].size, arguments[i].value);
    code = clEnqueueNDRangeKernel(o->queue, k->handle, 3, NULL, global, global, 0, NULL, NULL);
    if (code != CL_SUCCESS) {
        status = pdessm_ocl_fail(o->ctx, code, "running a kernel");
        goto out;
    }
    PDESSM_TRY(pdessm_ocl_read(o, out, 0, sizeof got, got));
    *ret_right = memcmp(got, expected, sizeof got) == 0;
out:
    pdessm_ocl_buffer_destroy(o, in);
    pdessm_ocl_buffer_destroy(o, out);
    return status;
}

static void check_device(const struct report *r, const pdessm_device_info *info) {
    void *state = NULL;
    int right = 0, major = 0, minor = 0;
    pdessm_status status = pdessm_ocl_open(r->ctx, info->platform, info->device, &state);
    if (status == PDESSM_OK)
        status = run_kernel(state, &right);
    if (status != PDESSM_OK)
        say(r, WRONG, "device %d:%d '%s': %s", info->platform, info->device, info->name,
            r->ctx->error);
    else if (!right)
        say(r, WRONG, "device %d:%d '%s' (driver %s) computes a wrong result; update its driver",
            info->platform, info->device, info->name, info->driver);
    else
        say(r, GOOD, "device %d:%d '%s' (%s, driver %s) runs a kernel", info->platform,
            info->device, info->name, info->platform_name, info->driver);
    pdessm_ocl_close(state);
    if (strcmp(info->platform_name, "Portable Computing Language") == 0 &&
        sscanf(info->driver, "%d.%d", &major, &minor) == 2 && major * 100 + minor < 301)
        say(r, NOTE, "PoCL %s is older than 3.1, the oldest version that was tested", info->driver);
}

pdessm_status pdessm_ocl_diagnose(pdessm_context *ctx,
                                  void (*say_line)(void *user, int severity, const char *text),
                                  void *user) {
    const struct report r = {ctx, say_line, user};
    pdessm_device_info *list = NULL;
    int count = 0;
    check_loader(&r);
    check_icds(&r);
    check_permissions(&r);
    check_libraries(&r);
    if (pdessm_ocl_list(ctx, &list, &count) != PDESSM_OK)
        say(&r, WRONG, "%s", ctx->error);
    for (int i = 0; i < count; i++)
        check_device(&r, &list[i]);
    free(list);
    return PDESSM_OK;
}
