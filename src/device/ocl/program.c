/* SPDX-License-Identifier: MIT */
/* program.c: kernels, built from the texts of cl/ on first use and kept in memory and on disk. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/ocl/ocl.h"

static const char *const op_names[PDESSM_OP_COUNT + 1] = {
#define OP(name, letters, operands, attributes, meaning) #name,
#include "ops/ops.def"
#undef OP
    "planes", /* src/device/ocl/planes.cl */
};

static void free_program(pdessm_ocl_program *p) {
    if (!p)
        return;
    for (int i = 0; i < p->kernels; i++)
        if (p->kernel[i].handle)
            clReleaseKernel(p->kernel[i].handle);
    if (p->handle)
        clReleaseProgram(p->handle);
    free(p->kernel);
    free(p->options);
    free(p->failure);
    free(p);
}

/* The first line of a build log that speaks of an error, else the first line with text. */
static void first_error(const char *log, char *ret, size_t size) {
    const char *best = NULL;
    for (const char *line = log; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t length = strcspn(line, "\n");
        char text[512];
        snprintf(text, sizeof text, "%.*s", (int)length, line);
        if (!best && text[strspn(text, " \t")])
            best = line;
        if (strstr(text, "error") || strstr(text, "Error")) {
            best = line;
            break;
        }
    }
    snprintf(ret, size, "%.*s", best ? (int)strcspn(best, "\n") : 0, best ? best : "");
    if (!*ret)
        snprintf(ret, size, "the driver gave no build log");
}

static void read_build_log(const pdessm_ocl *o, cl_program program, char *ret, size_t size) {
    size_t bytes = 0;
    clGetProgramBuildInfo(program, o->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes);
    char *log = calloc(bytes + 1, 1);
    if (log)
        clGetProgramBuildInfo(program, o->device, CL_PROGRAM_BUILD_LOG, bytes, log, NULL);
    first_error(log ? log : "", ret, size);
    free(log);
}

/* ------------------------------------------------------------------ three ways to a program */

static cl_program from_disk(pdessm_ocl *o, pdessm_ocl_key key, const char *options) {
    size_t size = 0;
    unsigned char *binary = pdessm_ocl_cache_load(o, key, &size);
    if (!binary)
        return NULL;
    const unsigned char *binaries[] = {binary};
    cl_int code = CL_SUCCESS, binary_status = CL_SUCCESS;
    cl_program program = clCreateProgramWithBinary(o->context, 1, &o->device, &size, binaries,
                                                   &binary_status, &code);
    free(binary);
    if (code == CL_SUCCESS && binary_status == CL_SUCCESS &&
        clBuildProgram(program, 1, &o->device, options, NULL, NULL) == CL_SUCCESS)
        return program;
    if (code == CL_SUCCESS)
        clReleaseProgram(program);
    pdessm_log(o->ctx, PDESSM_LOG_NOTE,
               "the driver of '%s' refuses a kernel cached earlier; it is built again",
               o->info.name);
    return NULL;
}

static pdessm_status from_source(pdessm_ocl *o, const char *name, const char *const source[2],
                                 const char *options, cl_program *ret) {
    cl_int code = CL_SUCCESS;
    cl_program program =
        clCreateProgramWithSource(o->context, 2, (const char **)source, NULL, &code);
    if (code != CL_SUCCESS)
        return pdessm_ocl_fail(o->ctx, code, "handing the kernels of %s to the driver", name);
    code = clBuildProgram(program, 1, &o->device, options, NULL, NULL);
    if (code == CL_SUCCESS) {
        *ret = program;
        return PDESSM_OK;
    }
    char why[512];
    read_build_log(o, program, why, sizeof why);
    clReleaseProgram(program);
    return pdessm_fail(o->ctx, PDESSM_ERROR_UNSUPPORTED,
                       "the kernels of %s do not build on '%s' (%s, options %s): %s", name,
                       o->info.name, pdessm_ocl_error_name(code), options, why);
}

static void to_disk(pdessm_ocl *o, pdessm_ocl_key key, cl_program program) {
    size_t size = 0;
    clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL);
    unsigned char *binary = size > 0 ? malloc(size) : NULL;
    if (!binary)
        return; /* the driver has none to give, which costs time at the next start only */
    unsigned char *binaries[] = {binary};
    if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binaries, binaries, NULL) ==
        CL_SUCCESS)
        pdessm_ocl_cache_store(o, key, binary, size);
    free(binary);
}

/* ------------------------------------------------------------------ build */

static pdessm_status take_kernels(pdessm_ocl *o, const char *name, pdessm_ocl_program *p) {
    pdessm_status status = PDESSM_OK;
    cl_kernel *handles = NULL;
    cl_uint count = 0;
    cl_int code = clCreateKernelsInProgram(p->handle, 0, NULL, &count);
    PDESSM_TRY(pdessm_alloc(o->ctx, count, sizeof *handles, &handles));
    PDESSM_TRY(pdessm_alloc(o->ctx, count, sizeof *p->kernel, &p->kernel));
    if (code == CL_SUCCESS)
        code = clCreateKernelsInProgram(p->handle, count, handles, NULL);
    if (code != CL_SUCCESS) {
        status = pdessm_ocl_fail(o->ctx, code, "taking the kernels of %s", name);
        goto out;
    }
    for (cl_uint i = 0; i < count; i++) {
        pdessm_ocl_kernel *k = &p->kernel[p->kernels++];
        k->handle = handles[i];
        clGetKernelInfo(k->handle, CL_KERNEL_FUNCTION_NAME, sizeof k->name, k->name, NULL);
        clGetKernelInfo(k->handle, CL_KERNEL_NUM_ARGS, sizeof k->arguments, &k->arguments, NULL);
        clGetKernelWorkGroupInfo(k->handle, o->device, CL_KERNEL_WORK_GROUP_SIZE,
                                 sizeof k->max_work_group, &k->max_work_group, NULL);
    }
out:
    free(handles);
    return status;
}

static pdessm_status build(pdessm_ocl *o, const char *name, pdessm_ocl_program *p) {
    pdessm_status status = PDESSM_OK;
    char options[1024];
    const char *source[2] = {pdessm_kernel_text("common"), pdessm_kernel_text(name)};
    PDESSM_REQUIRE(o->ctx, source[1], PDESSM_ERROR_UNSUPPORTED, "%s has no OpenCL kernels", name);
    /* Never a fast-math flag: results are compared with plain C to a few rounding errors. */
    int length =
        snprintf(options, sizeof options, "-cl-std=CL1.2 -DCPU_FORM=%d -DLOCAL_BYTES=%lld%s%s",
                 o->cpu_form, (long long)o->info.local_memory, *p->options ? " " : "", p->options);
    PDESSM_REQUIRE(o->ctx, length < (int)sizeof options, PDESSM_ERROR_FAILED,
                   "the build options of %s are too long", name);
    pdessm_ocl_key key =
        pdessm_ocl_key_of(o, 3, (const char *const[]){source[0], source[1], options});
    p->handle = from_disk(o, key, options);
    if (!p->handle) {
        PDESSM_TRY(from_source(o, name, source, options, &p->handle));
        to_disk(o, key, p->handle);
    }
    PDESSM_TRY(take_kernels(o, name, p));
out:
    return status;
}

pdessm_status pdessm_ocl_program_get(pdessm_ocl *o, pdessm_op op, const char *options,
                                     pdessm_ocl_program **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_ocl_program *p;
    options = options ? options : "";
    for (p = o->program[op]; p; p = p->next)
        if (strcmp(p->options, options) == 0)
            break;
    if (!p) {
        PDESSM_TRY(pdessm_alloc(o->ctx, 1, sizeof *p, &p));
        p->next = o->program[op];
        o->program[op] = p;
        p->options = strdup(options);
        PDESSM_REQUIRE(o->ctx, p->options, PDESSM_ERROR_MEMORY, "out of memory");
        status = build(o, op_names[op], p);
        if (status == PDESSM_ERROR_UNSUPPORTED)
            p->failure = strdup(o->ctx->error);
        if (status != PDESSM_OK)
            goto out;
    }
    /* A failure that may pass (out of memory) was not kept, but left a program without kernels. */
    PDESSM_REQUIRE(o->ctx, p->kernels > 0, PDESSM_ERROR_UNSUPPORTED, "%s",
                   p->failure ? p->failure : "the kernels could not be built earlier");
    *ret = p;
out:
    return status;
}

pdessm_status pdessm_ocl_kernel_get(pdessm_ocl *o, pdessm_op op, const char *options,
                                    const char *name, const pdessm_ocl_kernel **ret) {
    pdessm_ocl_program *p = NULL;
    pdessm_status status = pdessm_ocl_program_get(o, op, options, &p);
    if (status != PDESSM_OK)
        return status;
    for (int i = 0; i < p->kernels; i++) {
        if (strcmp(p->kernel[i].name, name) == 0) {
            *ret = &p->kernel[i];
            return PDESSM_OK;
        }
    }
    return pdessm_fail(o->ctx, PDESSM_ERROR_UNSUPPORTED, "cl/%s.cl has no kernel %s (options '%s')",
                       op_names[op], name, p->options);
}

void pdessm_ocl_programs_destroy(pdessm_ocl *o) {
    for (int op = 0; op <= PDESSM_OP_COUNT; op++) {
        while (o->program[op]) {
            pdessm_ocl_program *p = o->program[op];
            o->program[op] = p->next;
            free_program(p);
        }
    }
}
