/* SPDX-License-Identifier: MIT */
/* neighbours.c: nearest points, from all distances in tiles of which none is kept. */
#include "graphs/neighbours.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/panels.h"
#include "files/cache_folder.h"
#include "files/file.h"
#include "files/npy.h"

typedef struct nearest {
    int k;
    double *distance; /* [n, k], rising */
    int32_t *index;   /* [n, k] */
} nearest;

/* Columns come in rising order, so of equal distances the first that came stays in front. */
static void insert(double *distance, int32_t *index, int k, double d, int32_t j) {
    int at = k - 1;
    for (; at > 0 && distance[at - 1] > d; at--) {
        distance[at] = distance[at - 1];
        index[at] = index[at - 1];
    }
    distance[at] = d;
    index[at] = j;
}

static void look(void *user, const pdessm_tile *t) {
    const nearest *s = user;
    const int k = s->k;
    for (int64_t r = 0; r < t->rows; r++) {
        const int64_t i = t->row + r;
        const double *value = t->value + r * t->stride;
        double *distance = s->distance + i * k;
        for (int64_t c = 0; c < t->columns; c++)
            if (value[c] < distance[k - 1] && t->column + c != i)
                insert(distance, s->index + i * k, k, value[c], (int32_t)(t->column + c));
    }
}

pdessm_status pdessm_neighbours(pdessm_context *ctx, int64_t n, int64_t d, const float *x, int k,
                                const pdessm_watch *watch, int32_t *ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_matrix rows = {
        .rows = n, .columns = d, .row_step = d, .column_step = 1, .single = x};
    nearest s = {.k = k, .index = ret};
    pdessm_panels *panels = NULL;
    PDESSM_REQUIRE(ctx, k >= 1 && k < n && n < INT32_MAX, PDESSM_ERROR_ARGUMENT,
                   "%d nearest of %lld points: expected 1 to %lld", k, (long long)n,
                   (long long)n - 1);
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)n, (size_t)k * sizeof *s.distance, &s.distance));
    for (int64_t i = 0; i < n * k; i++)
        s.distance[i] = INFINITY;
    PDESSM_TRY(pdessm_panels_create(ctx, &rows, &panels));
    PDESSM_TRY(pdessm_panels_visit(ctx, panels, panels, PDESSM_TILE_DISTANCES, 0, look, &s, watch));
out:
    pdessm_panels_destroy(&panels);
    free(s.distance);
    return status;
}

/* ------------------------------------------------------------------ cache */

/* FNV-1a of what the answer depends on. */
static uint64_t hash_points(int64_t n, int64_t d, const float *x) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (int64_t i = 0; i < n * d; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        hash = (hash ^ bits) * 0x100000001b3u;
    }
    return hash;
}

/* 1 if the file holds an answer that is possible. */
static int take(const pdessm_array *a, int64_t n, int k, int32_t *ret) {
    const int64_t *index = a->data;
    if (a->type != PDESSM_ARRAY_INT64 || a->rank != 2 || a->dims[0] != n || a->dims[1] != k)
        return 0;
    for (int64_t i = 0; i < n * k; i++) {
        if (index[i] < 0 || index[i] >= n || index[i] == i / k)
            return 0;
        ret[i] = (int32_t)index[i];
    }
    return 1;
}

static int load(pdessm_context *ctx, const char *path, int64_t n, int k, int32_t *ret) {
    pdessm_bytes bytes = {0};
    pdessm_array array = {0};
    int found = 0;
    if (access(path, R_OK) != 0)
        return 0;
    if (pdessm_bytes_open(ctx, path, &bytes) == PDESSM_OK &&
        pdessm_npy_decode(ctx, path, bytes.data, bytes.size, n * k * 8, &array) == PDESSM_OK)
        found = take(&array, n, k, ret);
    if (!found)
        pdessm_log(ctx, PDESSM_LOG_WARNING, "%s: damaged; it is built again", path);
    pdessm_array_release(&array);
    pdessm_bytes_release(&bytes);
    return found;
}

static pdessm_status store(pdessm_context *ctx, const char *path, int64_t n, int k,
                           const int32_t *index) {
    pdessm_status status = PDESSM_OK;
    pdessm_array array = {.type = PDESSM_ARRAY_INT64, .rank = 2, .dims = {n, k}};
    int64_t *wide = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(n * k), sizeof *wide, &wide));
    for (int64_t i = 0; i < n * k; i++)
        wide[i] = index[i];
    array.data = wide;
    PDESSM_TRY(pdessm_npy_write(ctx, path, &array));
out:
    free(wide);
    return status;
}

pdessm_status pdessm_neighbours_cached(pdessm_context *ctx, const char *name, int64_t n, int64_t d,
                                       const float *x, int k, const pdessm_watch *watch,
                                       int32_t *ret) {
    char folder[3072], path[4096] = "";
    pdessm_status status = PDESSM_OK;
    if (pdessm_cache_folder("graphs", folder, sizeof folder) && pdessm_cache_folder_make(folder))
        snprintf(path, sizeof path, "%s/%s-%lldx%lld-%d-%016llx.npy", folder, name, (long long)n,
                 (long long)d, k, (unsigned long long)hash_points(n, d, x));
    if (*path && load(ctx, path, n, k, ret))
        return PDESSM_OK;
    PDESSM_TRY(pdessm_neighbours(ctx, n, d, x, k, watch, ret));
    if (*path && store(ctx, path, n, k, ret) != PDESSM_OK)
        pdessm_log(ctx, PDESSM_LOG_WARNING, "%s; the graph is built again each time", ctx->error);
out:
    return status;
}
