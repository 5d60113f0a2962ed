/* SPDX-License-Identifier: MIT */
/* problem_sparse.c: sparse recovery, f(x) = |A x - y|^2 / 2 + weight sum penalty(x_j), where
 * y = A x* + e for a Gaussian A [m, d] whose columns have length 1 on average and an x* with few
 * nonzeros, of either sign and 0.5 to 1.5 in size. */
#include <math.h>
#include <stdlib.h>

#include "optimize/problem.h"

enum { STREAM_MATRIX = 1 << 20, STREAM_SUPPORT, STREAM_SIZE, STREAM_NOISE };
enum { MATRIX, MINUS_Y };
static const double BOX = 2, LEAST_SIZE = 0.5, MOST_SIZE = 1.5;

static pdessm_status check_options(const pdessm_problem *p) {
    const pdessm_problem_options *o = &p->options;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(p->ctx, o->measurements >= 1 && o->measurements <= 1 << 20,
                   PDESSM_ERROR_ARGUMENT, "problem %s: %lld measurements, expected 1 to 2^20",
                   p->kind->name, (long long)o->measurements);
    PDESSM_REQUIRE(p->ctx, o->nonzeros >= 1 && o->nonzeros <= o->dimension, PDESSM_ERROR_ARGUMENT,
                   "problem %s: %lld nonzeros in %lld dimensions, expected 1 to all of them",
                   p->kind->name, (long long)o->nonzeros, (long long)o->dimension);
    PDESSM_REQUIRE(p->ctx, o->noise >= 0 && o->penalty_weight >= 0 && o->penalty_width > 0,
                   PDESSM_ERROR_ARGUMENT,
                   "problem %s: noise %g, weight %g and width %g of the penalty, expected 0 or "
                   "more, the width more than 0",
                   p->kind->name, o->noise, o->penalty_weight, o->penalty_width);
out:
    return status;
}

/* A support drawn without repetition: one step of a shuffle for each nonzero. */
static pdessm_status draw_truth(pdessm_problem *p) {
    const int64_t d = p->dimension;
    int64_t *place = NULL;
    pdessm_status status = pdessm_alloc(p->ctx, (size_t)d, sizeof *place, &place);
    if (status != PDESSM_OK)
        return status;
    for (int64_t j = 0; j < d; j++)
        place[j] = j;
    for (int64_t k = 0; k < p->options.nonzeros; k++) {
        const int64_t other = k + pdessm_below(p->options.seed, PDESSM_RANDOM_DATA, STREAM_SUPPORT,
                                               (uint32_t)p->options.instance, k, (uint64_t)(d - k));
        const int64_t chosen = place[other];
        const double size =
            LEAST_SIZE + (MOST_SIZE - LEAST_SIZE) * pdessm_problem_uniform(p, STREAM_SIZE, 2 * k);
        place[other] = place[k];
        p->truth[chosen] = pdessm_problem_uniform(p, STREAM_SIZE, 2 * k + 1) < 0.5 ? -size : size;
    }
    free(place);
    return PDESSM_OK;
}

pdessm_status pdessm_problem_draw_sparse(pdessm_problem *p) {
    const int64_t d = p->options.dimension, m = p->options.measurements;
    float *matrix = NULL, *minus = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(check_options(p));
    PDESSM_TRY(pdessm_problem_allocate(p, d));
    PDESSM_TRY(pdessm_alloc(p->ctx, (size_t)(m * d), sizeof *matrix, &matrix));
    PDESSM_TRY(pdessm_alloc(p->ctx, (size_t)m, sizeof *minus, &minus));
    PDESSM_TRY(draw_truth(p));
    for (int64_t j = 0; j < d; j++) {
        p->lower[j] = -BOX;
        p->upper[j] = BOX;
    }
    for (int64_t i = 0; i < m; i++) {
        double y = p->options.noise * pdessm_problem_normal(p, STREAM_NOISE, i);
        for (int64_t j = 0; j < d; j++) {
            matrix[i * d + j] =
                (float)(pdessm_problem_normal(p, STREAM_MATRIX, i * d + j) / sqrt((double)m));
            y += (double)matrix[i * d + j] * p->truth[j];
        }
        minus[i] = -(float)y;
    }
    PDESSM_TRY(pdessm_problem_constant(p, MATRIX, 2, (const int64_t[]){m, d}, matrix));
    PDESSM_TRY(pdessm_problem_constant(p, MINUS_Y, 1, &m, minus));
out:
    free(matrix);
    free(minus);
    return status;
}

pdessm_tensor *pdessm_problem_record_sparse(pdessm_problem *p, pdessm_problem_batch *batch) {
    pdessm_tape *tape = batch->tape;
    pdessm_tensor *residual =
        pdessm_linear(tape, batch->x[0], pdessm_tape_parameter(tape, p->constant[MATRIX], NULL),
                      pdessm_tape_parameter(tape, p->constant[MINUS_Y], NULL), 1); /* [n, m] */
    pdessm_tensor *misfit = pdessm_landscape(tape, residual, PDESSM_LANDSCAPE_SQUARE, 0.5, 1);
    pdessm_tensor *penalty = pdessm_landscape(tape, batch->x[0], p->kind->function,
                                              p->options.penalty_weight, p->options.penalty_width);
    return pdessm_add(tape, misfit, penalty);
}

void pdessm_problem_judge_sparse(const pdessm_problem *p, const double *x,
                                 pdessm_problem_score *ret) {
    double error = 0, size = 0, hits = 0, found = 0;
    for (int64_t j = 0; j < p->dimension; j++) {
        const int there = fabs(x[j]) > 0.1 * LEAST_SIZE;
        error += (x[j] - p->truth[j]) * (x[j] - p->truth[j]);
        size += p->truth[j] * p->truth[j];
        found += there;
        hits += there && p->truth[j] != 0;
    }
    ret->relative_error = sqrt(error / size);
    ret->recovered = ret->relative_error < 0.05;
    /* 2 hits / (found + there are) is the harmonic mean of precision and recall. */
    ret->support_f1 = 2 * hits / (found + (double)p->options.nonzeros);
}
