/* SPDX-License-Identifier: MIT */
/* lbfgs.c: L-BFGS (Nocedal and Wright, algorithms 7.4 and 7.5) with a line search that
 * brackets a step of the weak Wolfe conditions by halving and doubling (Lewis and Overton). Points
 * are kept in the box by projection. A coordinate that a side of the box holds back counts neither
 * for direction nor for slope: with it no step would ever be flat enough. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optimize/methods.h"

enum { MEMORY = 10, MOST_TRIALS = 40 };
static const double ARMIJO = 1e-4, WOLFE = 0.9;
/* Converged: no coordinate of the gradient, in units of half the box, or no gain in f, is above
 * this share of 1 + |f|. */
static const double TOLERANCE = 1e-12;
/* A step that moves no coordinate by more than this, in the same units, is lost to rounding. */
static const double LEAST_MOVE = 1e-15;

typedef struct lbfgs {
    pdessm_search *s;
    int64_t d;
    double *block;
    double *step[MEMORY], *change[MEMORY]; /* s_k = x_(k+1) - x_k, y_k = g_(k+1) - g_k */
    double inverse[MEMORY];                /* 1 / (s_k . y_k) */
    int64_t pairs;                         /* seen; the last MEMORY of them are kept */
    double *p, *g, *x_trial, *g_trial, *x_next, *g_next;
    double f, f_next;
} lbfgs;

static double dot(int64_t n, const double *a, const double *b) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static pdessm_status allocate(lbfgs *l) {
    const int64_t d = l->d;
    pdessm_status status =
        pdessm_alloc(l->s->ctx, (size_t)(d * (2 * MEMORY + 6)), sizeof *l->block, &l->block);
    if (status != PDESSM_OK)
        return status;
    for (int k = 0; k < MEMORY; k++) {
        l->step[k] = l->block + 2 * k * d;
        l->change[k] = l->block + (2 * k + 1) * d;
    }
    l->p = l->block + 2 * MEMORY * d;
    l->g = l->p + d;
    l->x_trial = l->g + d;
    l->g_trial = l->x_trial + d;
    l->x_next = l->g_trial + d;
    l->g_next = l->x_next + d;
    return PDESSM_OK;
}

/* Whether a step downhill from x would leave the box through coordinate j. */
static int held(const lbfgs *l, const double *x, int64_t j) {
    const pdessm_objective *f = l->s->objective;
    return l->g[j] > 0 ? x[j] <= f->lower[j] : x[j] >= f->upper[j];
}

static int inside(const lbfgs *l, const double *x, int64_t j) {
    return x[j] > l->s->objective->lower[j] && x[j] < l->s->objective->upper[j];
}

/* p = -H g by the two loops, 0 where held; before the first pair a step of a hundredth of half the
 * box. */
static void direction(lbfgs *l, const double *x) {
    double alpha[MEMORY];
    const int64_t first = l->pairs > MEMORY ? l->pairs - MEMORY : 0;
    for (int64_t j = 0; j < l->d; j++)
        l->p[j] = held(l, x, j) ? 0 : -l->g[j];
    for (int64_t k = l->pairs - 1; k >= first; k--) {
        const int i = (int)(k % MEMORY);
        alpha[i] = l->inverse[i] * dot(l->d, l->step[i], l->p);
        for (int64_t j = 0; j < l->d; j++)
            l->p[j] -= alpha[i] * l->change[i][j];
    }
    double scale;
    if (l->pairs > 0) {
        const int i = (int)((l->pairs - 1) % MEMORY);
        scale = 1 / (l->inverse[i] * dot(l->d, l->change[i], l->change[i]));
    } else {
        scale = 0;
        for (int64_t j = 0; j < l->d; j++)
            scale = fmax(scale, fabs(l->p[j]) / l->s->half[j]);
        scale = 0.01 / scale;
    }
    for (int64_t j = 0; j < l->d; j++)
        l->p[j] *= scale;
    for (int64_t k = first; k < l->pairs; k++) {
        const int i = (int)(k % MEMORY);
        double beta = l->inverse[i] * dot(l->d, l->change[i], l->p);
        for (int64_t j = 0; j < l->d; j++)
            l->p[j] += (alpha[i] - beta) * l->step[i][j];
    }
    for (int64_t j = 0; j < l->d; j++)
        if (held(l, x, j))
            l->p[j] = 0;
}

/* x_trial = x + t p, kept in the box; answers its distance, the largest of all coordinates. */
static double place_trial(lbfgs *l, const double *x, double t) {
    double moved = 0;
    for (int64_t j = 0; j < l->d; j++)
        l->x_trial[j] = x[j] + t * l->p[j];
    pdessm_search_clip(l->s, l->x_trial);
    for (int64_t j = 0; j < l->d; j++)
        moved = fmax(moved, fabs(l->x_trial[j] - x[j]) / l->s->half[j]);
    return moved;
}

/* g . p over the coordinates that x_trial has inside of the box, which a longer step would move. */
static double slope_inside(const lbfgs *l, const double *g) {
    double sum = 0;
    for (int64_t j = 0; j < l->d; j++)
        if (inside(l, l->x_trial, j))
            sum += g[j] * l->p[j];
    return sum;
}

/* What a share ARMIJO of the slope promises for x_trial. */
static double promise(const lbfgs *l, const double *x, double t) {
    double cut = 0;
    for (int64_t j = 0; j < l->d; j++)
        if (!inside(l, l->x_trial, j))
            cut += l->g[j] * (l->x_trial[j] - x[j]);
    return fmin(0, ARMIJO * t * slope_inside(l, l->g) + ARMIJO * cut);
}

/* Looks along p; *ret_found says whether x_next, g_next and f_next hold a better point. */
static pdessm_status search_line(lbfgs *l, const double *x, int *ret_found) {
    double t = 1, below = 0, above = INFINITY, f;
    const size_t bytes = (size_t)l->d * sizeof *x;
    pdessm_status status = PDESSM_OK;
    *ret_found = 0;
    for (int trial = 0; trial < MOST_TRIALS && pdessm_search_left(l->s) >= 2; trial++) {
        if (place_trial(l, x, t) < LEAST_MOVE)
            break;
        PDESSM_TRY(pdessm_search_evaluate(l->s, 1, l->x_trial, &f, l->g_trial));
        if (f <= l->f + promise(l, x, t)) {
            const int steep = slope_inside(l, l->g_trial) < WOLFE * slope_inside(l, l->g);
            l->f_next = f;
            memcpy(l->x_next, l->x_trial, bytes);
            memcpy(l->g_next, l->g_trial, bytes);
            *ret_found = 1;
            if (!steep)
                break;
            below = t;
        } else {
            above = t;
        }
        t = isfinite(above) ? 0.5 * (below + above) : 2 * t;
    }
out:
    return status;
}

/* Moves to x_next, remembering the pair, of the coordinates inside, if its curvature is positive.
 */
static void accept(lbfgs *l, double *x) {
    const int i = (int)(l->pairs % MEMORY);
    for (int64_t j = 0; j < l->d; j++) {
        const int counts = inside(l, l->x_next, j);
        l->step[i][j] = counts ? l->x_next[j] - x[j] : 0;
        l->change[i][j] = counts ? l->g_next[j] - l->g[j] : 0;
    }
    const double curvature = dot(l->d, l->step[i], l->change[i]);
    if (curvature > 1e-14 * dot(l->d, l->change[i], l->change[i])) {
        l->inverse[i] = 1 / curvature;
        l->pairs++;
    }
    memcpy(x, l->x_next, (size_t)l->d * sizeof *x);
    memcpy(l->g, l->g_next, (size_t)l->d * sizeof *l->g);
    l->f = l->f_next;
}

/* The largest coordinate of the gradient that the box leaves free, in units of half the box. */
static double steepness(const lbfgs *l, const double *x) {
    double most = 0;
    for (int64_t j = 0; j < l->d; j++)
        if (!held(l, x, j))
            most = fmax(most, fabs(l->g[j]) * l->s->half[j]);
    return most;
}

static pdessm_status descend(lbfgs *l, double *x) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_search_evaluate(l->s, 1, x, &l->f, l->g));
    if (!isfinite(l->f))
        return PDESSM_OK;
    while (pdessm_search_left(l->s) >= 2 && steepness(l, x) > TOLERANCE * (1 + fabs(l->f))) {
        int found = 0;
        direction(l, x);
        if (!(dot(l->d, l->p, l->g) < 0)) {
            l->pairs = 0;
            direction(l, x);
        }
        PDESSM_TRY(search_line(l, x, &found));
        if (!found && l->pairs == 0)
            break;
        if (!found) { /* once more along the gradient */
            l->pairs = 0;
            continue;
        }
        const double gain = l->f - l->f_next;
        accept(l, x);
        PDESSM_TRY(pdessm_search_tell(l->s));
        if (gain <= TOLERANCE * (1e-6 + fabs(l->f)))
            break;
    }
out:
    return status;
}

pdessm_status pdessm_search_lbfgs(pdessm_search *s, double *x) {
    lbfgs l = {.s = s, .d = s->d};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(allocate(&l));
    if (pdessm_search_left(s) >= 2)
        PDESSM_TRY(descend(&l, x));
    s->result.ending = pdessm_search_left(s) >= 2 ? PDESSM_ENDED_CONVERGED : PDESSM_ENDED_BUDGET;
out:
    free(l.block);
    return status;
}

pdessm_status pdessm_search_lbfgs_restart(pdessm_search *s, double *x) {
    pdessm_status status = PDESSM_OK;
    while (pdessm_search_left(s) >= 2) {
        PDESSM_TRY(pdessm_search_lbfgs(s, x));
        pdessm_search_anywhere(s, x);
    }
    if (!isfinite(s->result.value))
        return pdessm_search_not_finite(s, "lbfgs");
    s->result.ending = PDESSM_ENDED_BUDGET;
out:
    return status;
}
