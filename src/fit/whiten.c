/* SPDX-License-Identifier: MIT */
/* whiten.c: covariances of all classes, shrunk towards their mean, and their
 * eigenvectors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/panels.h"
#include "fit/fit.h"
#include "numeric/eigen.h"

/* Images whose products are added up at once. */
enum { CHUNK = 4096 };

/* ------------------------------------------------------------------ covariance */

typedef struct sums {
    double *matrix, weight;
    int64_t size;
} sums;

static void add_tile(void *user, const pdessm_tile *t) {
    const sums *to = user;
    for (int64_t i = 0; i < t->rows; i++) {
        double *row = to->matrix + (t->row + i) * to->size + t->column;
        for (int64_t j = 0; j < t->columns; j++)
            row[j] += to->weight * t->value[i * t->stride + j];
    }
}

static pdessm_status add_products(const pdessm_fit_job *job, const float *images, int64_t n,
                                  const double *mean, sums *to) {
    pdessm_status status = PDESSM_OK;
    pdessm_panels *pixels = NULL;
    const pdessm_watch nobody = {0};
    const pdessm_matrix source = {.rows = job->pixels,
                                  .columns = n,
                                  .row_step = 1,
                                  .column_step = job->pixels,
                                  .single = images,
                                  .row_shift = mean};
    PDESSM_TRY(pdessm_panels_create(job->ctx, &source, &pixels));
    PDESSM_TRY(pdessm_panels_visit(job->ctx, pixels, pixels, PDESSM_TILE_PRODUCTS, 1, add_tile, to,
                                   &nobody));
out:
    pdessm_panels_destroy(&pixels);
    return status;
}

pdessm_status pdessm_fit_add_covariance(const pdessm_fit_job *job, int64_t label, double weight,
                                        const double *mean, double *sum) {
    pdessm_status status = PDESSM_OK;
    const int64_t begin = job->first[label], end = job->first[label + 1];
    const int64_t most = end - begin < CHUNK ? end - begin : CHUNK;
    sums to = {sum, weight / (double)(end - begin), job->pixels};
    float *images = NULL;
    PDESSM_TRY(pdessm_alloc(job->ctx, (size_t)(most * job->pixels), sizeof *images, &images));
    for (int64_t at = begin; at < end; at += most) {
        const int64_t n = end - at < most ? end - at : most;
        pdessm_fit_images(job, at, n, images);
        PDESSM_TRY(add_products(job, images, n, mean, &to));
    }
out:
    free(images);
    return status;
}

/* ------------------------------------------------------------------ the map */

typedef struct whitening {
    const pdessm_fit_job *job;
    pdessm_precondition *map;
    double *mean, *values;  /* [D] of the current class */
    double *pooled, *sigma; /* [D, D]: S, and Sigma_y or its eigenvectors */
} whitening;

/* S = sum_y (n_y / n) S_y. */
static pdessm_status pool(whitening *w, const pdessm_watch *watch) {
    pdessm_status status = PDESSM_OK;
    const pdessm_fit_job *job = w->job;
    for (int64_t k = 0; k < job->classes; k++) {
        const int64_t n = job->first[k + 1] - job->first[k];
        PDESSM_TRY(pdessm_fit_mean(job, k, w->mean));
        PDESSM_TRY(pdessm_fit_add_covariance(job, k, (double)n / (double)job->images->count,
                                             w->mean, w->pooled));
        PDESSM_TRY(pdessm_watch_tell(job->ctx, watch, (double)(k + 1) / (double)job->classes));
    }
out:
    return status;
}

/* Eigenvectors, means and gains of one class into the map. */
static pdessm_status keep(whitening *w, int64_t label) {
    pdessm_status status = PDESSM_OK;
    const int64_t d = w->job->pixels;
    float *mean = pdessm_map_values(w->map, "mean") + label * d;
    float *gain = pdessm_map_values(w->map, "gain") + label * d;
    float *vectors = pdessm_map_values(w->map, "vectors") + label * d * d;
    double trace = 0;
    for (int64_t i = 0; i < d; i++)
        trace += fmax(w->values[i], 0);
    PDESSM_REQUIRE(w->job->ctx, trace > 0, PDESSM_ERROR_ARGUMENT,
                   "the images%s are all alike: there is nothing to whiten",
                   w->job->classes > 1 ? " of a class" : "");
    const double floor = w->map->info.epsilon * trace / (double)d;
    for (int64_t i = 0; i < d; i++) {
        mean[i] = (float)w->mean[i];
        gain[i] = (float)(1 / sqrt(fmax(w->values[i], 0) + floor));
    }
    for (int64_t i = 0; i < d * d; i++)
        vectors[i] = (float)w->sigma[i];
out:
    return status;
}

static pdessm_status whiten_class(whitening *w, int64_t label) {
    pdessm_status status = PDESSM_OK;
    const int64_t d = w->job->pixels;
    const double a = w->map->info.shrinkage;
    for (int64_t i = 0; i < d * d; i++)
        w->sigma[i] = a * w->pooled[i];
    PDESSM_TRY(pdessm_fit_mean(w->job, label, w->mean));
    PDESSM_TRY(pdessm_fit_add_covariance(w->job, label, 1 - a, w->mean, w->sigma));
    PDESSM_TRY(pdessm_symmetric_eigen(w->job->ctx, d, w->sigma, w->values));
    PDESSM_TRY(keep(w, label));
out:
    return status;
}

pdessm_status pdessm_fit_whiten(const pdessm_fit_job *job, const pdessm_watch *watch,
                                pdessm_precondition *map) {
    pdessm_status status = PDESSM_OK;
    whitening w = {.job = job, .map = map};
    const pdessm_watch covariance = pdessm_watch_part(watch, 0, 0.3);
    const size_t d = (size_t)job->pixels;
    PDESSM_TRY(pdessm_alloc(job->ctx, d, sizeof *w.mean, &w.mean));
    PDESSM_TRY(pdessm_alloc(job->ctx, d, sizeof *w.values, &w.values));
    PDESSM_TRY(pdessm_alloc(job->ctx, d * d, sizeof *w.pooled, &w.pooled));
    PDESSM_TRY(pdessm_alloc(job->ctx, d * d, sizeof *w.sigma, &w.sigma));
    PDESSM_TRY(pool(&w, &covariance));
    for (int64_t k = 0; k < job->classes; k++) {
        PDESSM_TRY(whiten_class(&w, k));
        PDESSM_TRY(
            pdessm_watch_tell(job->ctx, watch, 0.3 + 0.7 * (double)(k + 1) / (double)job->classes));
    }
out:
    free(w.mean);
    free(w.values);
    free(w.pooled);
    free(w.sigma);
    return status;
}
