/* SPDX-License-Identifier: MIT */
/* recovery.c: how much of the data's variance the samples have in the directions in which
 * the data varies least. */
#include <math.h>
#include <stdlib.h>

#include "evaluate/metrics.h"
#include "numeric/eigen.h"

static void add_squares(void *user, const pdessm_tile *t) {
    double *sum = user;
    for (int64_t r = 0; r < t->rows; r++)
        for (int64_t c = 0; c < t->columns; c++) {
            const double x = t->value[r * t->stride + c];
            sum[t->row + r] += x * x;
        }
}

/* ret[i] = variance of points along row i of `directions`, over count - 1. */
static pdessm_status variances(pdessm_context *ctx, const pdessm_panels *directions, int64_t rows,
                               const pdessm_points *points, const pdessm_watch *watch,
                               double *ret) {
    pdessm_status status;
    pdessm_panels *centred = NULL;
    const int64_t n = points->count, d = points->dimension;
    double *mean = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)d, sizeof *mean, &mean));
    for (int64_t i = 0; i < n * d; i++)
        mean[i % d] += (double)points->values[i] / (double)n;
    const pdessm_matrix source = {.rows = n,
                                  .columns = d,
                                  .row_step = d,
                                  .column_step = 1,
                                  .single = points->values,
                                  .column_shift = mean};
    PDESSM_TRY(pdessm_panels_create(ctx, &source, &centred));
    PDESSM_TRY(pdessm_panels_visit(ctx, directions, centred, PDESSM_TILE_PRODUCTS, 0, add_squares,
                                   ret, watch));
    for (int64_t i = 0; i < rows; i++)
        ret[i] /= (double)(n - 1);
out:
    free(mean);
    pdessm_panels_destroy(&centred);
    return status;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Overwrites x by the ratios. */
static void summarise(double *x, const double *r, int64_t rows, pdessm_recovery *ret) {
    double of_samples = 0, of_reference = 0;
    int64_t ratios = 0;
    for (int64_t i = 0; i < rows; i++) {
        of_samples += x[i];
        of_reference += r[i];
        if (r[i] > 0)
            x[ratios++] = x[i] / r[i];
    }
    qsort(x, (size_t)ratios, sizeof *x, compare);
    *ret = (pdessm_recovery){.ratio = of_reference > 0 ? of_samples / of_reference : (double)NAN,
                             .median =
                                 ratios ? (x[(ratios - 1) / 2] + x[ratios / 2]) / 2 : (double)NAN,
                             .eigenvectors = rows};
}

pdessm_status pdessm_recovery_watched(pdessm_context *ctx, const pdessm_points *directions,
                                      const pdessm_points *samples, const pdessm_points *reference,
                                      double low_share, const pdessm_watch *watch,
                                      pdessm_recovery *ret) {
    pdessm_status status;
    const int64_t d = directions->dimension;
    const int64_t rows = (int64_t)fmax(1, floor(low_share * (double)d));
    const pdessm_watch parts[3] = {pdessm_watch_part(watch, 0, 0.3),
                                   pdessm_watch_part(watch, 0.6, 0.8),
                                   pdessm_watch_part(watch, 0.8, 1)};
    pdessm_moments moments = {0};
    pdessm_panels *lowest = NULL;
    double *values = NULL, *x = NULL, *r = NULL;
    PDESSM_TRY(pdessm_moments_compute(ctx, directions, &parts[0], &moments));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)d, sizeof *values, &values));
    PDESSM_TRY(pdessm_symmetric_eigen(ctx, d, moments.covariance, values));
    /* Eigenvalues rise, so the lowest stand in the first rows. */
    const pdessm_matrix source = {
        .rows = rows, .columns = d, .row_step = d, .column_step = 1, .full = moments.covariance};
    PDESSM_TRY(pdessm_panels_create(ctx, &source, &lowest));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)rows, sizeof *x, &x));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)rows, sizeof *r, &r));
    PDESSM_TRY(variances(ctx, lowest, rows, samples, &parts[1], x));
    PDESSM_TRY(variances(ctx, lowest, rows, reference, &parts[2], r));
    summarise(x, r, rows, ret);
out:
    pdessm_moments_release(&moments);
    pdessm_panels_destroy(&lowest);
    free(values);
    free(x);
    free(r);
    return status;
}

pdessm_status pdessm_metric_recovery(pdessm_context *ctx, const pdessm_points *directions,
                                     const pdessm_points *samples, const pdessm_points *reference,
                                     const pdessm_metric_options *options, pdessm_recovery *ret) {
    const pdessm_watch watch = pdessm_metric_watch(options);
    const char *what = "low-eigenvalue recovery";
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, options->low_share > 0 && options->low_share <= 1, PDESSM_ERROR_ARGUMENT,
                   "%s: the lowest %g of the eigenvalues, expected more than 0 and at most 1", what,
                   options->low_share);
    PDESSM_TRY(pdessm_points_check_pair(ctx, what, directions, reference, 2));
    PDESSM_TRY(pdessm_points_check_pair(ctx, what, samples, reference, 2));
    PDESSM_TRY(pdessm_recovery_watched(ctx, directions, samples, reference, options->low_share,
                                       &watch, ret));
out:
    return status;
}
