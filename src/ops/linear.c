/* SPDX-License-Identifier: MIT */
/* linear.c: fully connected layers, y = x weight^T + bias, whose outputs may lie in several slices.
 */
#include "device/blas.h"
#include "ops/linear_parts.h"

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

/* ------------------------------------------------------------------ plain C */

static int uses_cblas(const pdessm_call *call, const pdessm_host *host) {
    pdessm_site site = host_site(call, host);
    return pdessm_choose(&site, PDESSM_LINEAR_GEMM) == PDESSM_GEMM_CBLAS;
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

/* Any sizes, one of them large at a time, with and without bias, in one part or several. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    /* Past the register tile (14 x 32), past a block of k (256), past a work-group (64 x 64). */
    const int large = (int)pdessm_draw_whole(k, 0, 0, 3);
    int64_t parts = pdessm_draw_coin(k, 1) ? 1 : pdessm_draw_extent(k, 1, 1, 6);
    int64_t leading = pdessm_draw_extent(k, size->batch, 1, 3);
    int64_t m = pdessm_draw_extent(k, pdessm_case_tokens(size), 1, large == 1 ? 300 : 40);
    int64_t in = pdessm_draw_extent(k, size->channels, 1, large == 2 ? 600 : 70);
    int64_t out = parts * pdessm_draw_extent(k, size->outputs, 1, large == 3 ? 150 : 20);
    if (pdessm_draw_coin(k, 0))
        PDESSM_SET(k, X, NORMAL, 1, leading * m, in);
    else
        PDESSM_SET(k, X, NORMAL, 1, leading, m, in);
    PDESSM_SET(k, WEIGHT, NORMAL, 1, out, in);
    if (pdessm_draw_coin(k, 1))
        PDESSM_SET(k, BIAS, NORMAL, 1, out);
    k->attribute[0] = (double)(parts > 1 ? parts : pdessm_draw_whole(k, 1, 0, 1));
    /* The longest of the sums: over k forwards, over rows or outputs backwards. */
    k->terms = in > out ? in : out;
    k->terms = leading * m > k->terms ? leading * m : k->terms;
}

const pdessm_descriptor pdessm_descriptor_linear = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {pdessm_linear_launch_forward, pdessm_linear_launch_backward},
    .tunable = &pdessm_linear_tunable,
    .draw = draw,
};

pdessm_tensor *pdessm_linear(pdessm_tape *tape, pdessm_tensor *x, pdessm_tensor *weight,
                             pdessm_tensor *bias, int parts) {
    return RECORD_WITH(linear, ATTRIBUTES(parts), x, weight, bias);
}
