/* SPDX-License-Identifier: MIT */
/* launch.c: binds a call's operands to a kernel in row order and queues it. */
#include "device/ocl/ocl.h"

static const char *const letters[PDESSM_OP_COUNT] = {
#define OP(name, letters, operands, attributes, meaning) letters,
#include "ops/ops.def"
#undef OP
};

struct binder {
    cl_kernel kernel;
    cl_uint next;
    cl_int code; /* of the first argument that failed */
};

static void bind(struct binder *b, size_t size, const void *value) {
    cl_int code = clSetKernelArg(b->kernel, b->next++, size, value);
    if (b->code == CL_SUCCESS)
        b->code = code;
}

static size_t element_size(pdessm_dtype dtype) {
    return dtype == PDESSM_INT32 ? sizeof(cl_int) : sizeof(cl_float);
}

size_t pdessm_ocl_offset(const pdessm_tensor *tensor) {
    return tensor->offset / element_size(tensor->dtype);
}

/* A tensor that is missing, or that this pass does not touch and so has no copy here, is NULL. */
static void bind_tensor(struct binder *b, const pdessm_tensor *tensor) {
    cl_mem buffer = tensor && tensor->storage ? tensor->storage->remote : NULL;
    cl_ulong offset = buffer ? pdessm_ocl_offset(tensor) : 0;
    bind(b, sizeof buffer, buffer ? &buffer : NULL);
    bind(b, sizeof offset, &offset);
}

static int has_gradient(char letter) {
    return letter != 'i' && letter != 's' && letter != 'm';
}

static void bind_call(struct binder *b, const pdessm_call *call) {
    const char *row = letters[call->op];
    for (int i = 0; row[i]; i++)
        bind_tensor(b, call->operand[i]);
    if (call->pass == PDESSM_FORWARD)
        return;
    for (int i = 0; row[i]; i++)
        if (has_gradient(row[i]))
            bind_tensor(b, call->gradient[i]);
    cl_uint accumulate = call->accumulate;
    bind(b, sizeof accumulate, &accumulate);
}

static void bind_scalar(struct binder *b, const pdessm_scalar *s) {
    switch (s->kind) {
    case PDESSM_SCALAR_INT:
        bind(b, sizeof s->value.i, &s->value.i);
        break;
    case PDESSM_SCALAR_UINT:
        bind(b, sizeof s->value.u, &s->value.u);
        break;
    case PDESSM_SCALAR_FLOAT:
        bind(b, sizeof s->value.f, &s->value.f);
        break;
    }
}

/* ------------------------------------------------------------------ sizes */

/* A work-group for a kernel that left the choice to us: a power of two, so that a CPU driver, which
 * compiles a kernel once for each group size it meets, meets few; and groups enough for every
 * compute unit. 0: let the driver choose. */
static size_t choose_local(const pdessm_ocl *o, const pdessm_ocl_kernel *k, size_t global,
                           size_t others) {
    size_t most = o->cpu_form ? 64 : 256, units = (size_t)o->info.compute_units;
    size_t local = 1;
    while (local * 2 <= most && local * 2 <= k->max_work_group && global % (local * 2) == 0 &&
           (!o->cpu_form || global / (local * 2) * others >= 4 * units))
        local *= 2;
    return o->cpu_form || local >= 32 ? local : 0;
}

/* Fills in global and local; the answer is whether local is to be passed on. */
static int choose_sizes(const pdessm_ocl *o, const pdessm_kernel *kernel,
                        const pdessm_ocl_kernel *k, size_t global[3], size_t local[3]) {
    size_t others = 1;
    for (int i = 0; i < kernel->dims; i++) {
        local[i] = kernel->local[i] ? kernel->local[i] : 1;
        global[i] = (kernel->global[i] + local[i] - 1) / local[i] * local[i];
        others *= i > 0 ? global[i] : 1;
    }
    if (kernel->local[0])
        return 1;
    local[0] = choose_local(o, k, global[0], others);
    return local[0] > 0;
}

static pdessm_status check_sizes(const pdessm_ocl *o, const pdessm_kernel *kernel,
                                 const pdessm_ocl_kernel *k, cl_uint bound) {
    size_t items = 1;
    for (int i = 0; i < kernel->dims; i++)
        items *= kernel->local[i] ? kernel->local[i] : 1;
    if (items > k->max_work_group)
        return pdessm_fail(o->ctx, PDESSM_ERROR_UNSUPPORTED,
                           "kernel %s needs work-groups of %zu, '%s' runs it with at most %zu",
                           kernel->name, items, o->info.name, k->max_work_group);
    if (bound != k->arguments)
        return pdessm_fail(o->ctx, PDESSM_ERROR_FAILED,
                           "kernel %s takes %u arguments, its launch binds %u: see "
                           "pdessm_kernel in backend.h",
                           kernel->name, k->arguments, bound);
    return PDESSM_OK;
}

static int is_empty(const pdessm_kernel *kernel) {
    for (int i = 0; i < kernel->dims; i++)
        if (kernel->global[i] == 0)
            return 1;
    return 0;
}

pdessm_status pdessm_ocl_launch(void *state, const pdessm_call *call, const pdessm_kernel *kernel) {
    pdessm_ocl *o = state;
    pdessm_status status = PDESSM_OK;
    const pdessm_ocl_kernel *k = NULL;
    size_t global[3], local[3];
    if (is_empty(kernel))
        return PDESSM_OK; /* OpenCL 1.2 refuses what would do nothing */
    PDESSM_TRY(pdessm_ocl_kernel_get(o, call->op, kernel->options, kernel->name, &k));
    struct binder b = {.kernel = k->handle};
    bind_call(&b, call);
    if (kernel->scratch_bytes > 0) {
        PDESSM_TRY(pdessm_ocl_scratch(o, kernel->scratch_bytes));
        bind(&b, sizeof o->scratch, &o->scratch);
    }
    for (int i = 0; i < kernel->scalar_count; i++)
        bind_scalar(&b, &kernel->scalar[i]);
    PDESSM_TRY(check_sizes(o, kernel, k, b.next));
    int use_local = choose_sizes(o, kernel, k, global, local);
    cl_int code = b.code;
    if (code == CL_SUCCESS)
        code = clEnqueueNDRangeKernel(o->queue, k->handle, (cl_uint)kernel->dims, NULL, global,
                                      use_local ? local : NULL, 0, NULL,
                                      pdessm_ocl_profile_begin(o, call));
    if (code != CL_SUCCESS)
        return pdessm_ocl_fail(o->ctx, code, "running kernel %s on '%s'", kernel->name,
                               o->info.name);
    pdessm_ocl_queued(o);
out:
    return status;
}
