/* SPDX-License-Identifier: MIT */
/* linear.c: fully connected layers, y = x weight^T + bias, whose outputs may lie in several slices.
 */
#include "device/blas.h"
#include "ops/op_support.h"

enum { X, WEIGHT, BIAS, Y };

/* x as [m, k], weight as [n, k], y as [parts, m, n/parts]. */
struct sizes {
    int64_t m, n, k, parts, width;
};

static int64_t parts_of(const pdessm_call *call) {
    return call->attribute[0] > 1 ? (int64_t)call->attribute[0] : 1;
}

static struct sizes sizes_of(const pdessm_call *call) {
    struct sizes s = {.parts = parts_of(call)};
    s.k = pdessm_extent(call->operand[X], 1);
    s.m = count(call, X) / s.k;
    s.n = pdessm_extent(call->operand[WEIGHT], 2);
    s.width = s.n / s.parts;
    return s;
}

static pdessm_shape shape_of_y(const pdessm_call *call, int64_t parts, int64_t n) {
    const pdessm_tensor *x = call->operand[X];
    pdessm_shape y = {.dtype = PDESSM_FLOAT32};
    if (parts > 1)
        y.dims[y.rank++] = parts;
    for (int i = 0; i + 1 < x->rank; i++)
        y.dims[y.rank++] = x->dims[i];
    y.dims[y.rank++] = n / parts;
    return y;
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    const pdessm_tensor *x = call->operand[X], *weight = call->operand[WEIGHT];
    const pdessm_tensor *bias = call->operand[BIAS];
    pdessm_status status = PDESSM_OK;
    int64_t k = pdessm_extent(x, 1), parts = parts_of(call), n;
    PDESSM_REQUIRE(ctx, weight->rank == 2 && weight->dims[1] == k, PDESSM_ERROR_SHAPE,
                   "linear: operand weight is %s, expected [outputs, %lld] to fit x %s",
                   pdessm_tensor_shape(weight).text, (long long)k, pdessm_tensor_shape(x).text);
    n = weight->dims[0];
    PDESSM_REQUIRE(ctx, !bias || (bias->rank == 1 && bias->dims[0] == n), PDESSM_ERROR_SHAPE,
                   "linear: operand bias is %s, expected [%lld] to fit weight %s",
                   pdessm_tensor_shape(bias).text, (long long)n, pdessm_tensor_shape(weight).text);
    PDESSM_REQUIRE(ctx, call->attribute[0] < 2 || call->attribute[0] == (double)parts,
                   PDESSM_ERROR_ARGUMENT, "linear: parts = %g, expected a whole number",
                   call->attribute[0]);
    PDESSM_REQUIRE(
        ctx, n % parts == 0, PDESSM_ERROR_SHAPE,
        "linear: weight %s gives %lld outputs, which cannot be cut into %lld equal parts",
        pdessm_tensor_shape(weight).text, (long long)n, (long long)parts);
    PDESSM_REQUIRE(ctx, parts == 1 || x->rank < PDESSM_MAX_RANK, PDESSM_ERROR_SHAPE,
                   "linear: x %s has rank %d, expected at most %d when the output has %lld parts",
                   pdessm_tensor_shape(x).text, x->rank, PDESSM_MAX_RANK - 1, (long long)parts);
    ret[Y] = shape_of_y(call, parts, n);
out:
    return status;
}

/* ------------------------------------------------------------------ choices */

enum { GEMM, PRODUCT, TILE };
enum { OWN = 1, LIBRARY = 2 };

/* Extents rounded up to powers of two; 1024 rows and more are one class. */
static void classify(const pdessm_call *call, int64_t ret[PDESSM_CLASS_EXTENTS]) {
    struct sizes s = sizes_of(call);
    const int64_t extent[] = {s.m < 1024 ? s.m : 1024, s.width, s.k};
    for (int i = 0; i < 3; i++)
        for (ret[i] = 1; ret[i] < extent[i];)
            ret[i] *= 2;
}

static int gemm_applies(const pdessm_site *site, int64_t value) {
    return site->host && (value == OWN || site->host->blas);
}

static int64_t gemm_standard(const pdessm_site *site) {
    return site->host && site->host->blas_is_standard ? LIBRARY : OWN;
}

/* No choice on CPU devices, which CLBlast is not for: see gemm.c of the OpenCL module. */
static int product_applies(const pdessm_site *site, int64_t value) {
    (void)value;
    return site->info && site->info->kind != PDESSM_DEVICE_OPENCL_CPU;
}

static int64_t product_standard(const pdessm_site *site) {
    (void)site;
    return LIBRARY;
}

static const pdessm_tunable tunable = {
    .classify = classify,
    .count = 2,
    .choice = {[GEMM] = {.name = "gemm",
                         .candidate = {OWN, LIBRARY},
                         .names = (const char *const[]){NULL, "own", "cblas"},
                         .applies = gemm_applies,
                         .standard = gemm_standard},
               [PRODUCT] = {.name = "product",
                            .candidate = {OWN, LIBRARY},
                            .names = (const char *const[]){NULL, "own", "clblast"},
                            .applies = product_applies,
                            .standard = product_standard}},
};

/* ------------------------------------------------------------------ plain C */

static int uses_cblas(const pdessm_call *call, const pdessm_host *host) {
    pdessm_site site = host_site(call, host);
    return pdessm_choose(&site, GEMM) == LIBRARY;
}

static pdessm_linear_job host_linear(const pdessm_call *call, const pdessm_host *host) {
    struct sizes s = sizes_of(call);
    return (pdessm_linear_job){.m = s.m,
                               .n = s.n,
                               .k = s.k,
                               .parts = s.parts,
                               .sgemm = uses_cblas(call, host) ? host->blas->sgemm : NULL};
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    struct sizes s = sizes_of(call);
    int back = call->pass == PDESSM_BACKWARD;
    double product = 2.0 * (double)s.m * (double)s.n * (double)s.k;
    double touched = (double)(s.m * s.k) + (double)(s.n * s.k) + (double)(s.m * s.n);
    int products = back ? !!call->gradient[X] + !!call->gradient[WEIGHT] : 1;
    pdessm_linear_job l = host_linear(call, host);
    *ret = (pdessm_cost){.flops = products * product,
                         .bytes = 4 * products * touched,
                         .host_scratch = host->fallback->linear_scratch(&l, back)};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    pdessm_linear_job l = host_linear(call, host);
    l.x = data(call, X);
    l.weight = data(call, WEIGHT);
    l.bias = data(call, BIAS);
    host->fallback->linear_forward(host->pool, &l, data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    pdessm_linear_job l = host_linear(call, host);
    l.x = data(call, X);
    l.weight = data(call, WEIGHT);
    const pdessm_linear_gradients to = {
        .x = grad(call, X),
        .weight = grad(call, WEIGHT),
        .bias = grad(call, BIAS),
        .add_x = adds(call, X),
        .add_weight = adds(call, WEIGHT),
        .add_bias = adds(call, BIAS),
    };
    host->fallback->linear_backward(host->pool, &l, grad(call, Y), &to);
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ the device's own products */

static pdessm_status product(const pdessm_launcher *l, const pdessm_call *call,
                             const pdessm_gemm *gemm) {
    pdessm_site site = site_of(call, l);
    if (pdessm_choose(&site, PRODUCT) == OWN)
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

/* Output tile of one work-group (GPU form, 16 x 16 items) or of one item (CPU form). */
enum { GPU_TILE = 64, GPU_SIDE = 16, CPU_ROWS = 8, CPU_COLUMNS = 32 };
/* Rows of x and dy that one slice of a sum over tokens takes at least, and the most slices. */
enum { SLICE_ROWS = 128, CPU_SLICE_ROWS = 256, MOST_SLICES = 64, SLICES_FLOATS = 1 << 22 };

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* A launch over tiles of `batch` matrices of rows x columns; scalars: m, n, k, width, slices. */
static pdessm_kernel tiles(const pdessm_launcher *l, const char *name, struct sizes s, int64_t rows,
                           int64_t columns, int64_t batch) {
    pdessm_kernel kernel = {
        .name = name,
        .dims = 3,
        .scalar_count = 4,
        .scalar = {scalar_int(s.m), scalar_int(s.n), scalar_int(s.k), scalar_int(s.width)},
    };
    kernel.global[2] = (size_t)batch;
    kernel.local[2] = 1;
    if (cpu_form(l)) {
        kernel.global[0] = (size_t)ceil_div(rows, CPU_ROWS);
        kernel.global[1] = (size_t)ceil_div(columns, CPU_COLUMNS);
        kernel.local[0] = kernel.local[1] = 1;
    } else {
        kernel.global[0] = (size_t)(ceil_div(columns, GPU_TILE) * GPU_SIDE);
        kernel.global[1] = (size_t)(ceil_div(rows, GPU_TILE) * GPU_SIDE);
        kernel.local[0] = kernel.local[1] = GPU_SIDE;
    }
    return kernel;
}

/* The forward product on a CPU wants weight^T, so that vectors run along the outputs. */
static pdessm_status own_y(const pdessm_call *call, const pdessm_launcher *l, struct sizes s) {
    pdessm_status status = PDESSM_OK;
    pdessm_kernel forward = tiles(l, "linear_forward", s, s.m, s.width, s.parts);
    if (cpu_form(l)) {
        forward.scratch_bytes = (size_t)(s.n * s.k) * sizeof(float);
        pdessm_kernel transpose = {
            .name = "linear_transpose",
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
    int64_t height = cpu_form(l) ? CPU_ROWS : GPU_TILE,
            width = cpu_form(l) ? CPU_COLUMNS : GPU_TILE;
    int64_t tasks = ceil_div(s.width, height) * ceil_div(s.k, width) * s.parts;
    int64_t slices = slices_for(l, s, tasks);
    pdessm_kernel partial = tiles(l, "linear_dweight", s, s.width, s.k, s.parts * slices);
    return launch_sums(call, l, &partial, "linear_dweight_sum", slices, s.n * s.k);
}

static pdessm_status own_dbias(const pdessm_call *call, const pdessm_launcher *l, struct sizes s) {
    int64_t slices =
        ceil_div(s.m, SLICE_ROWS) < MOST_SLICES ? ceil_div(s.m, SLICE_ROWS) : (int64_t)MOST_SLICES;
    pdessm_kernel partial = {
        .name = "linear_dbias",
        .dims = 2,
        .global = {(size_t)(cpu_form(l) ? ceil_div(s.width, 16) * s.parts : s.n), (size_t)slices},
        .scalar_count = 3,
        .scalar = {scalar_int(s.m), scalar_int(s.n), scalar_int(s.width)},
    };
    return launch_sums(call, l, &partial, "linear_dbias_sum", slices, s.n);
}

/* ------------------------------------------------------------------ launch */

static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *l) {
    struct sizes s = sizes_of(call);
    pdessm_status status = gemm_y(call, l, s);
    if (status == PDESSM_ERROR_UNSUPPORTED)
        return own_y(call, l, s);
    if (status != PDESSM_OK || !call->operand[BIAS])
        return status;
    return launch(l, call,
                  &(pdessm_kernel){.name = "linear_add_bias",
                                   .dims = 2,
                                   .global = {(size_t)s.width, (size_t)(s.m * s.parts)},
                                   .scalar_count = 2,
                                   .scalar = {scalar_int(s.m), scalar_int(s.width)}});
}

static pdessm_status launch_backward(const pdessm_call *call, const pdessm_launcher *l) {
    struct sizes s = sizes_of(call);
    pdessm_status status = PDESSM_OK;
    /* First, for it has one way only: a refusal now leaves nothing half added up. */
    if (call->gradient[BIAS])
        status = own_dbias(call, l, s);
    if (status == PDESSM_OK && call->gradient[X]) {
        status = gemm_dx(call, l, s);
        if (status == PDESSM_ERROR_UNSUPPORTED) {
            pdessm_kernel dx = tiles(l, "linear_dx", s, s.m, s.k, 1);
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

const pdessm_descriptor pdessm_descriptor_linear = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_forward, launch_backward},
    .tunable = &tunable,
};
