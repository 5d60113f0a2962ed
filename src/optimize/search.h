/* SPDX-License-Identifier: MIT */
/* search.h: a search under way: what every method does to it. It counts evaluations, keeps the best
 * point, knows the box, and hands out random numbers.
 *
 * The room `optimize` minimises nonconvex functions of a few variables: the homotopy, its rivals,
 * and the problems that they are tried on. It does not train networks and knows none. */
#ifndef PDESSM_OPTIMIZE_SEARCH_H
#define PDESSM_OPTIMIZE_SEARCH_H

#include <pdessm/optimize.h>

#include "core/context.h"

typedef struct pdessm_search {
    pdessm_context *ctx;
    const pdessm_objective *objective;
    const pdessm_optimize_options *options;
    pdessm_optimize_method method;
    int64_t d;
    double *half;                          /* [d] half of the box */
    double *best;                          /* [d] best point seen */
    uint32_t drawn;                        /* streams of random numbers taken so far */
    double sigma, lambda, effective;       /* of the last cloud, for those who watch */
    int64_t clouds[PDESSM_OPTIMIZE_PARTS]; /* drawn in each part of the budget */
    pdessm_optimum result;
} pdessm_search;

/* Evaluations that are left: n values, and with gradients as many again, cost n or 2 n. */
int64_t pdessm_search_left(const pdessm_search *s);

/* values [n], gradients [n, d] or NULL, at x [n, d]. The caller has seen to it that they are left.
 * What is not finite comes back as an infinite value, with the gradient 0, and is counted. */
pdessm_status pdessm_search_evaluate(pdessm_search *s, int64_t n, const double *x, double *values,
                                     double *gradients);

/* Notes the effective sample size of the cloud that was evaluated last, as a share of its samples.
 */
void pdessm_search_note_cloud(pdessm_search *s, double effective);

/* Tells whoever watches; ERROR_CANCELLED if that one wants no more. */
pdessm_status pdessm_search_tell(pdessm_search *s);

/* Ends the search because nothing finite is left to go by. */
pdessm_status pdessm_search_not_finite(pdessm_search *s, const char *where);

/* Into the box: to its nearest point; mirrored at its sides. */
void pdessm_search_clip(const pdessm_search *s, double *x);
void pdessm_search_mirror(const pdessm_search *s, double *x);

/* Normal numbers [n, d], or uniform ones in [0, 1) [count], from a stream that is taken for them.
 */
void pdessm_search_normal(pdessm_search *s, int64_t n, double *ret);
void pdessm_search_uniform(pdessm_search *s, int64_t count, double *ret);
/* A point uniform in the box. */
void pdessm_search_anywhere(pdessm_search *s, double *ret_x);

#endif
