/* SPDX-License-Identifier: MIT */
/* spectral.c: y = irfft2(g rfft2(x - m)) by the operator spectral_filter, in float32;
 * the inverse divides by the same g. Spectra are kept on the half plane of the fitted grid, [H, W/2
 * + 1]; images of other sizes look their waves up there. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/maps/map.h"
#include "tape/tape.h"

static int list(const pdessm_precondition_info *info, pdessm_map_array ret[PDESSM_MAP_ARRAYS]) {
    const int64_t y = info->classes, c = info->channels, h = info->height, w = info->width;
    ret[0] = (pdessm_map_array){.name = "mean", .rank = 4, .dims = {y, c, h, w}};
    ret[1] = (pdessm_map_array){.name = "gain", .rank = 4, .dims = {y, c, h, w / 2 + 1}};
    return 2;
}

static pdessm_status check(pdessm_precondition *map) {
    const float *gain = pdessm_map_values(map, "gain");
    for (int64_t i = 0; i < map->array[1].count; i++)
        if (!(gain[i] > 0))
            return pdessm_fail(map->ctx, PDESSM_ERROR_FILE,
                               "tensor %sgain: number %lld is %g, expected more than 0",
                               PDESSM_MAP_PREFIX, (long long)i, (double)gain[i]);
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ another grid */

/* The fitted row with the wavenumber of row `row` of `size`, or the nearest one there is. */
static int64_t row_of(int64_t row, int64_t size, int64_t fitted) {
    const int64_t least = -(fitted / 2), most = (fitted - 1) / 2;
    int64_t m = 2 * row < size ? row : row - size; /* the Nyquist row counts as negative */
    m = m < least ? least : m > most ? most : m;
    return m < 0 ? m + fitted : m;
}

/* Gains of one channel, [H', W'/2 + 1], from those of the fitted grid. Where a column is its own
 * mirror image, filters act by their even part alone, whose inverse is not the even part of the
 * inverse: so the gains are made even there. */
static void spread_gain(const pdessm_precondition_info *info, const float *gain, int64_t height,
                        int64_t width, float *ret) {
    const int64_t half = width / 2 + 1, fitted = info->width / 2 + 1;
    for (int64_t ky = 0; ky < height; ky++)
        for (int64_t kx = 0; kx < half; kx++)
            ret[ky * half + kx] =
                gain[row_of(ky, height, info->height) * fitted + (kx < fitted ? kx : fitted - 1)];
    for (int64_t kx = 0; kx < half; kx++)
        for (int64_t ky = 1; (kx == 0 || 2 * kx == width) && 2 * ky < height; ky++) {
            float *a = &ret[ky * half + kx], *b = &ret[(height - ky) * half + kx];
            *a = *b = 0.5f * (*a + *b);
        }
}

/* Place of pixel i of `size` among `fitted` ones: between *ret_low and the next, at *ret_share. */
static void place(int64_t i, int64_t size, int64_t fitted, int64_t *ret_low, double *ret_share) {
    double at = ((double)i + 0.5) * (double)fitted / (double)size - 0.5;
    at = fmin(fmax(at, 0), (double)(fitted - 1));
    *ret_low = (int64_t)at < fitted - 1 ? (int64_t)at : fitted > 1 ? fitted - 2 : 0;
    *ret_share = at - (double)*ret_low;
}

/* The mean of one channel on another grid, bilinear. */
static void spread_mean(const pdessm_precondition_info *info, const float *mean, int64_t height,
                        int64_t width, float *ret) {
    const int64_t right = info->width > 1, below = info->height > 1 ? info->width : 0;
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            int64_t y0, x0;
            double b, a;
            place(y, height, info->height, &y0, &b);
            place(x, width, info->width, &x0, &a);
            const float *m = mean + y0 * info->width + x0;
            ret[y * width + x] =
                (float)((1 - b) * ((1 - a) * (double)m[0] + a * (double)m[right]) +
                        b * ((1 - a) * (double)m[below] + a * (double)m[below + right]));
        }
}

/* ------------------------------------------------------------------ the filter's tape */

/* Images stand beside each other as channels of one, because the operator works on groups of
 * channels and one or three would leave it idle. */
enum { BATCH = 32 };

typedef struct filter {
    int64_t height, width, label;
    pdessm_map_direction direction;
    int loaded; /* symbol and mean are those of label and direction */
    pdessm_tape *tape;
    pdessm_tensor *u, *symbol, *y; /* [1, H, W, BATCH C], [H, W/2 + 1, BATCH C, 2], like u */
    float *images, *gain, *values; /* like u; of one channel; like symbol */
    float *mean;                   /* [C, H, W] */
} filter;

static void empty(filter *f) {
    pdessm_tape_destroy(&f->tape);
    free(f->images);
    free(f->gain);
    free(f->values);
    free(f->mean);
    *f = (filter){0};
}

static void release(pdessm_precondition *map) {
    empty(map->work);
    free(map->work);
}

static pdessm_status build(pdessm_precondition *map, filter *f, int64_t height, int64_t width) {
    pdessm_status status = PDESSM_OK;
    const int64_t c = map->info.channels, modes = height * (width / 2 + 1);
    const int64_t image[] = {1, height, width, BATCH * c};
    const int64_t symbol[] = {height, width / 2 + 1, BATCH * c, 2};
    empty(f);
    PDESSM_TRY(pdessm_tape_create(map->device, &f->tape));
    f->u = pdessm_tape_input(f->tape, PDESSM_FLOAT32, 4, image);
    f->symbol = pdessm_tape_input(f->tape, PDESSM_FLOAT32, 4, symbol);
    f->y = pdessm_tape_output(f->tape, pdessm_spectral_filter(f->tape, f->u, f->symbol));
    PDESSM_TRY(pdessm_tape_plan(f->tape, NULL));
    PDESSM_TRY(pdessm_alloc(map->ctx, BATCH * (size_t)(c * height * width), sizeof *f->images,
                            &f->images));
    PDESSM_TRY(pdessm_alloc(map->ctx, (size_t)modes, sizeof *f->gain, &f->gain));
    PDESSM_TRY(
        pdessm_alloc(map->ctx, BATCH * (size_t)(modes * c * 2), sizeof *f->values, &f->values));
    PDESSM_TRY(pdessm_alloc(map->ctx, (size_t)(c * height * width), sizeof *f->mean, &f->mean));
    f->height = height;
    f->width = width;
out:
    if (status != PDESSM_OK)
        empty(f);
    return status;
}

static pdessm_status load(pdessm_precondition *map, filter *f, const pdessm_map_run *r) {
    pdessm_status status = PDESSM_OK;
    const pdessm_precondition_info *info = &map->info;
    const int64_t c = info->channels, modes = f->height * (f->width / 2 + 1);
    const int64_t fitted_modes = info->height * (info->width / 2 + 1);
    const int64_t fitted_pixels = info->height * info->width;
    const float *gain = pdessm_map_values(map, "gain") + r->label * c * fitted_modes;
    const float *mean = pdessm_map_values(map, "mean") + r->label * c * fitted_pixels;
    for (int64_t k = 0; k < c; k++) {
        spread_mean(info, mean + k * fitted_pixels, f->height, f->width,
                    f->mean + k * f->height * f->width);
        spread_gain(info, gain + k * fitted_modes, f->height, f->width, f->gain);
        for (int64_t i = 0; i < modes * BATCH; i++) /* imaginary parts stay zero */
            f->values[(i * c + k) * 2] =
                r->direction == PDESSM_MAP_APPLY ? f->gain[i / BATCH] : 1 / f->gain[i / BATCH];
    }
    PDESSM_TRY(pdessm_tensor_write(f->symbol, f->values));
    f->label = r->label;
    f->direction = r->direction;
    f->loaded = 1;
out:
    return status;
}

/* ------------------------------------------------------------------ running */

/* An image [channels, pixels] to its place among the channels, the mean taken away; and back, the
 * mean added. */
static void to_last(const filter *f, const float *x, int64_t c, const float *mean, float *ret) {
    const int64_t pixels = f->height * f->width;
    for (int64_t k = 0; k < c; k++)
        for (int64_t i = 0; i < pixels; i++)
            ret[i * BATCH * c + k] = x[k * pixels + i] - (mean ? mean[k * pixels + i] : 0);
}

static void to_first(const filter *f, const float *y, int64_t c, const float *mean, float *ret) {
    const int64_t pixels = f->height * f->width;
    for (int64_t k = 0; k < c; k++)
        for (int64_t i = 0; i < pixels; i++)
            ret[k * pixels + i] = y[i * BATCH * c + k] + (mean ? mean[k * pixels + i] : 0);
}

static pdessm_status run(pdessm_precondition *map, const pdessm_map_run *r) {
    pdessm_status status = PDESSM_OK;
    const int64_t c = map->info.channels, pixels = c * r->height * r->width;
    filter *f = map->work;
    if (!f)
        PDESSM_TRY(pdessm_alloc(map->ctx, 1, sizeof *f, &f));
    map->work = f;
    if (!f->tape || f->height != r->height || f->width != r->width)
        PDESSM_TRY(build(map, f, r->height, r->width));
    if (!f->loaded || f->label != r->label || f->direction != r->direction)
        PDESSM_TRY(load(map, f, r));
    const float *before = r->direction == PDESSM_MAP_APPLY ? f->mean : NULL;
    const float *after = r->direction == PDESSM_MAP_INVERT ? f->mean : NULL;
    for (int64_t at = 0; at < r->n; at += BATCH) {
        const int64_t n = r->n - at < BATCH ? r->n - at : BATCH;
        /* Empty places are cleared: two channels share a complex transform, and what an unused one
         * kept from call to call would grow until its rounding drowned its neighbour. */
        if (n < BATCH)
            memset(f->images, 0, (size_t)(BATCH * pixels) * sizeof *f->images);
        for (int64_t i = 0; i < n; i++)
            to_last(f, r->x + (at + i) * pixels, c, before, f->images + i * c);
        PDESSM_TRY(pdessm_tensor_write(f->u, f->images));
        PDESSM_TRY(pdessm_tape_forward(f->tape));
        PDESSM_TRY(pdessm_tensor_read(f->y, f->images));
        for (int64_t i = 0; i < n; i++)
            to_first(f, f->images + i * c, c, after, r->y + (at + i) * pixels);
    }
out:
    return status;
}

const pdessm_map_kind pdessm_map_spectral = {
    .any_size = 1, .list = list, .check = check, .run = run, .release = release};
