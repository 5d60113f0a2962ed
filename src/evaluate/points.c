/* SPDX-License-Identifier: MIT */
/* points.c: checks of points, their mean and covariance, seeded orders, rounding to 8 bits. */
#include <math.h>
#include <stdlib.h>

#include "core/random.h"
#include "evaluate/metrics.h"
#include "files/bitmap.h"

pdessm_metric_options pdessm_metric_defaults(void) {
    return (pdessm_metric_options){.neighbours = 5, .directions = 512, .low_share = 0.25};
}

/* ------------------------------------------------------------------ checks */

pdessm_status pdessm_points_check(pdessm_context *ctx, const char *what,
                                  const pdessm_points *points, int64_t least) {
    pdessm_status status = PDESSM_OK;
    const int64_t n = points->count, d = points->dimension;
    PDESSM_REQUIRE(ctx, d >= 1, PDESSM_ERROR_SHAPE, "%s: points without numbers", what);
    PDESSM_REQUIRE(ctx, n >= least, PDESSM_ERROR_ARGUMENT,
                   "%s: %lld points, expected at least %lld", what, (long long)n, (long long)least);
    for (int64_t i = 0; i < n * d; i++)
        PDESSM_REQUIRE(ctx, isfinite(points->values[i]), PDESSM_ERROR_NUMERIC,
                       "%s: number %lld of point %lld is not finite", what, (long long)(i % d),
                       (long long)(i / d));
out:
    return status;
}

pdessm_status pdessm_points_check_pair(pdessm_context *ctx, const char *what,
                                       const pdessm_points *samples, const pdessm_points *reference,
                                       int64_t least) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, samples->dimension == reference->dimension, PDESSM_ERROR_SHAPE,
                   "%s: samples of %lld numbers, reference of %lld: expected the same", what,
                   (long long)samples->dimension, (long long)reference->dimension);
    PDESSM_TRY(pdessm_points_check(ctx, what, samples, least));
    PDESSM_TRY(pdessm_points_check(ctx, what, reference, least));
out:
    return status;
}

pdessm_status pdessm_points_panels(pdessm_context *ctx, const pdessm_points *points,
                                   pdessm_panels **ret) {
    const pdessm_matrix rows = {.rows = points->count,
                                .columns = points->dimension,
                                .row_step = points->dimension,
                                .column_step = 1,
                                .single = points->values};
    return pdessm_panels_create(ctx, &rows, ret);
}

pdessm_status pdessm_metric_order(pdessm_context *ctx, uint64_t seed, int stream, int64_t n,
                                  int64_t **ret) {
    int64_t *order = NULL;
    pdessm_status status = pdessm_alloc(ctx, (size_t)n, sizeof *order, &order);
    if (status != PDESSM_OK)
        return status;
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t k =
            pdessm_below(seed, PDESSM_RANDOM_METRIC, (uint32_t)stream, 0, i, (uint64_t)i + 1);
        int64_t swapped = order[i];
        order[i] = order[k];
        order[k] = swapped;
    }
    *ret = order;
    return PDESSM_OK;
}

pdessm_status pdessm_metric_choose(pdessm_context *ctx, uint64_t seed, int64_t all, int64_t count,
                                   int64_t *ret) {
    int64_t *order = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, count >= 0 && count <= all, PDESSM_ERROR_ARGUMENT,
                   "a choice of %lld of %lld items", (long long)count, (long long)all);
    PDESSM_TRY(pdessm_metric_order(ctx, seed, PDESSM_METRIC_LIMIT, all, &order));
    for (int64_t i = 0; i < count; i++)
        ret[i] = count == all ? i : order[i];
out:
    free(order);
    return status;
}

pdessm_status pdessm_images_round(pdessm_context *ctx, const char *name, int64_t numbers,
                                  float *images) {
    enum { PIECE = 4096 };
    uint8_t bytes[PIECE];
    pdessm_status status = PDESSM_OK;
    for (int64_t i = 0; i < numbers; i++)
        PDESSM_REQUIRE(ctx, isfinite(images[i]), PDESSM_ERROR_NUMERIC,
                       "%s draws values that are not finite; is the model trained?", name);
    for (int64_t i = 0; i < numbers; i += PIECE) {
        const int64_t n = numbers - i < PIECE ? numbers - i : PIECE;
        pdessm_images_to_bytes(images + i, 1, 1, 1, n, bytes);
        for (int64_t k = 0; k < n; k++)
            images[i + k] = (float)bytes[k] / 127.5f - 1;
    }
out:
    return status;
}

/* ------------------------------------------------------------------ moments */

typedef struct covariance_job {
    double *covariance;
    int64_t dimension;
    double scale;
} covariance_job;

/* Both triangles, each pair of places from the one tile that holds i <= j. */
static void keep_covariance(void *user, const pdessm_tile *t) {
    const covariance_job *job = user;
    for (int64_t r = 0; r < t->rows; r++)
        for (int64_t c = 0; c < t->columns; c++) {
            const int64_t i = t->row + r, j = t->column + c;
            if (i > j)
                continue;
            double value = job->scale * t->value[r * t->stride + c];
            job->covariance[i * job->dimension + j] = value;
            job->covariance[j * job->dimension + i] = value;
        }
}

pdessm_status pdessm_moments_compute(pdessm_context *ctx, const pdessm_points *points,
                                     const pdessm_watch *watch, pdessm_moments *ret) {
    pdessm_status status;
    const int64_t n = points->count, d = points->dimension;
    pdessm_moments m = {.dimension = d};
    pdessm_panels *panels = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)d, sizeof *m.mean, &m.mean));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)d, (size_t)d * sizeof *m.covariance, &m.covariance));
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < d; k++)
            m.mean[k] += (double)points->values[i * d + k];
    for (int64_t k = 0; k < d; k++)
        m.mean[k] /= (double)n;
    const pdessm_matrix centred = {.rows = d,
                                   .columns = n,
                                   .row_step = 1,
                                   .column_step = d,
                                   .single = points->values,
                                   .row_shift = m.mean};
    PDESSM_TRY(pdessm_panels_create(ctx, &centred, &panels));
    covariance_job job = {m.covariance, d, 1 / (double)(n - 1)};
    PDESSM_TRY(pdessm_panels_visit(ctx, panels, panels, PDESSM_TILE_PRODUCTS, 1, keep_covariance,
                                   &job, watch));
    *ret = m;
    m = (pdessm_moments){0};
out:
    pdessm_panels_destroy(&panels);
    pdessm_moments_release(&m);
    return status;
}

void pdessm_moments_release(pdessm_moments *moments) {
    free(moments->mean);
    free(moments->covariance);
    *moments = (pdessm_moments){0};
}
