/* SPDX-License-Identifier: MIT */
/* panels.h: products and distances between all rows of two matrices, in float64 on all threads.
 * For statistics of many samples: nothing of the size rows x rows is kept, each tile of results is
 * passed on as soon as it is there. */
#ifndef PDESSM_DEVICE_PANELS_H
#define PDESSM_DEVICE_PANELS_H

#include "core/watch.h"

/* Rows packed for products. */
typedef struct pdessm_panels pdessm_panels;

/* Where the numbers come from: element (i, k) is single[i row_step + k column_step], or full[..],
 * minus row_shift[i], minus column_shift[k]. One of single and full is NULL; shifts may be. */
typedef struct pdessm_matrix {
    int64_t rows, columns, row_step, column_step;
    const float *single;
    const double *full;
    const double *row_shift, *column_shift;
} pdessm_matrix;

/* A copy in float64; the source may go away. */
pdessm_status pdessm_panels_create(pdessm_context *ctx, const pdessm_matrix *source,
                                   pdessm_panels **ret);
void pdessm_panels_destroy(pdessm_panels **panels);

/* Results for rows row .. row + rows - 1 of the first operand and column .. column + columns - 1 of
 * the second: value[i stride + j]. */
typedef struct pdessm_tile {
    int64_t row, rows, column, columns, stride;
    const double *value;
} pdessm_tile;

/* All tiles with the same rows come from one worker, columns rising, and which tiles there are
 * depends on the shapes alone: whoever keeps one sum for each row needs no lock, and gets the same
 * bits on any number of threads. */
typedef void (*pdessm_tile_fn)(void *user, const pdessm_tile *tile);

typedef enum pdessm_tile_kind {
    PDESSM_TILE_PRODUCTS,  /* a_i . b_j */
    PDESSM_TILE_DISTANCES, /* |a_i - b_j|^2, at least 0 */
} pdessm_tile_kind;

/* a and b have rows of equal length. upper: tiles wholly below the diagonal are left out. */
pdessm_status pdessm_panels_visit(pdessm_context *ctx, const pdessm_panels *a,
                                  const pdessm_panels *b, pdessm_tile_kind kind, int upper,
                                  pdessm_tile_fn visit, void *user, const pdessm_watch *watch);

#endif
