/* SPDX-License-Identifier: MIT */
/* panels.c: packs rows, and walks over the tiles of all their products. */
#include "device/panels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "fallback.h"
#include "panel_products.h"

enum {
    PANEL = PDESSM_PANEL,
    PANELS_DOWN = 4,    /* a tile is 64 rows high .. */
    PANELS_ACROSS = 16, /* .. and 256 wide: half a megabyte with its blocks, for the second cache */
    ROWS = PANELS_DOWN * PANEL,
    COLUMNS = PANELS_ACROSS * PANEL,
    DEPTH = 128, /* a panel's piece of this depth stays in the first cache */
};

struct pdessm_panels {
    int64_t rows, depth;
    double *values; /* [ceil(rows / PANEL)][depth][PANEL], zero behind the last row */
    double *norms;  /* [rows], squared */
};

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* ------------------------------------------------------------------ packing */

typedef struct packing {
    const pdessm_matrix *source;
    pdessm_panels *panels;
} packing;

static double element(const pdessm_matrix *m, int64_t i, int64_t k) {
    const int64_t at = i * m->row_step + k * m->column_step;
    double x = m->single ? (double)m->single[at] : m->full[at];
    x -= m->row_shift ? m->row_shift[i] : 0;
    return x - (m->column_shift ? m->column_shift[k] : 0);
}

static void pack(void *argument, int64_t panel, int worker) {
    const packing *job = argument;
    pdessm_panels *p = job->panels;
    (void)worker;
    for (int64_t r = 0; r < PANEL && panel * PANEL + r < p->rows; r++) {
        const int64_t i = panel * PANEL + r;
        double *to = p->values + panel * p->depth * PANEL + r, norm = 0;
        for (int64_t k = 0; k < p->depth; k++) {
            double x = element(job->source, i, k);
            to[k * PANEL] = x;
            norm += x * x;
        }
        p->norms[i] = norm;
    }
}

pdessm_status pdessm_panels_create(pdessm_context *ctx, const pdessm_matrix *source,
                                   pdessm_panels **ret) {
    pdessm_status status;
    pdessm_panels *p = NULL;
    const int64_t panels = ceil_div(source->rows, PANEL);
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *p, &p));
    p->rows = source->rows;
    p->depth = source->columns;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(panels * PANEL), (size_t)p->depth * sizeof *p->values,
                            &p->values));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)p->rows, sizeof *p->norms, &p->norms));
    packing job = {source, p};
    pdessm_parallel(ctx->pool, panels, pack, &job);
    *ret = p;
    p = NULL;
out:
    pdessm_panels_destroy(&p);
    return status;
}

void pdessm_panels_destroy(pdessm_panels **panels) {
    if (!*panels)
        return;
    free((*panels)->values);
    free((*panels)->norms);
    free(*panels);
    *panels = NULL;
}

/* ------------------------------------------------------------------ tiles */

typedef struct walk {
    pdessm_pool *pool;
    const pdessm_fallback *host;
    const pdessm_panels *a, *b;
    pdessm_tile_kind kind;
    int upper;
    pdessm_tile_fn visit;
    void *user;
    int64_t first; /* block of rows that index 0 stands for */
} walk;

static const double *panel_at(const pdessm_panels *p, int64_t panel, int64_t depth) {
    return p->values + (panel * p->depth + depth) * PANEL;
}

/* blocks [across][down][PANEL][PANEL] = products of `down` panels of a from row_panel on, and
 * `across` panels of b. */
static void multiply(const walk *w, int64_t row_panel, int64_t down, int64_t column_panel,
                     int64_t across, double *blocks) {
    const int64_t depth = w->a->depth;
    memset(blocks, 0, (size_t)(down * across * PANEL * PANEL) * sizeof *blocks);
    for (int64_t j = 0; j < across; j++)
        for (int64_t k = 0; k < depth; k += DEPTH)
            for (int64_t i = 0; i < down; i++)
                w->host->panel_products(
                    depth - k < DEPTH ? depth - k : DEPTH, panel_at(w->a, row_panel + i, k),
                    panel_at(w->b, column_panel + j, k), blocks + (j * down + i) * PANEL * PANEL);
}

/* Blocks to the rows of a tile; |a|^2 + |b|^2 - 2 ab of equal rows may fall below 0 by rounding. */
static void unfold(const walk *w, const pdessm_tile *t, int64_t down, const double *blocks,
                   double *ret) {
    for (int64_t i = 0; i < t->rows; i++)
        for (int64_t j = 0; j < t->columns; j += PANEL) {
            const double *from =
                blocks + ((j / PANEL * down + i / PANEL) * PANEL + i % PANEL) * PANEL;
            double *to = ret + i * t->stride + j;
            const int64_t n = t->columns - j < PANEL ? t->columns - j : PANEL;
            if (w->kind == PDESSM_TILE_PRODUCTS) {
                memcpy(to, from, (size_t)n * sizeof *to);
                continue;
            }
            const double *norms = w->b->norms + t->column + j, norm = w->a->norms[t->row + i];
            for (int64_t l = 0; l < n; l++)
                to[l] = fmax(0, norm + norms[l] - 2 * from[l]);
        }
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void visit_row(void *argument, int64_t index, int worker) {
    const walk *w = argument;
    double *blocks = pdessm_pool_scratch(w->pool, worker), *values = blocks + ROWS * COLUMNS;
    const int64_t row = (w->first + index) * ROWS;
    const int64_t rows = least(ROWS, w->a->rows - row), down = ceil_div(rows, PANEL);
    for (int64_t column = w->upper ? row / COLUMNS * COLUMNS : 0; column < w->b->rows;
         column += COLUMNS) {
        const int64_t columns = least(COLUMNS, w->b->rows - column);
        pdessm_tile tile = {row, rows, column, columns, COLUMNS, values};
        multiply(w, row / PANEL, down, column / PANEL, ceil_div(columns, PANEL), blocks);
        unfold(w, &tile, down, blocks, values);
        w->visit(w->user, &tile);
    }
}

pdessm_status pdessm_panels_visit(pdessm_context *ctx, const pdessm_panels *a,
                                  const pdessm_panels *b, pdessm_tile_kind kind, int upper,
                                  pdessm_tile_fn visit, void *user, const pdessm_watch *watch) {
    pdessm_status status = PDESSM_OK;
    const int64_t all = ceil_div(a->rows, ROWS), some = 4 * pdessm_pool_workers(ctx->pool);
    walk w = {ctx->pool, pdessm_host_table(), a, b, kind, upper, visit, user, 0};
    PDESSM_REQUIRE(ctx, a->depth == b->depth, PDESSM_ERROR_SHAPE,
                   "rows of %lld and of %lld numbers: expected equal lengths", (long long)a->depth,
                   (long long)b->depth);
    PDESSM_REQUIRE(ctx, pdessm_pool_reserve(ctx->pool, 2 * ROWS * COLUMNS * sizeof(double)),
                   PDESSM_ERROR_MEMORY, "out of memory: scratch for products of rows");
    /* In portions, between which somebody may look on. */
    for (; w.first < all; w.first += some) {
        pdessm_parallel(ctx->pool, least(some, all - w.first), visit_row, &w);
        PDESSM_TRY(pdessm_watch_tell(ctx, watch, (double)least(all, w.first + some) / (double)all));
    }
out:
    return status;
}
