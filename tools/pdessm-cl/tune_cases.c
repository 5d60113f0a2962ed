/* SPDX-License-Identifier: MIT */
/* tune_cases.c: the shapes that stand for the presets: width 384, token grids 16, 32, 64. */
#include <stdlib.h>

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

/* ------------------------------------------------------------------ numbers */

/* Uniform on [-scale, scale): a linear congruential generator is quick, and good enough for what is
 * compared with itself. */
static void fill(float *x, int64_t count, uint32_t seed, float scale) {
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = scale * ((float)(seed >> 8) * 0x1p-23f - 1.0f);
    }
}

static pdessm_status set(cli_opcall *o, int i, float scale, int rank, const int64_t *dims) {
    pdessm_status status = PDESSM_OK;
    float *values = NULL;
    int64_t count = 1;
    for (int d = 0; d < rank; d++)
        count *= dims[d];
    PDESSM_TRY(pdessm_alloc(o->device->ctx, (size_t)count, sizeof *values, &values));
    fill(values, count, (uint32_t)i + 1, scale);
    PDESSM_TRY(pdessm_cli_opcall_set(o, i, rank, dims, values));
out:
    free(values);
    return status;
}

static pdessm_status set_gradients(cli_opcall *o) {
    pdessm_status status = PDESSM_OK;
    float *values = NULL;
    for (int i = 0; o->row->letters[i]; i++) {
        if (!o->call.operand[i] || !pdessm_letter_has_gradient(o->row->letters[i]))
            continue;
        int64_t count = pdessm_tensor_count(o->call.operand[i]);
        PDESSM_TRY(pdessm_alloc(o->device->ctx, (size_t)count, sizeof *values, &values));
        fill(values, count, (uint32_t)i + 100, 1);
        PDESSM_TRY(pdessm_cli_opcall_set_gradient(o, i, values));
        free(values);
        values = NULL;
    }
out:
    free(values);
    return status;
}

/* ------------------------------------------------------------------ shapes */

/* Images so that u takes 25 MB, as in `bench`; on a GPU four times that, which no cache holds. */
static int64_t batch_for(const pdessm_device *device, int64_t floats_of_one) {
    const pdessm_device_info *info = &device->info;
    int gpu = info->kind == PDESSM_DEVICE_GPU || info->kind == PDESSM_DEVICE_INTEGRATED_GPU;
    int64_t floats = (gpu ? 4 : 1) * ((int64_t)6 << 20), most = info->largest_allocation / 16;
    floats = floats < most ? floats : most;
    return floats / floats_of_one > 1 ? floats / floats_of_one : 1;
}

static pdessm_status make_inputs(cli_opcall *o, const struct shape *s, int64_t *ret_terms) {
    pdessm_status status = PDESSM_OK;
    const int64_t g = s->a;
    switch (s->kind) {
    case FILTER: {
        int64_t batch = batch_for(o->device, g * g * CHANNELS);
        PDESSM_TRY(set(o, 0, 1, 4, (int64_t[]){batch, g, g, CHANNELS}));
        PDESSM_TRY(set(o, 1, 0.5f, 4, (int64_t[]){g, g / 2 + 1, CHANNELS, 2}));
        *ret_terms = 8 * g + 8 * batch;
        break;
    }
    case LINEAR:
        PDESSM_TRY(set(o, 0, 1, 2, (int64_t[]){s->a, s->c}));
        PDESSM_TRY(set(o, 1, 1, 2, (int64_t[]){s->b, s->c}));
        PDESSM_TRY(set(o, 2, 1, 1, &s->b));
        *ret_terms = s->a > s->b ? s->a : s->b;
        *ret_terms = s->c > *ret_terms ? s->c : *ret_terms;
        break;
    case ATTENTION:
        PDESSM_TRY(set(o, 0, 1, 3, (int64_t[]){4, s->a, 3 * s->c}));
        o->call.attribute[0] = (double)s->b;
        *ret_terms = 4 * s->a;
        break;
    }
out:
    return status;
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
    const struct shape *s = &shapes[i];
    pdessm_status status = PDESSM_OK;
    cli_tune_case k = {.call = pdessm_cli_opcall_begin(device, pdessm_cli_tune_op(i))};
    int64_t terms = 0;
    PDESSM_TRY(make_inputs(&k.call, s, &terms));
    PDESSM_TRY(pdessm_cli_opcall_make_outputs(&k.call));
    PDESSM_TRY(set_gradients(&k.call));
    /* Four times the rounding of the additions behind an element, for two orders of summation; a
     * wrong kernel is wrong in the leading digits. */
    k.tolerance = 4 * (double)terms * 0x1p-24;
    k.tolerance = k.tolerance < 2e-4 ? k.tolerance : 2e-4;
    *ret = k;
    return PDESSM_OK;
out:
    pdessm_cli_opcall_end(&k.call);
    return status;
}
