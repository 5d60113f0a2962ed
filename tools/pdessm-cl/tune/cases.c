/* SPDX-License-Identifier: MIT */
/* cases.c: the shapes that stand for the presets: width 384, token grids 16, 32, 64. */
#include "verify/cases.h"
#include "tune.h"

enum { CHANNELS = 384 };

static const struct shape {
    enum { FILTER, LINEAR, ATTENTION } kind;
    int64_t a, b, c;
} shapes[] = {
    {FILTER, 16, 0, 0},        /* token grid: 32 x 32 images with patches of 2 */
    {FILTER, 32, 0, 0},        /* 64 x 64 */
    {FILTER, 64, 0, 0},        /* 128 x 128 */
    {LINEAR, 2048, 384, 384},  /* rows, outputs, inputs: the mixer's projections */
    {LINEAR, 2048, 1536, 384}, /* the first layer behind the mixer */
    {LINEAR, 2048, 384, 1536}, /* the second */
    {LINEAR, 16, 2304, 384},   /* modulation: a row for each image */
    {ATTENTION, 256, 6, 384},  /* tokens, heads, channels */
    {ATTENTION, 1024, 6, 384},
};

int pdessm_cli_tune_cases(void) {
    return (int)(sizeof shapes / sizeof *shapes);
}

/* Images so that u takes 25 MB, as in `bench`; on a GPU four times that, which no cache holds. */
static int64_t batch_for(const pdessm_device *device, int64_t floats_of_one) {
    const pdessm_device_info *info = &device->info;
    int gpu = info->kind == PDESSM_DEVICE_GPU || info->kind == PDESSM_DEVICE_INTEGRATED_GPU;
    int64_t floats = (gpu ? 4 : 1) * ((int64_t)6 << 20), most = info->largest_allocation / 16;
    floats = floats < most ? floats : most;
    return floats / floats_of_one > 1 ? floats / floats_of_one : 1;
}

static int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Numbers of large operands repeat after a prime, which no extent divides. */
static cli_case case_of(const pdessm_device *device, int i) {
    const struct shape *s = &shapes[i];
    const int64_t g = s->a;
    cli_case k = {.op = pdessm_cli_tune_op(i), .seed = 1, .period = 65537};
    switch (s->kind) {
    case FILTER: {
        int64_t batch = batch_for(device, g * g * CHANNELS);
        PDESSM_CLI_CASE_NORMAL(&k, 0, batch, g, g, CHANNELS);
        PDESSM_CLI_CASE_NORMAL(&k, 1, g, g / 2 + 1, CHANNELS, 2);
        k.terms = 8 * g + 8 * batch;
        break;
    }
    case LINEAR:
        PDESSM_CLI_CASE_NORMAL(&k, 0, s->a, s->c);
        PDESSM_CLI_CASE_NORMAL(&k, 1, s->b, s->c);
        PDESSM_CLI_CASE_NORMAL(&k, 2, s->b);
        k.terms = most(most(s->a, s->b), s->c);
        break;
    case ATTENTION:
        PDESSM_CLI_CASE_NORMAL(&k, 0, 4, s->a, 3 * s->c);
        k.attribute[0] = (double)s->b;
        k.terms = 4 * s->a;
        break;
    }
    return k;
}

pdessm_op pdessm_cli_tune_op(int i) {
    static const pdessm_op op[] = {
        [FILTER] = PDESSM_OP_spectral_filter,
        [LINEAR] = PDESSM_OP_linear,
        [ATTENTION] = PDESSM_OP_attention,
    };
    return op[shapes[i].kind];
}

pdessm_status pdessm_cli_tune_case(pdessm_device *device, int i, cli_tune_case *ret) {
    const cli_case numbers = case_of(device, i);
    pdessm_status status = PDESSM_OK;
    cli_tune_case k = {.call = pdessm_cli_opcall_begin(device, numbers.op)};
    PDESSM_TRY(pdessm_cli_case_operands(&numbers, &k.call));
    PDESSM_TRY(pdessm_cli_case_gradients(&numbers, &k.call));
    /* Four times the rounding of the additions behind an element, for two orders of summation; a
     * wrong kernel is wrong in the leading digits. */
    k.tolerance = 4 * (double)numbers.terms * 0x1p-24;
    k.tolerance = k.tolerance < 2e-4 ? k.tolerance : 2e-4;
    *ret = k;
    return PDESSM_OK;
out:
    pdessm_cli_opcall_end(&k.call);
    return status;
}
