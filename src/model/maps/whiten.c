/* SPDX-License-Identifier: MIT */
/* whiten.c: y = W (x - m), W = V^T diag(g) V from eigenvectors V (rows) and gains g of
 * one class; the inverse has 1 / g. Products are float64: an image's components of low variance are
 * small differences of large pixels, which the gains of up to hundreds would fill with rounding. */
#include <math.h>
#include <stdlib.h>

#include "device/panels.h"
#include "model/maps/map.h"

static int list(const pdessm_precondition_info *info, pdessm_map_array ret[PDESSM_MAP_ARRAYS]) {
    const int64_t d = info->channels * info->height * info->width;
    ret[0] = (pdessm_map_array){.name = "mean", .rank = 2, .dims = {info->classes, d}};
    ret[1] = (pdessm_map_array){.name = "vectors", .rank = 3, .dims = {info->classes, d, d}};
    ret[2] = (pdessm_map_array){.name = "gain", .rank = 2, .dims = {info->classes, d}};
    return 3;
}

static pdessm_status check(pdessm_precondition *map) {
    const float *gain = pdessm_map_values(map, "gain");
    for (int64_t i = 0; i < map->array[2].count; i++)
        if (!(gain[i] > 0) || !isfinite(gain[i]))
            return pdessm_fail(map->ctx, PDESSM_ERROR_FILE,
                               "tensor %sgain: number %lld is %g, expected more than 0",
                               PDESSM_MAP_PREFIX, (long long)i, (double)gain[i]);
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ the matrices */

/* W and its inverse of each class, as rows to multiply with: [classes][2], made when needed. */
typedef struct matrices {
    int64_t classes;
    pdessm_panels *of[][2];
} matrices;

static void release(pdessm_precondition *map) {
    matrices *m = map->work;
    for (int64_t i = 0; i < m->classes; i++)
        for (int k = 0; k < 2; k++)
            pdessm_panels_destroy(&m->of[i][k]);
    free(m);
}

typedef struct target {
    double *matrix;
    int64_t stride;
} target;

static void keep_tile(void *user, const pdessm_tile *t) {
    const target *to = user;
    for (int64_t i = 0; i < t->rows; i++)
        for (int64_t j = 0; j < t->columns; j++)
            to->matrix[(t->row + i) * to->stride + t->column + j] = t->value[i * t->stride + j];
}

/* W_ij = sum_k v_ki f_k v_kj: the products of the columns of diag(sqrt f) V with each other. */
static pdessm_status make_matrix(pdessm_precondition *map, int64_t label, int inverse,
                                 pdessm_panels **ret) {
    pdessm_status status = PDESSM_OK;
    const int64_t d = map->info.channels * map->info.height * map->info.width;
    const float *v = pdessm_map_values(map, "vectors") + label * d * d;
    const float *gain = pdessm_map_values(map, "gain") + label * d;
    const pdessm_watch nobody = {0};
    pdessm_panels *half = NULL;
    double *scaled = NULL;
    PDESSM_TRY(pdessm_alloc(map->ctx, (size_t)(d * d), sizeof *scaled, &scaled));
    for (int64_t k = 0; k < d; k++) {
        const double root = sqrt(inverse ? 1 / (double)gain[k] : (double)gain[k]);
        for (int64_t i = 0; i < d; i++)
            scaled[k * d + i] = root * (double)v[k * d + i];
    }
    const pdessm_matrix columns = {
        .rows = d, .columns = d, .row_step = 1, .column_step = d, .full = scaled};
    PDESSM_TRY(pdessm_panels_create(map->ctx, &columns, &half));
    target to = {scaled, d};
    PDESSM_TRY(pdessm_panels_visit(map->ctx, half, half, PDESSM_TILE_PRODUCTS, 0, keep_tile, &to,
                                   &nobody));
    const pdessm_matrix rows = {
        .rows = d, .columns = d, .row_step = d, .column_step = 1, .full = scaled};
    PDESSM_TRY(pdessm_panels_create(map->ctx, &rows, ret));
out:
    pdessm_panels_destroy(&half);
    free(scaled);
    return status;
}

static pdessm_status find_matrix(pdessm_precondition *map, const pdessm_map_run *r,
                                 const pdessm_panels **ret) {
    pdessm_status status = PDESSM_OK;
    const int inverse = r->direction == PDESSM_MAP_INVERT;
    if (!map->work) {
        matrices *m = NULL;
        PDESSM_TRY(
            pdessm_alloc(map->ctx, sizeof *m + (size_t)map->info.classes * sizeof m->of[0], 1, &m));
        m->classes = map->info.classes;
        map->work = m;
    }
    matrices *m = map->work;
    if (!m->of[r->label][inverse])
        PDESSM_TRY(make_matrix(map, r->label, inverse, &m->of[r->label][inverse]));
    *ret = m->of[r->label][inverse];
out:
    return status;
}

/* ------------------------------------------------------------------ running */

typedef struct images {
    float *y;
    const float *mean; /* added to each, or NULL */
    int64_t pixels;
} images;

static void store_tile(void *user, const pdessm_tile *t) {
    const images *to = user;
    for (int64_t i = 0; i < t->rows; i++)
        for (int64_t j = 0; j < t->columns; j++) {
            const int64_t pixel = t->column + j;
            double value = t->value[i * t->stride + j] + (to->mean ? (double)to->mean[pixel] : 0);
            to->y[(t->row + i) * to->pixels + pixel] = (float)value;
        }
}

static pdessm_status run(pdessm_precondition *map, const pdessm_map_run *r) {
    pdessm_status status = PDESSM_OK;
    const int64_t d = map->info.channels * map->info.height * map->info.width;
    const float *mean = pdessm_map_values(map, "mean") + r->label * d;
    const int inverse = r->direction == PDESSM_MAP_INVERT;
    const pdessm_watch nobody = {0};
    const pdessm_panels *matrix = NULL;
    pdessm_panels *x = NULL;
    double *shift = NULL, log_det = 0;
    PDESSM_TRY(find_matrix(map, r, &matrix));
    PDESSM_TRY(pdessm_alloc(map->ctx, (size_t)d, sizeof *shift, &shift));
    for (int64_t i = 0; i < d; i++)
        shift[i] = inverse ? 0 : (double)mean[i];
    for (int64_t i = 0; r->log_det && i < d; i++)
        log_det += log((double)pdessm_map_values(map, "gain")[r->label * d + i]);
    const pdessm_matrix source = {.rows = r->n,
                                  .columns = d,
                                  .row_step = d,
                                  .column_step = 1,
                                  .single = r->x,
                                  .column_shift = shift};
    PDESSM_TRY(pdessm_panels_create(map->ctx, &source, &x));
    images to = {r->y, inverse ? mean : NULL, d};
    PDESSM_TRY(pdessm_panels_visit(map->ctx, x, matrix, PDESSM_TILE_PRODUCTS, 0, store_tile, &to,
                                   &nobody));
    for (int64_t i = 0; r->log_det && i < r->n; i++)
        r->log_det[i] = log_det;
out:
    pdessm_panels_destroy(&x);
    free(shift);
    return status;
}

const pdessm_map_kind pdessm_map_whiten = {
    .has_log_det = 1, .list = list, .check = check, .run = run, .release = release};
