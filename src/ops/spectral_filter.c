/* SPDX-License-Identifier: MIT */
/* spectral_filter.c: y = irfft2(G rfft2(u)), channels last, G given on the half spectrum. */
#include <math.h>

#include "ops/op_support.h"
#include "ops/spectral_filter_plan.h"

enum { U = PDESSM_FILTER_U, SYMBOL = PDESSM_FILTER_SYMBOL, Y = PDESSM_FILTER_Y };

typedef pdessm_filter_extents extents;

static extents extents_of(const pdessm_call *call) {
    return pdessm_filter_extents_of(call);
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    pdessm_status status = PDESSM_OK;
    if (call->operand[U]->rank != 4)
        return refuse_shape(ctx, call, U, "[batch, height, width, channels]");
    extents e = extents_of(call);
    PDESSM_TRY(expect_shape(ctx, call, SYMBOL, 4, (int64_t[]){e.height, e.half, e.channels, 2},
                            "[height, width/2 + 1, channels, 2] of u"));
    ret[Y] = shape_of(call->operand[U]);
out:
    return status;
}

/* A complex transform of M = HW points counts 5 M log2 M operations and serves two channels; there
 * are two of them forward and three backward. The multiply costs 6 a mode and channel, the
 * correlation 8. */
static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    extents e = extents_of(call);
    int back = call->pass == PDESSM_BACKWARD;
    double points = (double)(e.height * e.width), planes = (double)(e.batch * e.channels);
    double symbol = (double)(e.height * e.half * e.channels * 2);
    int workers = pdessm_pool_workers(host->pool);
    *ret = (pdessm_cost){
        .flops = planes * points * ((back ? 7.5 : 5) * log2(points) + (back ? 14 : 6)),
        .bytes = 4 * (planes * points * (back ? 3 : 2) + symbol * (back ? 2 : 1)),
        .host_scratch = host->fallback->spectral_filter_scratch(e.batch, e.height, e.width,
                                                                e.channels, back, workers),
    };
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    extents e = extents_of(call);
    host->fallback->spectral_filter_forward(host->pool, e.batch, e.height, e.width, e.channels,
                                            data(call, U), data(call, SYMBOL), data(call, Y));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    extents e = extents_of(call);
    host->fallback->spectral_filter_backward(
        host->pool, e.batch, e.height, e.width, e.channels, data(call, U), data(call, SYMBOL),
        grad(call, Y), grad(call, U), grad(call, SYMBOL), adds(call, U), adds(call, SYMBOL));
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ one pass over memory */

typedef pdessm_filter_plan fused;

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static pdessm_status fused_tables(const pdessm_call *call, const pdessm_launcher *launcher,
                                  const fused *f) {
    extents e = extents_of(call);
    int back = call->pass == PDESSM_BACKWARD;
    return launch(launcher, call,
                  &(pdessm_kernel){.name = back ? "spectral_filter_tables_backward"
                                                : "spectral_filter_tables_forward",
                                   .options = f->options,
                                   .dims = 1,
                                   .global = {(size_t)(e.height > e.width ? e.height : e.width)},
                                   .scratch_bytes = f->scratch_bytes});
}

static pdessm_status fused_pass(const pdessm_call *call, const pdessm_launcher *launcher,
                                const fused *f) {
    extents e = extents_of(call);
    pdessm_status status = PDESSM_OK;
    int back = call->pass == PDESSM_BACKWARD;
    pdessm_kernel pass = {
        .name = back ? "spectral_filter_backward" : "spectral_filter_forward",
        .options = f->options,
        .dims = 2,
        .global = {(size_t)(f->tiles * f->group), (size_t)(back ? f->parts : e.batch)},
        .local = {(size_t)f->group, 1},
        .scratch_bytes = f->scratch_bytes,
        .scalar_count = back ? 3 : 1,
        .scalar = {scalar_int(e.channels), scalar_int(e.batch), scalar_int(f->parts)},
    };
    PDESSM_TRY(fused_tables(call, launcher, f));
    PDESSM_TRY(launch(launcher, call, &pass));
    if (!back || !call->gradient[SYMBOL])
        goto out;
    PDESSM_TRY(launch(launcher, call,
                      &(pdessm_kernel){.name = "spectral_filter_reduce",
                                       .options = f->options,
                                       .dims = 2,
                                       .global = {(size_t)e.channels, (size_t)(e.height * e.half)},
                                       .scratch_bytes = f->scratch_bytes,
                                       .scalar_count = 3,
                                       .scalar = {scalar_int(e.channels), scalar_int(f->parts),
                                                  scalar_int(f->tiles)}}));
out:
    return status;
}

/* ------------------------------------------------------------------ spectra in global memory */

/* Spectra stand in the scratch buffer behind the roots of unity. */
typedef struct spectra {
    const pdessm_call *call;
    const pdessm_launcher *launcher;
    extents e;
    int64_t base, size; /* floats */
    size_t scratch_bytes;
    int library; /* the device's own transforms do this grid */
} spectra;

static spectra plan_spectra(const pdessm_call *call, const pdessm_launcher *launcher) {
    extents e = extents_of(call);
    spectra s = {.call = call, .launcher = launcher, .e = e, .library = 1};
    s.base = divide_up(2 * (e.height + e.width), 64) * 64;
    s.size = e.batch * e.height * e.half * e.channels * 2;
    s.scratch_bytes = (size_t)(s.base + 3 * s.size) * sizeof(float);
    return s;
}

/* spectral_filter_STEP_PASS over (channels, places, lines), with whole numbers a and b (count of
 * them) and a sign behind. */
static pdessm_status step(const spectra *s, const char *name, int64_t places, int64_t lines,
                          int count, int a, int b, double sign) {
    char full[64];
    int64_t lanes = cpu_form(s->launcher) ? 16 : 1;
    int back = s->call->pass == PDESSM_BACKWARD;
    snprintf(full, sizeof full, "spectral_filter_%s%s", name, back ? "_backward" : "_forward");
    pdessm_kernel kernel = {
        .name = full,
        .options = "-DANY_GRID",
        .dims = 3,
        .global = {(size_t)divide_up(s->e.channels, lanes), (size_t)places, (size_t)lines},
        .scratch_bytes = s->scratch_bytes,
        .scalar_count = 5 + count,
        .scalar = {scalar_int(s->e.batch), scalar_int(s->e.height), scalar_int(s->e.width),
                   scalar_int(s->e.channels), scalar_uint((uint32_t)s->base), scalar_int(a),
                   scalar_int(b), scalar_float(sign)},
    };
    return launch(s->launcher, s->call, &kernel);
}

/* The library's transform between an image and spectrum `number`; from its first refusal on, our
 * own kernels do the work, on the same spectra. */
static pdessm_status library_transform(spectra *s, const pdessm_tensor *image, int number,
                                       int inverse) {
    const pdessm_backend *backend = s->launcher->backend;
    if (!s->library)
        return PDESSM_ERROR_UNSUPPORTED;
    pdessm_fft fft = {.batch = s->e.batch,
                      .height = s->e.height,
                      .width = s->e.width,
                      .channels = s->e.channels,
                      .inverse = inverse,
                      .real = image,
                      .spectrum_offset = (size_t)(s->base + number * s->size) * sizeof(float)};
    pdessm_status status = backend->fft(s->launcher->state, s->call, &fft);
    s->library = status == PDESSM_OK;
    return status;
}

/* An image, u or dy, to spectrum `to`; spectrum 2 is lost. */
static pdessm_status transform(spectra *s, const pdessm_tensor *image, int of_u, int to) {
    const extents *e = &s->e;
    pdessm_status status = library_transform(s, image, to, 0);
    if (status != PDESSM_ERROR_UNSUPPORTED)
        return status;
    PDESSM_TRY(step(s, "rows", e->half, e->batch * e->height, 2, 2, of_u, 0));
    PDESSM_TRY(step(s, "columns", e->height, e->batch * e->half, 3, 2, to, 1));
out:
    return status;
}

/* Spectrum 0 to the result; spectrum 2 is lost. The library cannot add. */
static pdessm_status transform_back(spectra *s, const pdessm_tensor *image, int add) {
    const extents *e = &s->e;
    pdessm_status status = PDESSM_ERROR_UNSUPPORTED;
    if (!add)
        status = library_transform(s, image, 0, 1);
    if (status != PDESSM_ERROR_UNSUPPORTED)
        return status;
    PDESSM_TRY(step(s, "columns", e->height, e->batch * e->half, 3, 0, 2, -1));
    PDESSM_TRY(step(s, "rows_back", e->width, e->batch * e->height, 1, 2, 0, 0));
out:
    return status;
}

static pdessm_status spectra_pass(spectra *s) {
    const pdessm_call *call = s->call;
    const extents *e = &s->e;
    pdessm_status status = PDESSM_OK;
    int back = call->pass == PDESSM_BACKWARD;
    PDESSM_TRY(step(s, "roots", e->height + e->width, 1, 0, 0, 0, 0));
    PDESSM_TRY(transform(s, back ? call->gradient[Y] : call->operand[U], !back, 0));
    if (back && call->gradient[SYMBOL]) {
        PDESSM_TRY(transform(s, call->operand[U], 1, 1));
        PDESSM_TRY(step(s, "correlate", e->height * e->half, 1, 2, 1, 0, 0));
    }
    if (back && !call->gradient[U])
        goto out;
    PDESSM_TRY(step(s, "multiply", e->height * e->half, e->batch, 1, 0, 0, 0));
    PDESSM_TRY(
        transform_back(s, back ? call->gradient[U] : call->operand[Y], back && adds(call, U)));
out:
    return status;
}

/* Fused if a plane fits; else the device's library; else by the definition. */
static pdessm_status launch_pass(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_status status = PDESSM_ERROR_UNSUPPORTED;
    pdessm_site site = site_of(call, launcher);
    fused f;
    if (pdessm_filter_plan_make(&site, &f))
        status = fused_pass(call, launcher, &f);
    if (status != PDESSM_ERROR_UNSUPPORTED)
        return status;
    spectra s = plan_spectra(call, launcher);
    return spectra_pass(&s);
}

/* Grids of every parity, lines, primes, and primes too long for a radix; symbols that are not
 * Hermitian where a column is its own mirror image. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    static const int64_t special[] = {11, 13, 17, 29, 31, 37, 41, 49, 54, 61};
    const int64_t kind = pdessm_draw_whole(k, 3, 0, 6), most = kind == 2 ? 40 : 20;
    int64_t h = pdessm_draw_extent(k, size->height, 1, kind == 1 ? 4 : most);
    int64_t w = pdessm_draw_extent(k, size->width, 1, kind == 0 ? 4 : most);
    if (kind == 0) /* a long or awkward line, in one dimension at a time */
        h = special[pdessm_draw_whole(k, 0, 0, 9)];
    if (kind == 1)
        w = special[pdessm_draw_whole(k, 0, 0, 9)];
    int64_t b = pdessm_draw_extent(k, size->batch, 1, kind == 2 ? 2 : 9);
    int64_t most_channels = kind == 2 ? 7 : h * w > 100 ? 34 : 100;
    int64_t c = pdessm_draw_extent(k, size->channels, 1, most_channels);
    PDESSM_SET(k, U, NORMAL, 1, b, h, w, c);
    PDESSM_SET(k, SYMBOL, NORMAL, 1, h, w / 2 + 1, c, 2);
    /* Butterflies of radix 2 to 8 add fewer; primes add p at a time, Bluestein three transforms. */
    k->terms = 4 * (h + w) + 8 * b;
}

const pdessm_descriptor pdessm_descriptor_spectral_filter = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_pass, launch_pass},
    .tunable = &pdessm_filter_tunable,
    .draw = draw,
};

pdessm_tensor *pdessm_spectral_filter(pdessm_tape *tape, pdessm_tensor *u, pdessm_tensor *symbol) {
    return RECORD(spectral_filter, u, symbol);
}
