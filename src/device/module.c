/* SPDX-License-Identifier: MIT */
/* module.c: finds and opens the OpenCL module, a separate shared object, so that one binary runs
 * with and without libOpenCL. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"

#ifndef PDESSM_WITH_OPENCL

pdessm_status pdessm_backend_load(pdessm_context *ctx, const pdessm_backend **ret) {
    (void)ret;
    return pdessm_fail(
        ctx, PDESSM_ERROR_DEVICE,
        "this program was built without OpenCL; build with -Dopencl=enabled to use a "
        "GPU, or use --device cpu");
}

#else

#define MODULE "pdessm-opencl.so"

/* Where the module lies, seen from the program or the library that this is linked into: in a build
 * tree, or beside the library or the program of an installation, wherever that was moved to. */
static const char *const places[] = {"src/device/ocl/" MODULE, "device/ocl/" MODULE,
                                     "pdessm/" MODULE, "../" PDESSM_LIBDIR "/pdessm/" MODULE};

static void library_folder(char *ret, size_t size) {
    Dl_info info;
    ret[0] = '\0';
    if (dladdr((void *)&places, &info) && info.dli_fname)
        snprintf(ret, size, "%s", info.dli_fname);
    char *slash = strrchr(ret, '/');
    if (slash)
        slash[1] = '\0';
    else
        snprintf(ret, size, "./");
}

static void *open_module(char *reason, size_t size) {
    char folder[3072], path[4096];
    const char *asked = getenv("PDESSM_MODULE_PATH");
    void *module = NULL;
    if (asked) {
        snprintf(path, sizeof path, "%s/" MODULE, asked);
        module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!module)
            snprintf(reason, size, "%s", dlerror());
        return module;
    }
    library_folder(folder, sizeof folder);
    for (size_t i = 0; !module && i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s%s", folder, places[i]);
        module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        const char *error = module ? NULL : dlerror();
        /* "No such file" of the module itself says less than a missing libOpenCL does. */
        if (error && (!*reason || !strstr(error, path)))
            snprintf(reason, size, "%s", error);
    }
    if (!module)
        module = dlopen(PDESSM_MODULE_FOLDER "/" MODULE, RTLD_NOW | RTLD_LOCAL);
    return module;
}

pdessm_status pdessm_backend_load(pdessm_context *ctx, const pdessm_backend **ret) {
    char reason[1024] = "";
    void *module = open_module(reason, sizeof reason);
    if (!module)
        return pdessm_fail(
            ctx, PDESSM_ERROR_DEVICE,
            "OpenCL is not installed (%s); install the loader (Debian, Ubuntu: apt install "
            "ocl-icd-libopencl1) and your vendor's driver",
            reason);
    /* The module stays open until the process ends: drivers do not like to be unloaded. */
    void *symbol = dlsym(module, PDESSM_BACKEND_ENTRY);
    pdessm_backend_entry entry = NULL;
    memcpy(&entry, &symbol, sizeof entry);
    const pdessm_backend *backend = entry ? entry(PDESSM_BACKEND_ABI) : NULL;
    if (!backend)
        return pdessm_fail(ctx, PDESSM_ERROR_DEVICE,
                           "the OpenCL module " MODULE
                           " belongs to another version of this library; "
                           "install both from the same build");
    *ret = backend;
    return PDESSM_OK;
}

#endif
