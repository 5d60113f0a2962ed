/* SPDX-License-Identifier: MIT */
/* mixer_kernel.c: coefficients and symbols out of a network, and their way back to space. */
#include <pdessm/mixer_kernel.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/build.h"

/* Every tensor is copied out of the tape, which ends here. */
static pdessm_status copy(pdessm_context *ctx, pdessm_tensor *tensor, float **ret) {
    pdessm_status status = PDESSM_OK;
    float *values = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)pdessm_tensor_count(tensor), sizeof *values, &values));
    PDESSM_TRY(pdessm_tensor_read(tensor, values));
    *ret = values;
    values = NULL;
out:
    free(values);
    return status;
}

/* The parameter blocks.I.NAME; NULL when the block has none. */
static pdessm_tensor *parameter(pdessm_model *model, int block, const char *name) {
    char full[96];
    snprintf(full, sizeof full, "blocks.%d.%s", block, name);
    pdessm_parameter *found = pdessm_model_find(model, full);
    return found ? &found->value : NULL;
}

static pdessm_mixer_kernel_kind kind_of(pdessm_model *model, int block) {
    return parameter(model, block, "mixer.pde.diffusion")   ? PDESSM_MIXER_KERNEL_EQUATION
           : parameter(model, block, "mixer.filter.symbol") ? PDESSM_MIXER_KERNEL_SYMBOL
           : parameter(model, block, "mixer.conv.weight")   ? PDESSM_MIXER_KERNEL_WINDOW
                                                            : PDESSM_MIXER_KERNEL_NONE;
}

/* Raw coefficients to physical ones, and the symbol they make, by the operators themselves. */
static pdessm_status read_symbol(pdessm_builder *b, int block, pdessm_mixer_kernel *k) {
    pdessm_context *ctx = b->model->ctx;
    pdessm_tensor *physical[3] = {NULL};
    float **target[] = {&k->diffusion, &k->convection, &k->reaction};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tape_create(b->model->device, &b->tape));
    if (k->kind == PDESSM_MIXER_KERNEL_EQUATION) {
        pdessm_coefficients is = pdessm_build_coefficients(b, block, 1);
        physical[0] = is.diffusion;
        physical[1] = is.convection;
        physical[2] = is.reaction;
    }
    for (int i = 0; i < 3 && physical[i]; i++)
        physical[i] = pdessm_tape_output(b->tape, physical[i]);
    pdessm_tensor *symbol = pdessm_tape_output(b->tape, pdessm_build_symbol(b, block, 1));
    PDESSM_TRY(pdessm_tape_plan(b->tape, NULL));
    PDESSM_TRY(pdessm_tape_forward(b->tape));
    for (int i = 0; i < 3; i++)
        if (physical[i])
            PDESSM_TRY(copy(ctx, physical[i], target[i]));
    PDESSM_TRY(copy(ctx, symbol, &k->symbol));
out:
    pdessm_tape_destroy(&b->tape);
    return status;
}

pdessm_status pdessm_mixer_kernel_read(pdessm_model *model, int block, pdessm_mixer_kernel *ret) {
    pdessm_context *ctx = model->ctx;
    const pdessm_config *config = &model->config;
    pdessm_builder b = {.model = model,
                        .batch = 1,
                        .height = config->image_size[0] / config->patch,
                        .width = config->image_size[1] / config->patch};
    pdessm_mixer_kernel k = {.kind = kind_of(model, block),
                             .channels = (int64_t)config->expand * config->width,
                             .terms = config->states,
                             .height = b.height,
                             .width = b.width};
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, block >= 0 && block < config->depth, PDESSM_ERROR_ARGUMENT,
                   "block %d of a model that has %d", block, config->depth);
    if (k.kind == PDESSM_MIXER_KERNEL_WINDOW) {
        k.height = k.width = 3;
        PDESSM_TRY(copy(ctx, parameter(model, block, "mixer.conv.weight"), &k.window));
    } else if (k.kind != PDESSM_MIXER_KERNEL_NONE) {
        PDESSM_TRY(read_symbol(&b, block, &k));
    }
    if (k.kind == PDESSM_MIXER_KERNEL_EQUATION) {
        PDESSM_TRY(copy(ctx, parameter(model, block, "mixer.pde.weight"), &k.weight));
        if (!config->no_skip)
            PDESSM_TRY(copy(ctx, parameter(model, block, "mixer.pde.skip"), &k.skip));
        else
            PDESSM_TRY(pdessm_alloc(ctx, (size_t)k.channels, sizeof *k.skip, &k.skip));
    }
    *ret = k;
    k = (pdessm_mixer_kernel){0};
out:
    pdessm_mixer_kernel_release(&k);
    return status;
}

void pdessm_mixer_kernel_release(pdessm_mixer_kernel *k) {
    free(k->diffusion);
    free(k->convection);
    free(k->reaction);
    free(k->weight);
    free(k->skip);
    free(k->symbol);
    free(k->window);
    *k = (pdessm_mixer_kernel){0};
}

void pdessm_mixer_kernel_widths(const float diffusion[3], double ret[2]) {
    double kyy = (double)diffusion[0], kxy = (double)diffusion[1], kxx = (double)diffusion[2];
    double mean = 0.5 * (kyy + kxx), spread = hypot(0.5 * (kyy - kxx), kxy);
    ret[1] = sqrt(2 * (mean + spread));
    /* mean - spread would cancel for long thin kernels. */
    ret[0] = sqrt(2 * fmax((kyy * kxx - kxy * kxy) / (mean + spread), 0));
}

/* ------------------------------------------------------------------ ranges */

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static pdessm_range range_of(double *values, int64_t count) {
    qsort(values, (size_t)count, sizeof *values, by_size);
    return (pdessm_range){values[0], values[count / 2], values[count - 1]};
}

pdessm_status pdessm_mixer_kernel_measure(pdessm_context *ctx, const pdessm_mixer_kernel *k,
                                          pdessm_mixer_kernel_ranges *ret) {
    int64_t count = k->channels * k->terms;
    double *values = NULL;
    pdessm_status status = pdessm_alloc(ctx, 2 * (size_t)count, sizeof *values, &values);
    if (status != PDESSM_OK)
        return status;
    for (int64_t i = 0; i < count; i++)
        pdessm_mixer_kernel_widths(k->diffusion + 3 * i, values + 2 * i);
    ret->width = range_of(values, 2 * count);
    for (int64_t i = 0; i < count; i++)
        values[i] = hypot((double)k->convection[2 * i], (double)k->convection[2 * i + 1]);
    ret->shift = range_of(values, count);
    for (int64_t i = 0; i < count; i++)
        values[i] = exp((double)k->reaction[i]);
    ret->decay = range_of(values, count);
    for (int64_t i = 0; i < count; i++)
        values[i] = fabs((double)k->weight[i]);
    ret->weight = range_of(values, count);
    free(values);
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ back to space */

/* By Parseval, which spares a transform for every channel. Columns but the first and the Nyquist
 * one stand for two modes. */
double pdessm_mixer_kernel_energy(const pdessm_mixer_kernel *k, int64_t channel) {
    int64_t half = k->width / 2 + 1;
    double sum = 0, skip = k->skip ? (double)k->skip[channel] : 0;
    for (int i = 0; k->window && i < 9; i++)
        sum += (double)k->window[9 * channel + i] * (double)k->window[9 * channel + i];
    if (k->window)
        return sum;
    for (int64_t n = 0; n < k->height; n++)
        for (int64_t m = 0; m < half; m++) {
            const float *g = k->symbol + 2 * ((n * half + m) * k->channels + channel);
            double re = (double)g[0] - skip, im = (double)g[1];
            sum += (m == 0 || 2 * m == k->width ? 1 : 2) * (re * re + im * im);
        }
    return sum / (double)(k->height * k->width);
}

/* Angle of row or column `position` at wavenumber m, with the whole turns taken out first. */
static double angle(int64_t m, int64_t position, int64_t extent) {
    return 2 * M_PI * (double)(m * position % extent) / (double)extent;
}

/* The window holds the shifts from -1 to 1. */
static void unwrap_window(const float *window, double *ret) {
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            ret[(i + 2) % 3 * 3 + (j + 2) % 3] = (double)window[3 * i + j];
}

/* The inverse transform of the symbol is what one token at [0, 0] sends to d; it gathers from d
 * what it would send to -d. */
void pdessm_mixer_kernel_gather(const pdessm_mixer_kernel *k, int64_t channel, double *scratch,
                                double *ret) {
    if (k->window) {
        unwrap_window(k->window + 9 * channel, ret);
        return;
    }
    int64_t h = k->height, w = k->width, half = w / 2 + 1;
    for (int64_t y = 0; y < h; y++)
        for (int64_t m = 0; m < half; m++) {
            double re = 0, im = 0;
            for (int64_t n = 0; n < h; n++) {
                const float *g = k->symbol + 2 * ((n * half + m) * k->channels + channel);
                double a = angle(n, y, h);
                re += (double)g[0] * cos(a) - (double)g[1] * sin(a);
                im += (double)g[0] * sin(a) + (double)g[1] * cos(a);
            }
            scratch[2 * (y * half + m)] = re;
            scratch[2 * (y * half + m) + 1] = im;
        }
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            double sum = 0;
            for (int64_t m = 0; m < half; m++) {
                const double *z = scratch + 2 * (y * half + m);
                double twice = m == 0 || 2 * m == w ? 1 : 2, a = angle(m, x, w);
                sum += twice * (z[0] * cos(a) - z[1] * sin(a));
            }
            ret[(h - y) % h * w + (w - x) % w] = sum / (double)(h * w);
        }
    ret[0] -= k->skip ? (double)k->skip[channel] : 0;
}
