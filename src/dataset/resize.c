/* SPDX-License-Identifier: MIT */
/* resize.c: separable resampling: a list of weighted sources for each row and each column. */
#include "dataset/resize.h"

#include <math.h>
#include <stdlib.h>

/* One output coordinate: the weighted sum of `count` sources from `first` on; 0 of them: border. */
struct tap {
    int64_t first, count, weight; /* weight: index of the first one */
};

struct axis {
    struct tap *taps;
    float *weights;
};

struct pdessm_resizer {
    int64_t in_height, in_width, out_height, out_width;
    struct axis rows, columns;
    float *wide; /* scratch [in_height, out_width]: rows are done first */
};

/* Output coordinate p of a line of `in` samples that is scaled to `full` ones. Sample i covers
 * [i, i + 1), so equal extents give the identity. */
static int64_t fill_tap(int64_t in, int64_t full, int64_t p, struct tap *tap, float *weights) {
    double scale = (double)in / (double)full;
    if (p < 0 || p >= full) {
        tap->first = tap->count = 0;
    } else if (in > full) { /* average over the area that this sample covers */
        double from = (double)p * scale, to = fmin((double)(p + 1) * scale, (double)in);
        tap->first = (int64_t)from;
        tap->count = (int64_t)ceil(to) - tap->first;
        for (int64_t i = 0; i < tap->count; i++) {
            double begin = fmax(from, (double)(tap->first + i));
            double end = fmin(to, (double)(tap->first + i + 1));
            weights[i] = (float)((end - begin) / (to - from));
        }
    } else { /* between the two nearest centres, the outermost ones held */
        double centre = fmin(fmax(((double)p + 0.5) * scale - 0.5, 0), (double)(in - 1));
        tap->first = (int64_t)centre;
        double part = centre - (double)tap->first;
        tap->count = part > 0 ? 2 : 1;
        weights[0] = (float)(1 - part);
        if (part > 0)
            weights[1] = (float)part;
    }
    return tap->count;
}

/* `out` coordinates, the first of which is coordinate `offset` of the scaled line. */
static pdessm_status make_axis(pdessm_context *ctx, int64_t in, int64_t full, int64_t offset,
                               int64_t out, struct axis *axis) {
    pdessm_status status;
    int64_t widest = in > full ? in / full + 3 : 2, used = 0;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)out, sizeof *axis->taps, &axis->taps));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(out * widest), sizeof(float), &axis->weights));
    for (int64_t o = 0; o < out; o++) {
        axis->taps[o].weight = used;
        used += fill_tap(in, full, o + offset, &axis->taps[o], axis->weights + used);
    }
out:
    return status;
}

static const char *option_name(pdessm_resize resize) {
    return resize == PDESSM_RESIZE_PAD ? "--fit pad" : "no --fit";
}

static pdessm_status refuse(pdessm_context *ctx, const char *name, pdessm_resize resize,
                            const pdessm_resizer *resizer) {
    return pdessm_fail(
        ctx, PDESSM_ERROR_FILE,
        "%s: is %lld x %lld pixels, %lld x %lld were expected, and %s was given; "
        "give --image-size %lldx%lld --fit %s",
        name, (long long)resizer->in_height, (long long)resizer->in_width,
        (long long)resizer->out_height, (long long)resizer->out_width, option_name(resize),
        (long long)resizer->out_height, (long long)resizer->out_width,
        resize == PDESSM_RESIZE_PAD ? "resize or --fit crop" : "resize, --fit pad or --fit crop");
}

/* The size that the whole image is scaled to before its part is taken. */
static void full_size(const pdessm_resizer *resizer, pdessm_resize resize, int64_t *height,
                      int64_t *width) {
    *height = resizer->out_height;
    *width = resizer->out_width;
    if (resize == PDESSM_RESIZE_PAD) {
        *height = resizer->in_height;
        *width = resizer->in_width;
    } else if (resize == PDESSM_RESIZE_CROP) {
        double by_height = (double)resizer->out_height / (double)resizer->in_height;
        double by_width = (double)resizer->out_width / (double)resizer->in_width;
        if (by_height > by_width)
            *width = (int64_t)fmax((double)*width, round((double)resizer->in_width * by_height));
        else
            *height = (int64_t)fmax((double)*height, round((double)resizer->in_height * by_width));
    }
}

/* Where the cut begins (cropping) or, negative, how wide the border is (padding). */
static int64_t centre_offset(int64_t full, int64_t out) {
    return (full - out) / 2;
}

pdessm_status pdessm_resizer_create(pdessm_context *ctx, const char *name, pdessm_resize resize,
                                    int64_t in_height, int64_t in_width, int64_t out_height,
                                    int64_t out_width, pdessm_resizer **ret) {
    pdessm_status status;
    pdessm_resizer *resizer = NULL;
    int64_t height, width;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *resizer, &resizer));
    *resizer = (pdessm_resizer){in_height, in_width, out_height, out_width, {0}, {0}, NULL};
    if (in_height != out_height || in_width != out_width)
        if (resize == PDESSM_RESIZE_ERROR ||
            (resize == PDESSM_RESIZE_PAD && (in_height > out_height || in_width > out_width)))
            PDESSM_TRY(refuse(ctx, name, resize, resizer));
    full_size(resizer, resize, &height, &width);
    PDESSM_TRY(make_axis(ctx, in_height, height, centre_offset(height, out_height), out_height,
                         &resizer->rows));
    PDESSM_TRY(make_axis(ctx, in_width, width, centre_offset(width, out_width), out_width,
                         &resizer->columns));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(in_height * out_width), sizeof(float), &resizer->wide));
    *ret = resizer;
    resizer = NULL;
out:
    pdessm_resizer_destroy(&resizer);
    return status;
}

void pdessm_resizer_destroy(pdessm_resizer **resizer) {
    pdessm_resizer *r = *resizer;
    if (!r)
        return;
    free(r->rows.taps);
    free(r->rows.weights);
    free(r->columns.taps);
    free(r->columns.weights);
    free(r->wide);
    free(r);
    *resizer = NULL;
}

/* Rows of the source into resizer->wide; the sources differ only in their type. */
#define RESIZE_ROWS(resizer, source, stride)                                                       \
    for (int64_t y = 0; y < (resizer)->in_height; y++)                                             \
        for (int64_t x = 0; x < (resizer)->out_width; x++) {                                       \
            const struct tap *tap = &(resizer)->columns.taps[x];                                   \
            const float *weight = (resizer)->columns.weights + tap->weight;                        \
            float sum = 0;                                                                         \
            for (int64_t i = 0; i < tap->count; i++)                                               \
                sum += weight[i] *                                                                 \
                       (float)(source)[(y * (resizer)->in_width + tap->first + i) * (stride)];     \
            (resizer)->wide[y * (resizer)->out_width + x] = sum;                                   \
        }

static float column_sum(const pdessm_resizer *resizer, int64_t y, int64_t x) {
    const struct tap *tap = &resizer->rows.taps[y];
    const float *weight = resizer->rows.weights + tap->weight;
    float sum = 0;
    for (int64_t i = 0; i < tap->count; i++)
        sum += weight[i] * resizer->wide[(tap->first + i) * resizer->out_width + x];
    return sum;
}

void pdessm_resizer_bytes(const pdessm_resizer *resizer, const uint8_t *source, int64_t stride,
                          uint8_t *ret) {
    RESIZE_ROWS(resizer, source, stride);
    for (int64_t y = 0; y < resizer->out_height; y++)
        for (int64_t x = 0; x < resizer->out_width; x++)
            *ret++ = (uint8_t)fminf(column_sum(resizer, y, x) + 0.5f, 255);
}

void pdessm_resizer_floats(const pdessm_resizer *resizer, const float *source, int64_t stride,
                           float *ret) {
    RESIZE_ROWS(resizer, source, stride);
    for (int64_t y = 0; y < resizer->out_height; y++)
        for (int64_t x = 0; x < resizer->out_width; x++)
            *ret++ = column_sum(resizer, y, x);
}
