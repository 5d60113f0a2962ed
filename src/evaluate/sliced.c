/* SPDX-License-Identifier: MIT */
/* sliced.c: sliced Wasserstein distance: transport in one dimension, which sorting solves,
 * averaged over directions (Rabin et al. 2011, Bonneel et al. 2015). */
#include <math.h>
#include <stdlib.h>

#include "core/random.h"
#include "evaluate/metrics.h"

enum { DIRECTIONS_AT_ONCE = 128 };

/* Unit vectors [count, dimension], numbers first .. of the stream: normal vectors, scaled. */
static pdessm_status draw_directions(pdessm_context *ctx, uint64_t seed, int64_t first,
                                     int64_t count, int64_t dimension, pdessm_panels **ret) {
    double *v = NULL;
    pdessm_status status = pdessm_alloc(ctx, (size_t)count, (size_t)dimension * sizeof *v, &v);
    if (status != PDESSM_OK)
        return status;
    for (int64_t i = 0; i < count; i++) {
        double *row = v + i * dimension, norm = 0;
        for (int64_t k = 0; k < dimension; k++) {
            row[k] = pdessm_normal(seed, PDESSM_RANDOM_METRIC, PDESSM_METRIC_DIRECTIONS,
                                   (uint32_t)(first + i), k);
            norm += row[k] * row[k];
        }
        for (int64_t k = 0; k < dimension; k++)
            row[k] /= sqrt(norm);
    }
    const pdessm_matrix rows = {
        .rows = count, .columns = dimension, .row_step = dimension, .column_step = 1, .full = v};
    status = pdessm_panels_create(ctx, &rows, ret);
    free(v);
    return status;
}

/* Projections of one set, [DIRECTIONS_AT_ONCE][count]. */
typedef struct projections {
    int64_t count;
    double *value;
} projections;

static void keep_projections(void *user, const pdessm_tile *t) {
    const projections *p = user;
    for (int64_t r = 0; r < t->rows; r++)
        for (int64_t c = 0; c < t->columns; c++)
            p->value[(t->column + c) * p->count + t->row + r] = t->value[r * t->stride + c];
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Squared 2-Wasserstein distance of sorted numbers: the integral over q in [0, 1] of the squared
 * difference of the quantile functions, which are steps of 1/n and of 1/m. Time runs in units of
 * 1/(n m), so that ends of steps compare exactly. */
static double transport(const double *x, int64_t n, const double *y, int64_t m) {
    double sum = 0;
    int64_t at = 0, i = 0, j = 0;
    while (i < n && j < m) {
        const int64_t end_x = (i + 1) * m, end_y = (j + 1) * n;
        const int64_t end = end_x < end_y ? end_x : end_y;
        sum += (double)(end - at) * (x[i] - y[j]) * (x[i] - y[j]);
        at = end;
        i += end == end_x;
        j += end == end_y;
    }
    return sum / ((double)n * (double)m);
}

typedef struct sliced {
    projections x, r;
    double distance[DIRECTIONS_AT_ONCE]; /* squared */
} sliced;

static void measure(void *argument, int64_t index, int worker) {
    sliced *s = argument;
    double *x = s->x.value + index * s->x.count, *r = s->r.value + index * s->r.count;
    (void)worker;
    qsort(x, (size_t)s->x.count, sizeof *x, compare);
    qsort(r, (size_t)s->r.count, sizeof *r, compare);
    s->distance[index] = transport(x, s->x.count, r, s->r.count);
}

/* Adds the squared distances along directions first .. first + count - 1 to *sum. */
static pdessm_status add_directions(pdessm_context *ctx, uint64_t seed, int64_t first,
                                    int64_t count, int64_t dimension, const pdessm_panels *x,
                                    const pdessm_panels *r, sliced *s, double *sum) {
    pdessm_status status;
    pdessm_panels *directions = NULL;
    const pdessm_watch nobody = {0};
    PDESSM_TRY(draw_directions(ctx, seed, first, count, dimension, &directions));
    PDESSM_TRY(pdessm_panels_visit(ctx, x, directions, PDESSM_TILE_PRODUCTS, 0, keep_projections,
                                   &s->x, &nobody));
    PDESSM_TRY(pdessm_panels_visit(ctx, r, directions, PDESSM_TILE_PRODUCTS, 0, keep_projections,
                                   &s->r, &nobody));
    pdessm_parallel(ctx->pool, count, measure, s);
    for (int64_t i = 0; i < count; i++)
        *sum += s->distance[i];
out:
    pdessm_panels_destroy(&directions);
    return status;
}

pdessm_status pdessm_sliced_watched(pdessm_context *ctx, const pdessm_points *samples,
                                    const pdessm_points *reference,
                                    const pdessm_metric_options *options, const pdessm_watch *watch,
                                    double *ret) {
    pdessm_status status;
    pdessm_panels *x = NULL, *r = NULL;
    const int64_t directions = options->directions;
    sliced s = {{samples->count, NULL}, {reference->count, NULL}, {0}};
    double sum = 0;
    PDESSM_TRY(pdessm_points_panels(ctx, samples, &x));
    PDESSM_TRY(pdessm_points_panels(ctx, reference, &r));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)samples->count, DIRECTIONS_AT_ONCE * sizeof *s.x.value,
                            &s.x.value));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)reference->count, DIRECTIONS_AT_ONCE * sizeof *s.r.value,
                            &s.r.value));
    for (int64_t first = 0; first < directions; first += DIRECTIONS_AT_ONCE) {
        const int64_t left = directions - first;
        const int64_t count = left < DIRECTIONS_AT_ONCE ? left : DIRECTIONS_AT_ONCE;
        PDESSM_TRY(
            add_directions(ctx, options->seed, first, count, samples->dimension, x, r, &s, &sum));
        PDESSM_TRY(pdessm_watch_tell(ctx, watch, (double)(first + count) / (double)directions));
    }
    *ret = sqrt(sum / (double)directions);
out:
    free(s.x.value);
    free(s.r.value);
    pdessm_panels_destroy(&x);
    pdessm_panels_destroy(&r);
    return status;
}

pdessm_status pdessm_metric_sliced_wasserstein(pdessm_context *ctx, const pdessm_points *samples,
                                               const pdessm_points *reference,
                                               const pdessm_metric_options *options, double *ret) {
    const pdessm_watch watch = pdessm_metric_watch(options);
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, options->directions >= 1, PDESSM_ERROR_ARGUMENT,
                   "sliced Wasserstein distance: %d directions, expected 1 or more",
                   options->directions);
    PDESSM_TRY(pdessm_points_check_pair(ctx, "sliced Wasserstein distance", samples, reference, 1));
    PDESSM_TRY(pdessm_sliced_watched(ctx, samples, reference, options, &watch, ret));
out:
    return status;
}
