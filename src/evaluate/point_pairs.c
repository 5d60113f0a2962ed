/* SPDX-License-Identifier: MIT */
/* point_pairs.c: what all distances between two sets of points say: the kernel distance (Gretton
 * et al. 2012) and k-nearest-neighbour precision and recall (Kynkaanniemi et al. 2019). Each pair
 * is looked at once for all of them. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "evaluate/metrics.h"

enum { BANDWIDTH_POINTS = 1000 };

/* ------------------------------------------------------------------ bandwidth */

typedef struct distances {
    double *value;
    int64_t count;
} distances;

/* The pairs i < j of n points, row by row. */
static void keep_distances(void *user, const pdessm_tile *t) {
    const distances *d = user;
    for (int64_t r = 0; r < t->rows; r++)
        for (int64_t c = 0; c < t->columns; c++) {
            const int64_t i = t->row + r, j = t->column + c;
            if (i < j)
                d->value[i * (2 * d->count - i - 1) / 2 + j - i - 1] = t->value[r * t->stride + c];
        }
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median of the squared distances between chosen points. */
static pdessm_status median_distance(pdessm_context *ctx, const pdessm_points *points,
                                     uint64_t seed, double *ret) {
    pdessm_status status;
    const int64_t n = points->count < BANDWIDTH_POINTS ? points->count : BANDWIDTH_POINTS;
    const int64_t d = points->dimension, pairs = n * (n - 1) / 2;
    int64_t *order = NULL;
    float *chosen = NULL;
    pdessm_panels *panels = NULL;
    distances found = {NULL, n};
    const pdessm_watch nobody = {0};
    PDESSM_TRY(pdessm_metric_order(ctx, seed, PDESSM_METRIC_BANDWIDTH, points->count, &order));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)n, (size_t)d * sizeof *chosen, &chosen));
    for (int64_t i = 0; i < n; i++)
        memcpy(chosen + i * d, points->values + order[i] * d, (size_t)d * sizeof *chosen);
    PDESSM_TRY(pdessm_points_panels(ctx, &(pdessm_points){n, d, chosen}, &panels));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)pairs, sizeof *found.value, &found.value));
    PDESSM_TRY(pdessm_panels_visit(ctx, panels, panels, PDESSM_TILE_DISTANCES, 1, keep_distances,
                                   &found, &nobody));
    qsort(found.value, (size_t)pairs, sizeof *found.value, compare);
    *ret = (found.value[(pairs - 1) / 2] + found.value[pairs / 2]) / 2;
    PDESSM_REQUIRE(ctx, *ret > 0, PDESSM_ERROR_NUMERIC,
                   "kernel distance: more than half of the pairs of the reference are equal, so "
                   "their median distance is no bandwidth; expected images that differ");
out:
    free(order);
    free(chosen);
    free(found.value);
    pdessm_panels_destroy(&panels);
    return status;
}

/* ------------------------------------------------------------------ one set with itself */

/* For each row: the sum of the kernel over the other points, and the nearest of them. */
typedef struct within {
    double factor; /* -1 / (2 bandwidth^2) */
    int neighbours;
    double *sum, *nearest; /* [count], [count][neighbours] rising */
} within;

/* Puts a distance into a rising list; the largest falls out. */
static void insert(double *nearest, int k, double distance) {
    int at = k - 1;
    for (; at > 0 && nearest[at - 1] > distance; at--)
        nearest[at] = nearest[at - 1];
    nearest[at] = distance;
}

static void look_within(void *user, const pdessm_tile *t) {
    const within *w = user;
    const int k = w->neighbours;
    for (int64_t r = 0; r < t->rows; r++) {
        const int64_t i = t->row + r;
        double *nearest = w->nearest + i * k, sum = 0;
        for (int64_t c = 0; c < t->columns; c++) {
            const double distance = t->value[r * t->stride + c];
            if (t->column + c == i)
                continue;
            sum += exp(w->factor * distance);
            if (distance < nearest[k - 1])
                insert(nearest, k, distance);
        }
        w->sum[i] += sum;
    }
}

static pdessm_status within_create(pdessm_context *ctx, int64_t count, double factor,
                                   int neighbours, within *ret) {
    pdessm_status status;
    *ret = (within){.factor = factor, .neighbours = neighbours};
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, sizeof *ret->sum, &ret->sum));
    PDESSM_TRY(
        pdessm_alloc(ctx, (size_t)count, (size_t)neighbours * sizeof *ret->nearest, &ret->nearest));
    for (int64_t i = 0; i < count * neighbours; i++)
        ret->nearest[i] = INFINITY;
out:
    return status;
}

static void within_release(within *w) {
    free(w->sum);
    free(w->nearest);
}

/* ------------------------------------------------------------------ one set with the other */

typedef struct between {
    const within *samples, *reference;
    double *sum;                   /* [samples] of the kernel */
    unsigned char *sample_found;   /* [samples] lies in the ball of a real point */
    atomic_uchar *reference_found; /* [reference]: any row's worker may set it */
} between;

static void look_between(void *user, const pdessm_tile *t) {
    const between *b = user;
    const int k = b->samples->neighbours;
    for (int64_t r = 0; r < t->rows; r++) {
        const int64_t i = t->row + r;
        const double reach = b->samples->nearest[i * k + k - 1];
        double sum = 0;
        for (int64_t c = 0; c < t->columns; c++) {
            const int64_t j = t->column + c;
            const double distance = t->value[r * t->stride + c];
            sum += exp(b->samples->factor * distance);
            if (distance <= b->reference->nearest[j * k + k - 1])
                b->sample_found[i] = 1;
            if (distance <= reach)
                atomic_store_explicit(&b->reference_found[j], 1, memory_order_relaxed);
        }
        b->sum[i] += sum;
    }
}

static double total(const double *value, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += value[i];
    return sum;
}

static void summarise(const between *b, int64_t samples, int64_t reference,
                      pdessm_pair_metrics *ret) {
    const double n = (double)samples, m = (double)reference;
    double found = 0, covered = 0;
    for (int64_t i = 0; i < samples; i++)
        found += b->sample_found[i];
    for (int64_t j = 0; j < reference; j++)
        covered += atomic_load_explicit(&b->reference_found[j], memory_order_relaxed);
    ret->mmd = total(b->samples->sum, samples) / (n * (n - 1)) +
               total(b->reference->sum, reference) / (m * (m - 1)) -
               2 * total(b->sum, samples) / (n * m);
    ret->precision = found / n;
    ret->recall = covered / m;
}

static pdessm_status visit_all(pdessm_context *ctx, const pdessm_points *samples,
                               const pdessm_points *reference, between *b, within *of_samples,
                               within *of_reference, const pdessm_watch *watch) {
    pdessm_status status;
    pdessm_panels *x = NULL, *r = NULL;
    const double n = (double)samples->count, m = (double)reference->count;
    const double all = n * n + m * m + n * m, first = n * n / all, second = first + m * m / all;
    const pdessm_watch parts[3] = {pdessm_watch_part(watch, 0, first),
                                   pdessm_watch_part(watch, first, second),
                                   pdessm_watch_part(watch, second, 1)};
    PDESSM_TRY(pdessm_points_panels(ctx, samples, &x));
    PDESSM_TRY(pdessm_points_panels(ctx, reference, &r));
    PDESSM_TRY(pdessm_panels_visit(ctx, x, x, PDESSM_TILE_DISTANCES, 0, look_within, of_samples,
                                   &parts[0]));
    PDESSM_TRY(pdessm_panels_visit(ctx, r, r, PDESSM_TILE_DISTANCES, 0, look_within, of_reference,
                                   &parts[1]));
    PDESSM_TRY(
        pdessm_panels_visit(ctx, x, r, PDESSM_TILE_DISTANCES, 0, look_between, b, &parts[2]));
out:
    pdessm_panels_destroy(&x);
    pdessm_panels_destroy(&r);
    return status;
}

pdessm_status pdessm_pairs_watched(pdessm_context *ctx, const pdessm_points *samples,
                                   const pdessm_points *reference,
                                   const pdessm_metric_options *options, const pdessm_watch *watch,
                                   pdessm_pair_metrics *ret) {
    pdessm_status status;
    const size_t n = (size_t)samples->count, m = (size_t)reference->count;
    const int k = options->neighbours;
    within of_samples = {0}, of_reference = {0};
    between b = {.samples = &of_samples, .reference = &of_reference};
    double squared = 0;
    PDESSM_TRY(median_distance(ctx, reference, options->seed, &squared));
    PDESSM_TRY(within_create(ctx, samples->count, -0.5 / squared, k, &of_samples));
    PDESSM_TRY(within_create(ctx, reference->count, -0.5 / squared, k, &of_reference));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *b.sum, &b.sum));
    PDESSM_TRY(pdessm_alloc(ctx, n, 1, &b.sample_found));
    PDESSM_TRY(pdessm_alloc(ctx, m, sizeof *b.reference_found, &b.reference_found));
    PDESSM_TRY(visit_all(ctx, samples, reference, &b, &of_samples, &of_reference, watch));
    pdessm_pair_metrics found = {.bandwidth = sqrt(squared)};
    summarise(&b, samples->count, reference->count, &found);
    *ret = found;
out:
    within_release(&of_samples);
    within_release(&of_reference);
    free(b.sum);
    free(b.sample_found);
    free(b.reference_found);
    return status;
}

pdessm_status pdessm_metric_pairs(pdessm_context *ctx, const pdessm_points *samples,
                                  const pdessm_points *reference,
                                  const pdessm_metric_options *options, pdessm_pair_metrics *ret) {
    const pdessm_watch watch = pdessm_metric_watch(options);
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, options->neighbours >= 1, PDESSM_ERROR_ARGUMENT,
                   "precision and recall: %d neighbours, expected 1 or more", options->neighbours);
    PDESSM_TRY(pdessm_points_check_pair(ctx, "distances between pairs", samples, reference,
                                        (int64_t)options->neighbours + 1));
    PDESSM_TRY(pdessm_pairs_watched(ctx, samples, reference, options, &watch, ret));
out:
    return status;
}
