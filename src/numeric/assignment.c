/* SPDX-License-Identifier: MIT */
/* assignment.c: the linear assignment problem by shortest augmenting paths. */
#include "numeric/assignment.h"

#include <math.h>
#include <stdlib.h>

pdessm_status pdessm_assignment_create(pdessm_context *ctx, int64_t n, pdessm_assignment **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_assignment *a = NULL;
    const size_t count = (size_t)n;
    PDESSM_REQUIRE(ctx, n >= 1 && n < 1 << 15, PDESSM_ERROR_ARGUMENT,
                   "assignment: %lld rows, expected 1 to 32767", (long long)n);
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *a, &a));
    a->n = n;
    PDESSM_TRY(pdessm_alloc(ctx, count, sizeof *a->row_price, &a->row_price));
    PDESSM_TRY(pdessm_alloc(ctx, count, sizeof *a->column_price, &a->column_price));
    PDESSM_TRY(pdessm_alloc(ctx, count, sizeof *a->column_of, &a->column_of));
    PDESSM_TRY(pdessm_alloc(ctx, count, sizeof *a->row_of, &a->row_of));
    PDESSM_TRY(pdessm_alloc(ctx, count, sizeof *a->from, &a->from));
    PDESSM_TRY(pdessm_alloc(ctx, count, sizeof *a->distance, &a->distance));
    PDESSM_TRY(pdessm_alloc(ctx, count, sizeof *a->reached, &a->reached));
    *ret = a;
    a = NULL;
out:
    pdessm_assignment_destroy(&a);
    return status;
}

void pdessm_assignment_destroy(pdessm_assignment **assignment) {
    pdessm_assignment *a = *assignment;
    if (!a)
        return;
    free(a->row_price);
    free(a->column_price);
    free(a->column_of);
    free(a->row_of);
    free(a->from);
    free(a->distance);
    free(a->reached);
    free(a);
    *assignment = NULL;
}

/* The cheapest column that has not been reached, a free one where several are. */
static int64_t nearest(const pdessm_assignment *a) {
    int64_t best = -1;
    for (int64_t j = 0; j < a->n; j++) {
        if (a->reached[j])
            continue;
        if (best < 0 || a->distance[j] < a->distance[best] ||
            (!(a->distance[j] > a->distance[best]) && a->row_of[best] >= 0 && a->row_of[j] < 0))
            best = j;
    }
    return best;
}

/* Dijkstra from a row without a partner to the nearest column without one, over edges of reduced
 * cost (>= 0): any edge from row to column, and the edges of the pairing back. from[j] is the row
 * that column j was reached from. Returns the column, *ret_length its distance. */
static int64_t shortest_path(pdessm_assignment *a, const double *cost, int64_t start,
                             double *ret_length) {
    const int64_t n = a->n;
    int64_t row = start, column = -1;
    double length = 0;
    for (int64_t j = 0; j < n; j++) {
        a->distance[j] = INFINITY;
        a->reached[j] = 0;
    }
    for (;;) {
        const double *edge = cost + row * n, offset = length - a->row_price[row];
        for (int64_t j = 0; j < n; j++) {
            double through = edge[j] - a->column_price[j] + offset;
            if (!a->reached[j] && through < a->distance[j]) {
                a->distance[j] = through;
                a->from[j] = (int32_t)row;
            }
        }
        column = nearest(a);
        length = a->distance[column];
        a->reached[column] = 1;
        if (a->row_of[column] < 0)
            break;
        row = a->row_of[column];
    }
    *ret_length = length;
    return column;
}

/* New prices keep all reduced costs >= 0 and make those along the path 0. */
static void update_prices(pdessm_assignment *a, int64_t start, double length) {
    a->row_price[start] += length;
    for (int64_t j = 0; j < a->n; j++) {
        double gain = a->reached[j] ? length - a->distance[j] : 0;
        a->column_price[j] -= gain;
        if (a->reached[j] && a->row_of[j] >= 0)
            a->row_price[a->row_of[j]] += gain;
    }
}

/* Every row of the path takes the column it reached; the last one is free. */
static void augment(pdessm_assignment *a, int64_t start, int64_t column) {
    for (int64_t row = -1; row != start;) {
        row = a->from[column];
        int64_t before = a->column_of[row];
        a->row_of[column] = (int32_t)row;
        a->column_of[row] = (int32_t)column;
        column = before;
    }
}

/* Column prices start at the columns' minima, and rows take columns that cost them nothing: most
 * rows are paired by that, before the first path. */
static void reduce_columns(pdessm_assignment *a, const double *cost) {
    const int64_t n = a->n;
    for (int64_t j = 0; j < n; j++) {
        a->column_price[j] = INFINITY;
        a->row_price[j] = 0;
        a->column_of[j] = a->row_of[j] = -1;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if (cost[i * n + j] < a->column_price[j]) {
                a->column_price[j] = cost[i * n + j];
                a->from[j] = (int32_t)i;
            }
    for (int64_t j = 0; j < n; j++) {
        int64_t row = a->from[j];
        if (a->column_of[row] < 0) {
            a->column_of[row] = (int32_t)j;
            a->row_of[j] = (int32_t)row;
        }
    }
}

void pdessm_assignment_solve(pdessm_assignment *assignment, const double *cost) {
    pdessm_assignment *a = assignment;
    reduce_columns(a, cost);
    for (int64_t row = 0; row < a->n; row++) {
        double length = 0;
        if (a->column_of[row] >= 0)
            continue;
        int64_t column = shortest_path(a, cost, row, &length);
        update_prices(a, row, length);
        augment(a, row, column);
    }
}
