/* SPDX-License-Identifier: MIT */
/* panel_products.c: all products of the rows of two panels, in float64: what distances and
 * covariances of many samples are made of. */
#include "panel_products.h"
#include "fallback.h"
#include "simd.h"

typedef double dvec __attribute__((vector_size(sizeof(vec))));

/* The register tile: with 32 registers 8 x 2 sums, with 16 of them 4 x 2. */
enum { DLANES = LANES / 2, COLUMNS = 2 * DLANES, ROWS = LANES == 16 ? 8 : 4 };

static inline dvec load(const double *p) {
    dvec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void block(int64_t depth, const double *a, const double *b, double *c) {
    dvec sum[ROWS][2];
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < 2; v++)
            sum[r][v] = load(c + r * PDESSM_PANEL + v * DLANES);
    for (int64_t k = 0; k < depth; k++, a += PDESSM_PANEL, b += PDESSM_PANEL) {
        const dvec left = load(b), right = load(b + DLANES);
        for (int r = 0; r < ROWS; r++) {
            sum[r][0] += a[r] * left;
            sum[r][1] += a[r] * right;
        }
    }
    for (int r = 0; r < ROWS; r++)
        memcpy(c + r * PDESSM_PANEL, sum[r], sizeof sum[r]);
}

void FALLBACK(panel_products)(int64_t depth, const double *a, const double *b, double *c) {
    for (int r = 0; r < PDESSM_PANEL; r += ROWS)
        for (int j = 0; j < PDESSM_PANEL; j += COLUMNS)
            block(depth, a + r, b + j, c + r * PDESSM_PANEL + j);
}
