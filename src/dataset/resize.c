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

struct pdessm_fit_plan {
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

static const char *option_name(pdessm_fit fit) {
    return fit == PDESSM_FIT_PAD ? "--fit pad" : "no --fit";
}

static pdessm_status refuse(pdessm_context *ctx, const char *name, pdessm_fit fit,
                            const pdessm_fit_plan *plan) {
    return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                       "%s: is %lld x %lld pixels, %lld x %lld were expected, and %s was given; "
                       "give --image-size %lldx%lld --fit %s",
                       name, (long long)plan->in_height, (long long)plan->in_width,
                       (long long)plan->out_height, (long long)plan->out_width, option_name(fit),
                       (long long)plan->out_height, (long long)plan->out_width,
                       fit == PDESSM_FIT_PAD ? "resize or --fit crop"
                                             : "resize, --fit pad or --fit crop");
}

/* The size that the whole image is scaled to before its part is taken. */
static void full_size(const pdessm_fit_plan *plan, pdessm_fit fit, int64_t *height,
                      int64_t *width) {
    *height = plan->out_height;
    *width = plan->out_width;
    if (fit == PDESSM_FIT_PAD) {
        *height = plan->in_height;
        *width = plan->in_width;
    } else if (fit == PDESSM_FIT_CROP) {
        double by_height = (double)plan->out_height / (double)plan->in_height;
        double by_width = (double)plan->out_width / (double)plan->in_width;
        if (by_height > by_width)
            *width = (int64_t)fmax((double)*width, round((double)plan->in_width * by_height));
        else
            *height = (int64_t)fmax((double)*height, round((double)plan->in_height * by_width));
    }
}

/* Where the cut begins (cropping) or, negative, how wide the border is (padding). */
static int64_t centre_offset(int64_t full, int64_t out) {
    return (full - out) / 2;
}

pdessm_status pdessm_fit_create(pdessm_context *ctx, const char *name, pdessm_fit fit,
                                int64_t in_height, int64_t in_width, int64_t out_height,
                                int64_t out_width, pdessm_fit_plan **ret) {
    pdessm_status status;
    pdessm_fit_plan *plan = NULL;
    int64_t height, width;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *plan, &plan));
    *plan = (pdessm_fit_plan){in_height, in_width, out_height, out_width, {0}, {0}, NULL};
    if (in_height != out_height || in_width != out_width)
        if (fit == PDESSM_FIT_ERROR ||
            (fit == PDESSM_FIT_PAD && (in_height > out_height || in_width > out_width)))
            PDESSM_TRY(refuse(ctx, name, fit, plan));
    full_size(plan, fit, &height, &width);
    PDESSM_TRY(make_axis(ctx, in_height, height, centre_offset(height, out_height), out_height,
                         &plan->rows));
    PDESSM_TRY(make_axis(ctx, in_width, width, centre_offset(width, out_width), out_width,
                         &plan->columns));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(in_height * out_width), sizeof(float), &plan->wide));
    *ret = plan;
    plan = NULL;
out:
    pdessm_fit_destroy(&plan);
    return status;
}

void pdessm_fit_destroy(pdessm_fit_plan **plan) {
    pdessm_fit_plan *p = *plan;
    if (!p)
        return;
    free(p->rows.taps);
    free(p->rows.weights);
    free(p->columns.taps);
    free(p->columns.weights);
    free(p->wide);
    free(p);
    *plan = NULL;
}

/* Rows of the source into plan->wide; the sources differ only in their type. */
#define FIT_ROWS(plan, source, stride)                                                             \
    for (int64_t y = 0; y < (plan)->in_height; y++)                                                \
        for (int64_t x = 0; x < (plan)->out_width; x++) {                                          \
            const struct tap *tap = &(plan)->columns.taps[x];                                      \
            const float *weight = (plan)->columns.weights + tap->weight;                           \
            float sum = 0;                                                                         \
            for (int64_t i = 0; i < tap->count; i++)                                               \
                sum += weight[i] *                                                                 \
                       (float)(source)[(y * (plan)->in_width + tap->first + i) * (stride)];        \
            (plan)->wide[y * (plan)->out_width + x] = sum;                                         \
        }

static float column_sum(const pdessm_fit_plan *plan, int64_t y, int64_t x) {
    const struct tap *tap = &plan->rows.taps[y];
    const float *weight = plan->rows.weights + tap->weight;
    float sum = 0;
    for (int64_t i = 0; i < tap->count; i++)
        sum += weight[i] * plan->wide[(tap->first + i) * plan->out_width + x];
    return sum;
}

void pdessm_fit_bytes(const pdessm_fit_plan *plan, const uint8_t *source, int64_t stride,
                      uint8_t *ret) {
    FIT_ROWS(plan, source, stride);
    for (int64_t y = 0; y < plan->out_height; y++)
        for (int64_t x = 0; x < plan->out_width; x++)
            *ret++ = (uint8_t)fminf(column_sum(plan, y, x) + 0.5f, 255);
}

void pdessm_fit_floats(const pdessm_fit_plan *plan, const float *source, int64_t stride,
                       float *ret) {
    FIT_ROWS(plan, source, stride);
    for (int64_t y = 0; y < plan->out_height; y++)
        for (int64_t x = 0; x < plan->out_width; x++)
            *ret++ = column_sum(plan, y, x);
}
