/* SPDX-License-Identifier: MIT */
/* frechet.c: Frechet distance between the Gaussians that fit two sets of points (Dowson and
 * Landau 1982; on features of a network: Heusel et al. 2017). */
#include <math.h>
#include <stdlib.h>

#include "evaluate/metrics.h"
#include "numeric/eigen.h"

typedef struct product {
    double *values;
    int64_t columns;
} product;

static void keep_product(void *user, const pdessm_tile *t) {
    const product *p = user;
    for (int64_t r = 0; r < t->rows; r++)
        for (int64_t c = 0; c < t->columns; c++)
            p->values[(t->row + r) * p->columns + t->column + c] = t->value[r * t->stride + c];
}

/* ret = A B^T for square matrices [d, d]. */
static pdessm_status multiply(pdessm_context *ctx, int64_t d, const double *a, const double *b,
                              const pdessm_watch *watch, double *ret) {
    pdessm_status status;
    pdessm_panels *rows = NULL, *columns = NULL;
    pdessm_matrix source = {.rows = d, .columns = d, .row_step = d, .column_step = 1, .full = a};
    product p = {ret, d};
    PDESSM_TRY(pdessm_panels_create(ctx, &source, &rows));
    source.full = b;
    PDESSM_TRY(pdessm_panels_create(ctx, &source, &columns));
    PDESSM_TRY(
        pdessm_panels_visit(ctx, rows, columns, PDESSM_TILE_PRODUCTS, 0, keep_product, &p, watch));
out:
    pdessm_panels_destroy(&rows);
    pdessm_panels_destroy(&columns);
    return status;
}

/* tr (B^1/2 A B^1/2)^1/2 of covariances; B is overwritten. With B = V^T L V (rows of V are
 * eigenvectors) the matrix inside has the eigenvalues of H A H^T, H = L^1/2 V, which needs neither
 * matrix to be regular: rounding only makes eigenvalues that are zero a little negative, and those
 * count as zero. */
static pdessm_status trace_of_root(pdessm_context *ctx, int64_t d, const double *a, double *b,
                                   const pdessm_watch *watch, double *ret) {
    pdessm_status status;
    double *values = NULL, *half = NULL, *inner = NULL;
    const pdessm_watch first = pdessm_watch_part(watch, 0.4, 0.5),
                       second = pdessm_watch_part(watch, 0.5, 0.6);
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)d, sizeof *values, &values));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)d, (size_t)d * sizeof *half, &half));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)d, (size_t)d * sizeof *inner, &inner));
    PDESSM_TRY(pdessm_symmetric_eigen(ctx, d, b, values));
    for (int64_t i = 0; i < d; i++)
        for (int64_t k = 0; k < d; k++)
            b[i * d + k] *= sqrt(fmax(0, values[i]));
    PDESSM_TRY(multiply(ctx, d, b, a, &first, half)); /* H A: A is symmetric */
    PDESSM_TRY(multiply(ctx, d, half, b, &second, inner));
    PDESSM_TRY(pdessm_symmetric_eigen(ctx, d, inner, values));
    double sum = 0;
    for (int64_t i = 0; i < d; i++)
        sum += sqrt(fmax(0, values[i]));
    *ret = sum;
out:
    free(values);
    free(half);
    free(inner);
    return status;
}

pdessm_status pdessm_frechet_watched(pdessm_context *ctx, const pdessm_points *samples,
                                     const pdessm_points *reference, const pdessm_watch *watch,
                                     double *ret) {
    pdessm_status status;
    pdessm_moments x = {0}, r = {0};
    const int64_t d = samples->dimension;
    const pdessm_watch first = pdessm_watch_part(watch, 0, 0.2),
                       second = pdessm_watch_part(watch, 0.2, 0.4);
    double root = 0, sum = 0;
    PDESSM_TRY(pdessm_moments_compute(ctx, samples, &first, &x));
    PDESSM_TRY(pdessm_moments_compute(ctx, reference, &second, &r));
    for (int64_t i = 0; i < d; i++) {
        double shift = x.mean[i] - r.mean[i];
        sum += shift * shift + x.covariance[i * d + i] + r.covariance[i * d + i];
    }
    PDESSM_TRY(trace_of_root(ctx, d, x.covariance, r.covariance, watch, &root));
    *ret = fmax(0, sum - 2 * root);
out:
    pdessm_moments_release(&x);
    pdessm_moments_release(&r);
    return status;
}

pdessm_status pdessm_metric_frechet(pdessm_context *ctx, const pdessm_points *samples,
                                    const pdessm_points *reference,
                                    const pdessm_metric_options *options, double *ret) {
    const pdessm_watch watch = pdessm_metric_watch(options);
    pdessm_status status = pdessm_points_check_pair(ctx, "Frechet distance", samples, reference, 2);
    return status == PDESSM_OK ? pdessm_frechet_watched(ctx, samples, reference, &watch, ret)
                               : status;
}
