/* SPDX-License-Identifier: MIT */
/* timestep_embedding.c: t [batch] to e [batch, width] = [cos(1000 t f), sin(1000 t f)],
 * f_q = 10000^(-q/half), half = width/2. */
#include <math.h>

#include "ops/op_support.h"

enum { T, E };
enum { USUAL_WIDTH = 256, DEVICE_BITS = 7 };

static int64_t half(const pdessm_call *call) {
    return call->attribute[0] == 0 ? USUAL_WIDTH / 2 : (int64_t)call->attribute[0] / 2;
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    double width = call->attribute[0];
    if (call->operand[T]->rank != 1)
        return refuse_shape(ctx, call, T, "[batch]");
    PDESSM_REQUIRE(ctx, width == 0 || (width >= 2 && width <= 65536 && fmod(width, 2) == 0),
                   PDESSM_ERROR_ARGUMENT,
                   "timestep_embedding: attribute width is %g, expected an even number up to "
                   "65536, or 0 for %d",
                   width, USUAL_WIDTH);
    ret[E] = float_shape(2, (const int64_t[]){call->operand[T]->dims[0], 2 * half(call)});
out:
    return status;
}

static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    (void)host;
    double n = (double)(count(call, T) * half(call));
    *ret = (pdessm_cost){.flops = 40 * n, .bytes = 8 * n};
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    host->fallback->timestep_embedding_forward(host->pool, count(call, T), half(call),
                                               data(call, T), data(call, E));
    return PDESSM_OK;
}

/* Devices need not have double: the kernel multiplies 1000/(2 pi) by 10000^(-2^k/half) for each bit
 * k of q, every factor a sum of two floats. */
static pdessm_status launch_forward(const pdessm_call *call, const pdessm_launcher *launcher) {
    int64_t h = half(call), n = count(call, T) * h;
    if (h > 1 << DEVICE_BITS)
        return pdessm_fail(launcher->ctx, PDESSM_ERROR_UNSUPPORTED,
                           "timestep_embedding: its kernel ends at width %d, %lld was asked for",
                           2 << DEVICE_BITS, (long long)(2 * h));
    pdessm_kernel kernel = {.name = "timestep_embedding_forward",
                            .dims = 1,
                            .global = {(size_t)n},
                            .scalar_count = 2 + 2 * DEVICE_BITS,
                            .scalar = {scalar_int(n), scalar_int(h)}};
    for (int k = 0; k < DEVICE_BITS; k++) {
        double factor = pow(10000.0, -(double)(1 << k) / (double)h);
        float high = (float)factor;
        kernel.scalar[2 + 2 * k] = scalar_float((double)high);
        kernel.scalar[3 + 2 * k] = scalar_float(factor - (double)high);
    }
    return launch(launcher, call, &kernel);
}

/* Times in [0, 1], and further out; usual and other widths. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    const int far = pdessm_draw_coin(k, 0);
    int64_t rows = size->batch * pdessm_case_tokens(size);
    PDESSM_SET(k, T, UNIFORM, far ? 40 : 1, pdessm_draw_extent(k, rows, 1, 100));
    k->operand[T].offset = far ? -20 : 0;
    k->attribute[0] =
        pdessm_draw_coin(k, 1) ? 0 : 2 * (double)pdessm_draw_extent(k, USUAL_WIDTH / 2, 1, 128);
    k->copied = E;
}

const pdessm_descriptor pdessm_descriptor_timestep_embedding = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, NULL},
    .launch = {launch_forward, NULL},
    .draw = draw,
};

pdessm_tensor *pdessm_timestep_embedding(pdessm_tape *tape, pdessm_tensor *t) {
    return RECORD_WITH(timestep_embedding, ATTRIBUTES(256), t);
}
