/* SPDX-License-Identifier: MIT */
/* linear_device.c: linear on OpenCL devices: CLBlast, or the kernels of cl/linear.cl. */
#include "ops/linear_parts.h"

/* Standard tile of a work-group (GPU form, 16 x 16 items); columns of an item's tile (CPU form). */
enum { GPU_TILE = 64, GPU_SIDE = 16, CPU_COLUMNS = 32 };

/* ------------------------------------------------------------------ choices */

/* Values of the product choice: our kernels with tiles of 32, 64, 128, or CLBlast. */
enum { OWN_32 = 1, OWN_64, OWN_128, CLBLAST };
enum { STANDARD_ROWS = 8 };

/* Extents rounded up to powers of two; 1024 rows and more are one class. */
static void classify(const pdessm_call *call, int64_t ret[PDESSM_CLASS_EXTENTS]) {
    struct sizes s = sizes_of(call);
    const int64_t extent[] = {s.m < 1024 ? s.m : 1024, s.width, s.k};
    for (int i = 0; i < 3; i++)
        for (ret[i] = 1; ret[i] < extent[i];)
            ret[i] *= 2;
}

static int gemm_applies(const pdessm_site *site, int64_t value) {
    return site->host && (value == PDESSM_GEMM_OWN || site->host->blas);
}

static int64_t gemm_standard(const pdessm_site *site) {
    return site->host && site->host->blas_is_standard ? PDESSM_GEMM_CBLAS : PDESSM_GEMM_OWN;
}

/* No choice on CPU devices, which CLBlast is not for: see gemm.c of the OpenCL module. */
static int product_applies(const pdessm_site *site, int64_t value) {
    return site->info && site->info->kind != PDESSM_DEVICE_OPENCL_CPU &&
           (value != OWN_128 || site->info->local_memory >= 32768);
}

static int64_t product_standard(const pdessm_site *site) {
    (void)site;
    return CLBLAST;
}

static int rows_apply(const pdessm_site *site, int64_t rows) {
    (void)rows;
    return site->info && site->info->kind == PDESSM_DEVICE_OPENCL_CPU;
}

static int64_t rows_standard(const pdessm_site *site) {
    (void)site;
    return STANDARD_ROWS;
}

const pdessm_tunable pdessm_linear_tunable = {
    .classify = classify,
    .count = 3,
    .choice = {[PDESSM_LINEAR_GEMM] = {.name = "gemm",
                                       .candidate = {PDESSM_GEMM_OWN, PDESSM_GEMM_CBLAS},
                                       .names = (const char *const[]){NULL, "own", "cblas"},
                                       .applies = gemm_applies,
                                       .standard = gemm_standard},
               [PDESSM_LINEAR_PRODUCT] = {.name = "product",
                                          .candidate = {OWN_32, OWN_64, OWN_128, CLBLAST},
                                          .names = (const char *const[]){NULL, "own-32", "own-64",
                                                                         "own-128", "clblast"},
                                          .applies = product_applies,
                                          .standard = product_standard},
               [PDESSM_LINEAR_ROWS] = {.name = "rows",
                                       .candidate = {4, 6, 8, 10, 12, 14},
                                       .applies = rows_apply,
                                       .standard = rows_standard}},
};

static int64_t product_of(const pdessm_call *call, const pdessm_launcher *l) {
    pdessm_site site = site_of(call, l);
    return pdessm_choose(&site, PDESSM_LINEAR_PRODUCT);
}

/* Rows of an item's tile (CPU form), side of a group's (GPU form). */
static int64_t tile_rows(const pdessm_call *call, const pdessm_launcher *l) {
    pdessm_site site = site_of(call, l);
    if (cpu_form(l))
        return pdessm_choose(&site, PDESSM_LINEAR_ROWS);
    int64_t product = product_of(call, l);
    return product == OWN_32 ? 32 : product == OWN_128 ? 128 : GPU_TILE;
}

/* Build options of all kernels of a call: one program. NULL for the standard. */
static const char *options_of(const pdessm_call *call, const pdessm_launcher *l) {
    switch (tile_rows(call, l)) {
    case 4:
        return "-DROWS=4";
    case 6:
        return "-DROWS=6";
    case 10:
        return "-DROWS=10";
    case 12:
        return "-DROWS=12";
    case 14:
        return "-DROWS=14";
    case 32:
        return "-DTILE=32";
    case 128:
        return "-DTILE=128";
    default:
        return NULL;
    }
}

/* ------------------------------------------------------------------ the device's own products */

static pdessm_status product(const pdessm_launcher *l, const pdessm_call *call,
                             const pdessm_gemm *gemm) {
    if (product_of(call, l) != CLBLAST)
        return PDESSM_ERROR_UNSUPPORTED;
    return l->backend->gemm(l->state, call, gemm);
}

/* y_p = x weight_p^T, without the bias. */
static pdessm_status gemm_y(const pdessm_call *call, const pdessm_launcher *l, struct sizes s) {
    pdessm_status status = PDESSM_OK;
    for (int64_t p = 0; p < s.parts && status == PDESSM_OK; p++)
        status = product(l, call,
                         &(pdessm_gemm){.transpose_b = 1,
                                        .m = s.m,
                                        .n = s.width,
                                        .k = s.k,
                                        .alpha = 1,
                                        .a = call->operand[X],
                                        .b = call->operand[WEIGHT],
                                        .c = call->operand[Y],
                                        .b_offset = p * s.width * s.k,
                                        .c_offset = p * s.m * s.width,
                                        .lda = s.k,
                                        .ldb = s.k,
                                        .ldc = s.width});
    return status;
}

/* dx [+]= sum over p of dy_p weight_p */
static pdessm_status gemm_dx(const pdessm_call *call, const pdessm_launcher *l, struct sizes s) {
    pdessm_status status = PDESSM_OK;
    for (int64_t p = 0; p < s.parts && status == PDESSM_OK; p++)
        status = product(l, call,
                         &(pdessm_gemm){.m = s.m,
                                        .n = s.k,
                                        .k = s.width,
                                        .alpha = 1,
                                        .beta = adds(call, X) || p > 0 ? 1 : 0,
                                        .a = call->gradient[Y],
                                        .b = call->operand[WEIGHT],
                                        .c = call->gradient[X],
                                        .a_offset = p * s.m * s.width,
                                        .b_offset = p * s.width * s.k,
                                        .lda = s.width,
                                        .ldb = s.k,
                                        .ldc = s.k});
    return status;
}

/* dweight_p [+]= dy_p^T x */
static pdessm_status gemm_dweight(const pdessm_call *call, const pdessm_launcher *l,
                                  struct sizes s) {
    pdessm_status status = PDESSM_OK;
    for (int64_t p = 0; p < s.parts && status == PDESSM_OK; p++)
        status = product(l, call,
                         &(pdessm_gemm){.transpose_a = 1,
                                        .m = s.width,
                                        .n = s.k,
                                        .k = s.m,
                                        .alpha = 1,
                                        .beta = adds(call, WEIGHT) ? 1 : 0,
                                        .a = call->gradient[Y],
                                        .b = call->operand[X],
                                        .c = call->gradient[WEIGHT],
                                        .a_offset = p * s.m * s.width,
                                        .c_offset = p * s.width * s.k,
                                        .lda = s.width,
                                        .ldb = s.k,
                                        .ldc = s.k});
    return status;
}

/* ------------------------------------------------------------------ our kernels: cl/linear.cl */

/* Rows of x and dy that one slice of a sum over tokens takes at least, and the most slices. */
enum { SLICE_ROWS = 128, CPU_SLICE_ROWS = 256, MOST_SLICES = 64, SLICES_FLOATS = 1 << 22 };

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* A launch over tiles of `batch` matrices of rows x columns; scalars: m, n, k, width, slices. */
static pdessm_kernel tiles(const pdessm_call *call, const pdessm_launcher *l, const char *name,
                           struct sizes s, int64_t rows, int64_t columns, int64_t batch) {
    int64_t tile = tile_rows(call, l);
    pdessm_kernel kernel = {
        .name = name,
        .options = options_of(call, l),
        .dims = 3,
        .scalar_count = 4,
        .scalar = {scalar_int(s.m), scalar_int(s.n), scalar_int(s.k), scalar_int(s.width)},
    };
    kernel.global[2] = (size_t)batch;
    kernel.local[2] = 1;
    if (cpu_form(l)) {
        kernel.global[0] = (size_t)ceil_div(rows, tile);
        kernel.global[1] = (size_t)ceil_div(columns, CPU_COLUMNS);
        kernel.local[0] = kernel.local[1] = 1;
    } else {
        kernel.global[0] = (size_t)(ceil_div(columns, tile) * GPU_SIDE);
        kernel.global[1] = (size_t)(ceil_div(rows, tile) * GPU_SIDE);
        kernel.local[0] = kernel.local[1] = GPU_SIDE;
    }
    return kernel;
}

/* The forward product on a CPU wants weight^T, so that vectors run along the outputs. */
static pdessm_status own_y(const pdessm_call *call, const pdessm_launcher *l, struct sizes s) {
    pdessm_status status = PDESSM_OK;
    pdessm_kernel forward = tiles(call, l, "linear_forward", s, s.m, s.width, s.parts);
    if (cpu_form(l)) {
        forward.scratch_bytes = (size_t)(s.n * s.k) * sizeof(float);
        pdessm_kernel transpose = {
            .name = "linear_transpose",
            .options = options_of(call, l),
            .dims = 1,
            .global = {(size_t)s.k},
            .scratch_bytes = forward.scratch_bytes,
            .scalar_count = 2,
            .scalar = {scalar_int(s.n), scalar_int(s.k)},
        };
        PDESSM_TRY(launch(l, call, &transpose));
    }
    PDESSM_TRY(launch(l, call, &forward));
out:
    return status;
}

/* Into how many slices the rows are cut for dweight: on a CPU so that a slice of x stays in its
 * cache, elsewhere so that `tasks` pieces of work for each slice keep the device busy; in both
 * cases so that the partial sums stay small. The same on every run of one device: results repeat.
 */
static int64_t slices_for(const pdessm_launcher *l, struct sizes s, int64_t tasks) {
    int64_t wanted = ceil_div(cpu_form(l) ? s.m : 4 * (int64_t)l->info->compute_units,
                              cpu_form(l) ? CPU_SLICE_ROWS : tasks);
    int64_t most = ceil_div(s.m, SLICE_ROWS), room = SLICES_FLOATS / (s.n * s.k);
    most = most < MOST_SLICES ? most : MOST_SLICES;
    most = most < room ? most : room;
    wanted = wanted < most ? wanted : most;
    return wanted > 1 ? wanted : 1;
}

/* Launches a kernel that leaves partial sums [slices, floats] in scratch, and one that adds them
 * up in order. */
static pdessm_status launch_sums(const pdessm_call *call, const pdessm_launcher *l,
                                 pdessm_kernel *partial, const char *add_up, int64_t slices,
                                 int64_t floats) {
    pdessm_status status = PDESSM_OK;
    partial->scalar[partial->scalar_count++] = scalar_int(slices);
    partial->scratch_bytes = (size_t)(slices * floats) * sizeof(float);
    PDESSM_TRY(launch(l, call, partial));
    PDESSM_TRY(launch(l, call,
                      &(pdessm_kernel){.name = add_up,
                                       .options = options_of(call, l),
                                       .dims = 1,
                                       .global = {(size_t)floats},
                                       .scratch_bytes = partial->scratch_bytes,
                                       .scalar_count = 2,
                                       .scalar = {scalar_int(floats), scalar_int(slices)}}));
out:
    return status;
}

static pdessm_status own_dweight(const pdessm_call *call, const pdessm_launcher *l,
                                 struct sizes s) {
    int64_t height = tile_rows(call, l), width = cpu_form(l) ? CPU_COLUMNS : height;
    int64_t tasks = ceil_div(s.width, height) * ceil_div(s.k, width) * s.parts;
    int64_t slices = slices_for(l, s, tasks);
    pdessm_kernel partial = tiles(call, l, "linear_dweight", s, s.width, s.k, s.parts * slices);
    return launch_sums(call, l, &partial, "linear_dweight_sum", slices, s.n * s.k);
}

static pdessm_status own_dbias(const pdessm_call *call, const pdessm_launcher *l, struct sizes s) {
    int64_t slices =
        ceil_div(s.m, SLICE_ROWS) < MOST_SLICES ? ceil_div(s.m, SLICE_ROWS) : (int64_t)MOST_SLICES;
    pdessm_kernel partial = {
        .name = "linear_dbias",
        .options = options_of(call, l),
        .dims = 2,
        .global = {(size_t)(cpu_form(l) ? ceil_div(s.width, 16) * s.parts : s.n), (size_t)slices},
        .scalar_count = 3,
        .scalar = {scalar_int(s.m), scalar_int(s.n), scalar_int(s.width)},
    };
    return launch_sums(call, l, &partial, "linear_dbias_sum", slices, s.n);
}

/* ------------------------------------------------------------------ launch */

pdessm_status pdessm_linear_launch_forward(const pdessm_call *call, const pdessm_launcher *l) {
    struct sizes s = sizes_of(call);
    pdessm_status status = gemm_y(call, l, s);
    if (status == PDESSM_ERROR_UNSUPPORTED)
        return own_y(call, l, s);
    if (status != PDESSM_OK || !call->operand[BIAS])
        return status;
    return launch(l, call,
                  &(pdessm_kernel){.name = "linear_add_bias",
                                   .options = options_of(call, l),
                                   .dims = 2,
                                   .global = {(size_t)s.width, (size_t)(s.m * s.parts)},
                                   .scalar_count = 2,
                                   .scalar = {scalar_int(s.m), scalar_int(s.width)}});
}

pdessm_status pdessm_linear_launch_backward(const pdessm_call *call, const pdessm_launcher *l) {
    struct sizes s = sizes_of(call);
    pdessm_status status = PDESSM_OK;
    /* First, for it has one way only: a refusal now leaves nothing half added up. */
    if (call->gradient[BIAS])
        status = own_dbias(call, l, s);
    if (status == PDESSM_OK && call->gradient[X]) {
        status = gemm_dx(call, l, s);
        if (status == PDESSM_ERROR_UNSUPPORTED) {
            pdessm_kernel dx = tiles(call, l, "linear_dx", s, s.m, s.k, 1);
            status = launch(l, call, &dx);
        }
    }
    if (status == PDESSM_OK && call->gradient[WEIGHT]) {
        status = gemm_dweight(call, l, s);
        if (status == PDESSM_ERROR_UNSUPPORTED)
            status = own_dweight(call, l, s);
    }
    return status;
}
