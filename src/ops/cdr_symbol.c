/* SPDX-License-Identifier: MIT */
/* cdr_symbol.c: physical coefficients to the multiplier G = D + sum_n w_n exp(l_n) of a grid's half
 * spectrum. Gradients are those of the stored floats of the half spectrum. */
#include "core/names.h"
#include "ops/op_support.h"

PDESSM_DEFINE_NAMES(pdessm_solution, pdessm_solution, PDESSM_SOLUTIONS, "solution")

enum { DIFFUSION, CONVECTION, REACTION, WEIGHT, SKIP, SYMBOL };
enum { HEIGHT, WIDTH, SOLUTION };

/* Beyond this a phase in whole turns is not exact any more (see fallback/cdr_symbol.h). */
static const double LARGEST = 8192;

static pdessm_status check_attributes(pdessm_context *ctx, const pdessm_call *call) {
    pdessm_status status = PDESSM_OK;
    for (int i = HEIGHT; i <= WIDTH; i++)
        PDESSM_REQUIRE(ctx,
                       call->attribute[i] >= 1 && call->attribute[i] <= LARGEST &&
                           call->attribute[i] == (double)(int64_t)call->attribute[i],
                       PDESSM_ERROR_ARGUMENT,
                       "cdr_symbol: %s = %g, expected a whole number from 1 to %g",
                       i == HEIGHT ? "height" : "width", call->attribute[i], LARGEST);
    PDESSM_REQUIRE(ctx, call->attribute[SOLUTION] == 0 || call->attribute[SOLUTION] == 1,
                   PDESSM_ERROR_ARGUMENT,
                   "cdr_symbol: solution = %g, expected 0 (evolve) or 1 (forced)",
                   call->attribute[SOLUTION]);
out:
    return status;
}

static pdessm_status shapes(pdessm_context *ctx, const pdessm_call *call,
                            pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    const pdessm_tensor *r = call->operand[REACTION];
    pdessm_status status = PDESSM_OK;
    if (r->rank != 2)
        return refuse_shape(ctx, call, REACTION, "[channels, states]");
    int64_t c = r->dims[0], s = r->dims[1];
    PDESSM_TRY(expect_shape(ctx, call, DIFFUSION, 3, (int64_t[]){c, s, 3},
                            "kyy, kxy, kxx for each entry of reaction"));
    PDESSM_TRY(expect_shape(ctx, call, CONVECTION, 3, (int64_t[]){c, s, 2},
                            "y and x for each entry of reaction"));
    PDESSM_TRY(expect_like(ctx, call, WEIGHT, REACTION));
    PDESSM_TRY(expect_shape(ctx, call, SKIP, 1, &c, "the channels of reaction"));
    PDESSM_TRY(check_attributes(ctx, call));
    int64_t height = (int64_t)call->attribute[HEIGHT], width = (int64_t)call->attribute[WIDTH];
    ret[SYMBOL] = float_shape(4, (int64_t[]){height, width / 2 + 1, c, 2});
out:
    return status;
}

static pdessm_cdr cdr_of(const pdessm_call *call) {
    const pdessm_tensor *r = call->operand[REACTION];
    return (pdessm_cdr){.channels = r->dims[0],
                        .terms = r->dims[1],
                        .height = (int64_t)call->attribute[HEIGHT],
                        .width = (int64_t)call->attribute[WIDTH],
                        .forced = call->attribute[SOLUTION] == 1};
}

/* About 40 operations for each mode, channel and term (polynomial of exp, products), twice that
 * with phi1; backward the same again for the sums. */
static void cost(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret) {
    pdessm_cdr c = cdr_of(call);
    int back = call->pass == PDESSM_BACKWARD;
    double modes = (double)(c.height * (c.width / 2 + 1));
    double each = (c.forced ? 100 : 40) + (back ? 15 : 0);
    *ret = (pdessm_cost){
        .flops = modes * (double)(c.channels * c.terms) * each,
        .bytes = 4 * (2 * modes * (double)c.channels + 7 * (double)(c.channels * c.terms)),
        .host_scratch = host->fallback->cdr_symbol_scratch(c.terms, c.width),
    };
}

static pdessm_cdr host_cdr(const pdessm_call *call) {
    pdessm_cdr c = cdr_of(call);
    c.diffusion = data(call, DIFFUSION);
    c.convection = data(call, CONVECTION);
    c.reaction = data(call, REACTION);
    c.weight = data(call, WEIGHT);
    c.skip = data(call, SKIP);
    return c;
}

static pdessm_status host_forward(const pdessm_call *call, const pdessm_host *host) {
    pdessm_cdr c = host_cdr(call);
    host->fallback->cdr_symbol_forward(host->pool, &c, data(call, SYMBOL));
    return PDESSM_OK;
}

static pdessm_status host_backward(const pdessm_call *call, const pdessm_host *host) {
    pdessm_cdr c = host_cdr(call);
    float *gradient[5];
    for (int i = DIFFUSION; i <= SKIP; i++)
        gradient[i] = grad(call, i);
    host->fallback->cdr_symbol_backward(host->pool, &c, grad(call, SYMBOL), gradient,
                                        call->accumulate);
    return PDESSM_OK;
}

/* One item for each mode and channel, or for each channel and term (going backward). */
static pdessm_status launch_pass(const pdessm_call *call, const pdessm_launcher *launcher) {
    pdessm_cdr c = cdr_of(call);
    int back = call->pass == PDESSM_BACKWARD;
    int64_t modes = c.height * (c.width / 2 + 1);
    pdessm_kernel kernel = {
        .name = back ? "cdr_symbol_backward" : "cdr_symbol_forward",
        .dims = 2,
        .global = {(size_t)c.channels, (size_t)(back ? c.terms : modes)},
        .scalar_count = 5,
        .scalar = {scalar_int(c.channels), scalar_int(c.terms), scalar_int(c.height),
                   scalar_int(c.width), scalar_int(c.forced)},
    };
    return launch(launcher, call, &kernel);
}

/* Admissible coefficients (K positive definite) on grids of any parity. */
static void draw(pdessm_case *k, const pdessm_case_size *size) {
    const int network = size->kind == PDESSM_CASE_NETWORK;
    int64_t c = pdessm_draw_extent(k, size->channels, 1, 36);
    int64_t terms = pdessm_draw_extent(k, PDESSM_CASE_TERMS, 1, 6);
    int64_t height = pdessm_draw_extent(k, size->height, 1, 24);
    int64_t width = pdessm_draw_extent(k, size->width, 1, 24);
    /* Blurs of that share of the image; no blur keeps the high modes, which is the hard case; wide
     * ones leave modes that need not be computed. */
    const double blur[] = {0.005, 0.1, 0.5};
    PDESSM_SET(k, DIFFUSION, DIFFUSION, blur[pdessm_draw_whole(k, 1, 0, 2)], c, terms, 3);
    PDESSM_SET(k, CONVECTION, NORMAL, network ? 0.05 : 0.2, c, terms, 2);
    PDESSM_SET(k, REACTION, NORMAL, network ? 0.5 : 0.2, c, terms);
    PDESSM_SET(k, WEIGHT, NORMAL, 1, c, terms);
    PDESSM_SET(k, SKIP, NORMAL, 1, c);
    k->attribute[HEIGHT] = (double)height;
    k->attribute[WIDTH] = (double)width;
    k->attribute[SOLUTION] = pdessm_draw_coin(k, PDESSM_EVOLVE);
    k->terms = height * (width / 2 + 1) + 8 * terms; /* gradients are sums over all modes */
    k->condition = 2; /* a phase, which may be 60, is rounded before its sine is taken */
    k->step = 1e-7;   /* exp(-k K k) bends over K = 1/k^2, here as little as 1e-4 */
    k->copied = SYMBOL;
}

const pdessm_descriptor pdessm_descriptor_cdr_symbol = {
    .shapes = shapes,
    .cost = cost,
    .host = {host_forward, host_backward},
    .launch = {launch_pass, launch_pass},
    .draw = draw,
};

pdessm_tensor *pdessm_cdr_symbol(pdessm_tape *tape, pdessm_tensor *diffusion,
                                 pdessm_tensor *convection, pdessm_tensor *reaction,
                                 pdessm_tensor *weight, pdessm_tensor *skip, int64_t height,
                                 int64_t width, pdessm_solution solution) {
    return RECORD_WITH(cdr_symbol, ATTRIBUTES((double)height, (double)width, solution), diffusion,
                       convection, reaction, weight, skip);
}
