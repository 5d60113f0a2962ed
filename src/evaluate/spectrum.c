/* SPDX-License-Identifier: MIT */
/* spectrum.c: mean power over rings of the two-dimensional Fourier transform. Images are
 * small, so the transform is its definition, axis by axis: H W (H + W) products. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/metrics.h"

/* cos and sin of 2 pi j m / n, [n][frequencies]: loops over m run through memory. */
typedef struct waves {
    int64_t n, frequencies;
    double *cosine, *sine;
} waves;

typedef struct transform {
    pdessm_pool *pool;
    const pdessm_image_set *set;
    waves across, down;
    int64_t rings;
    double *power; /* [count][rings] sums over the modes of a ring, all channels */
    double *modes; /* [rings] modes of a ring */
    int64_t first; /* image that index 0 stands for */
    int32_t *ring; /* [height][width/2 + 1]; -1 beyond the last */
    size_t half;   /* numbers of a half spectrum */
} transform;

int64_t pdessm_spectrum_rings(int64_t height, int64_t width) {
    return (height < width ? height : width) / 2 + 1;
}

static pdessm_status waves_create(pdessm_context *ctx, int64_t n, int64_t frequencies, waves *ret) {
    pdessm_status status;
    const size_t count = (size_t)(n * frequencies);
    ret->n = n;
    ret->frequencies = frequencies;
    PDESSM_TRY(pdessm_alloc(ctx, count, sizeof(double), &ret->cosine));
    PDESSM_TRY(pdessm_alloc(ctx, count, sizeof(double), &ret->sine));
    for (int64_t j = 0; j < n; j++)
        for (int64_t m = 0; m < frequencies; m++) {
            /* j m mod n keeps the angle small, where sine and cosine are exact to rounding. */
            const double angle = 6.283185307179586477 * (double)(j * m % n) / (double)n;
            ret->cosine[j * frequencies + m] = cos(angle);
            ret->sine[j * frequencies + m] = -sin(angle);
        }
out:
    return status;
}

/* The inner columns of a half spectrum stand for their mirror images too. */
static double multiplicity(int64_t mx, int64_t width) {
    return mx == 0 || 2 * mx == width ? 1 : 2;
}

static void number_rings(transform *t) {
    const int64_t h = t->set->height, w = t->set->width, columns = w / 2 + 1;
    for (int64_t y = 0; y < h; y++)
        for (int64_t mx = 0; mx < columns; mx++) {
            const int64_t my = y <= h / 2 ? y : h - y;
            const int64_t ring = llround(hypot((double)my, (double)mx));
            t->ring[y * columns + mx] = ring < t->rings ? (int32_t)ring : -1;
            if (ring < t->rings)
                t->modes[ring] += multiplicity(mx, w);
        }
}

/* re, im [height][width/2 + 1] = transform of the rows of one plane. */
static void transform_rows(const transform *t, const float *plane, double *re, double *im) {
    const int64_t w = t->set->width, columns = t->across.frequencies;
    memset(re, 0, t->half * sizeof *re);
    memset(im, 0, t->half * sizeof *im);
    for (int64_t y = 0; y < t->set->height; y++)
        for (int64_t x = 0; x < w; x++) {
            const double u = (double)plane[y * w + x];
            const double *c = t->across.cosine + x * columns, *s = t->across.sine + x * columns;
            for (int64_t m = 0; m < columns; m++) {
                re[y * columns + m] += u * c[m];
                im[y * columns + m] += u * s[m];
            }
        }
}

/* power[ring] += |U|^2 of row my of the full transform; row_re, row_im: work space. */
static void add_row(const transform *t, int64_t my, const double *re, const double *im,
                    double *row_re, double *row_im, double *power) {
    const int64_t h = t->set->height, columns = t->across.frequencies;
    memset(row_re, 0, (size_t)columns * sizeof *row_re);
    memset(row_im, 0, (size_t)columns * sizeof *row_im);
    for (int64_t y = 0; y < h; y++) {
        const double c = t->down.cosine[y * h + my], s = t->down.sine[y * h + my];
        for (int64_t m = 0; m < columns; m++) {
            row_re[m] += c * re[y * columns + m] - s * im[y * columns + m];
            row_im[m] += c * im[y * columns + m] + s * re[y * columns + m];
        }
    }
    for (int64_t m = 0; m < columns; m++) {
        const int32_t ring = t->ring[my * columns + m];
        if (ring >= 0)
            power[ring] +=
                multiplicity(m, t->set->width) * (row_re[m] * row_re[m] + row_im[m] * row_im[m]);
    }
}

static void transform_image(void *argument, int64_t index, int worker) {
    const transform *t = argument;
    const pdessm_image_set *set = t->set;
    double *re = pdessm_pool_scratch(t->pool, worker), *im = re + t->half;
    double *row_re = im + t->half, *row_im = row_re + t->across.frequencies;
    const int64_t image = t->first + index, pixels = set->height * set->width;
    for (int64_t c = 0; c < set->channels; c++) {
        transform_rows(t, set->images + (image * set->channels + c) * pixels, re, im);
        for (int64_t my = 0; my < set->height; my++)
            add_row(t, my, re, im, row_re, row_im, t->power + image * t->rings);
    }
}

static pdessm_status prepare(pdessm_context *ctx, transform *t) {
    pdessm_status status;
    const pdessm_image_set *set = t->set;
    const int64_t columns = set->width / 2 + 1;
    t->half = (size_t)(set->height * columns);
    PDESSM_TRY(waves_create(ctx, set->width, columns, &t->across));
    PDESSM_TRY(waves_create(ctx, set->height, set->height, &t->down));
    PDESSM_TRY(
        pdessm_alloc(ctx, (size_t)set->count, (size_t)t->rings * sizeof *t->power, &t->power));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)t->rings, sizeof *t->modes, &t->modes));
    PDESSM_TRY(pdessm_alloc(ctx, t->half, sizeof *t->ring, &t->ring));
    PDESSM_REQUIRE(ctx,
                   pdessm_pool_reserve(ctx->pool, 2 * (t->half + (size_t)columns) * sizeof(double)),
                   PDESSM_ERROR_MEMORY, "out of memory: scratch for spectra");
    number_rings(t);
out:
    return status;
}

static void release(transform *t) {
    free(t->across.cosine);
    free(t->across.sine);
    free(t->down.cosine);
    free(t->down.sine);
    free(t->power);
    free(t->modes);
    free(t->ring);
}

pdessm_status pdessm_spectrum_watched(pdessm_context *ctx, const pdessm_image_set *set,
                                      const pdessm_watch *watch, double *ret) {
    pdessm_status status;
    const double pixels = (double)(set->height * set->width);
    transform t = {
        .pool = ctx->pool, .set = set, .rings = pdessm_spectrum_rings(set->height, set->width)};
    PDESSM_TRY(prepare(ctx, &t));
    for (const int64_t some = 256; t.first < set->count; t.first += some) {
        const int64_t left = set->count - t.first;
        pdessm_parallel(ctx->pool, left < some ? left : some, transform_image, &t);
        PDESSM_TRY(pdessm_watch_tell(ctx, watch, (double)t.first / (double)set->count));
    }
    for (int64_t ring = 0; ring < t.rings; ring++) {
        double sum = 0;
        for (int64_t i = 0; i < set->count; i++)
            sum += t.power[i * t.rings + ring];
        ret[ring] = sum / (t.modes[ring] * (double)(set->count * set->channels) * pixels * pixels);
    }
out:
    release(&t);
    return status;
}

pdessm_status pdessm_metric_spectrum(pdessm_context *ctx, const pdessm_image_set *set,
                                     const pdessm_metric_options *options, double *ret) {
    const pdessm_watch watch = pdessm_metric_watch(options);
    const pdessm_points pixels = {set->count, set->channels * set->height * set->width,
                                  set->images};
    pdessm_status status = pdessm_points_check(ctx, "spectrum", &pixels, 1);
    return status == PDESSM_OK ? pdessm_spectrum_watched(ctx, set, &watch, ret) : status;
}
