/* SPDX-License-Identifier: MIT */
/* descent.c: gradient descent and Adam, once from the start. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optimize/methods.h"

/* Armijo's rule: a step is accepted when it gains this share of what the slope promises. */
static const double GAIN = 1e-4;
/* In units of half the box: Adam's first rate, the first step of gd, the shortest one. */
static const double ADAM_RATE = 0.02, FIRST_STEP = 0.01, LEAST_STEP = 1e-15;
static const double BETA1 = 0.9, BETA2 = 0.999, EPSILON = 1e-12;

/* Everything below is in units of half the box: u with x = centre + half u, g = half df/dx. */
typedef struct descent {
    pdessm_search *s;
    int64_t d;
    double *block, *g, *next, *g_next, *m, *v;
} descent;

static pdessm_status allocate(descent *t) {
    pdessm_status status = pdessm_alloc(t->s->ctx, (size_t)(5 * t->d), sizeof *t->block, &t->block);
    if (status != PDESSM_OK)
        return status;
    t->g = t->block;
    t->next = t->g + t->d;
    t->g_next = t->next + t->d;
    t->m = t->g_next + t->d;
    t->v = t->m + t->d;
    return PDESSM_OK;
}

static pdessm_status evaluate(descent *t, const double *x, double *ret_f, double *g) {
    pdessm_status status = pdessm_search_evaluate(t->s, 1, x, ret_f, g);
    for (int64_t j = 0; j < t->d; j++)
        g[j] *= t->s->half[j];
    return status;
}

static double square(int64_t n, const double *g) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += g[i] * g[i];
    return sum;
}

static pdessm_status descend(descent *t, double *x) {
    pdessm_search *s = t->s;
    double f, f_next, rate = 0;
    pdessm_status status = PDESSM_OK;
    s->result.ending = PDESSM_ENDED_BUDGET;
    PDESSM_TRY(evaluate(t, x, &f, t->g));
    if (!isfinite(f))
        return pdessm_search_not_finite(s, "gd");
    while (pdessm_search_left(s) >= 2) {
        const double slope = square(t->d, t->g);
        rate = rate > 0 ? rate : FIRST_STEP / sqrt(slope);
        if (!(slope > 0) || rate * sqrt(slope) < LEAST_STEP) {
            s->result.ending = PDESSM_ENDED_CONVERGED;
            break;
        }
        for (int64_t j = 0; j < t->d; j++)
            t->next[j] = x[j] - rate * s->half[j] * t->g[j];
        pdessm_search_clip(s, t->next);
        PDESSM_TRY(evaluate(t, t->next, &f_next, t->g_next));
        if (f_next <= f - GAIN * rate * slope) {
            memcpy(x, t->next, (size_t)t->d * sizeof *x);
            memcpy(t->g, t->g_next, (size_t)t->d * sizeof *t->g);
            f = f_next;
            rate *= 2;
            PDESSM_TRY(pdessm_search_tell(s));
        } else {
            rate *= 0.5;
        }
    }
out:
    return status;
}

static pdessm_status run_adam(descent *t, double *x) {
    pdessm_search *s = t->s;
    pdessm_status status = PDESSM_OK;
    const int64_t steps = s->options->budget / 2;
    double f;
    s->result.ending = PDESSM_ENDED_BUDGET;
    for (int64_t k = 0; k < steps; k++) {
        const double rate = ADAM_RATE * (1 - (double)k / (double)steps);
        const double rest1 = 1 - pow(BETA1, (double)k + 1), rest2 = 1 - pow(BETA2, (double)k + 1);
        PDESSM_TRY(evaluate(t, x, &f, t->g));
        if (!isfinite(f))
            return isfinite(s->result.value) ? PDESSM_OK : pdessm_search_not_finite(s, "adam");
        for (int64_t j = 0; j < t->d; j++) {
            t->m[j] = BETA1 * t->m[j] + (1 - BETA1) * t->g[j];
            t->v[j] = BETA2 * t->v[j] + (1 - BETA2) * t->g[j] * t->g[j];
            x[j] -= rate * s->half[j] * (t->m[j] / rest1) / (sqrt(t->v[j] / rest2) + EPSILON);
        }
        pdessm_search_clip(s, x);
        PDESSM_TRY(pdessm_search_tell(s));
    }
out:
    return status;
}

static pdessm_status run(pdessm_search *s, double *x,
                         pdessm_status (*method)(descent *t, double *x)) {
    descent t = {.s = s, .d = s->d};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(allocate(&t));
    PDESSM_TRY(method(&t, x));
out:
    free(t.block);
    return status;
}

pdessm_status pdessm_search_descend(pdessm_search *s, double *x) {
    return run(s, x, descend);
}

pdessm_status pdessm_search_adam(pdessm_search *s, double *x) {
    return run(s, x, run_adam);
}
