/* SPDX-License-Identifier: MIT */
/* assignment.h: the linear assignment problem: n rows and n columns are paired so that the sum of
 * cost[row][column] over the pairs is least. Solved exactly by shortest augmenting paths (R.
 * Jonker, A. Volgenant, "A shortest augmenting path algorithm for dense and sparse linear
 * assignment problems", Computing 38, 1987), in O(n^3). */
#ifndef PDESSM_NUMERIC_ASSIGNMENT_H
#define PDESSM_NUMERIC_ASSIGNMENT_H

#include <stdint.h>

#include "core/context.h"

/* After solve(), row_price[i] + column_price[j] <= cost[i][j] for all i, j to rounding, with
 * equality where i and j are paired: the sum of all prices is a lower bound of any pairing's cost,
 * and this pairing reaches it. */
typedef struct pdessm_assignment {
    int64_t n;
    double *row_price, *column_price;
    int32_t *column_of; /* [n]: the column paired with a row */
    /* Inside of solve(). */
    int32_t *row_of, *from;
    double *distance;
    int8_t *reached;
} pdessm_assignment;

/* Room for problems of n rows, 1 <= n < 2^15. */
pdessm_status pdessm_assignment_create(pdessm_context *ctx, int64_t n, pdessm_assignment **ret);
void pdessm_assignment_destroy(pdessm_assignment **assignment);

/* Pairs rows and columns of cost [n, n], row-major, all finite; fills in column_of and the prices.
 * Allocates nothing. Equal costs are settled by the lowest index, so that the pairing depends on
 * cost alone. */
void pdessm_assignment_solve(pdessm_assignment *assignment, const double *cost);

#endif
