/* SPDX-License-Identifier: MIT */
/* anneal.c: simulated annealing of Corana, Marchesi, Martini and Ridella (1987): one
 * coordinate at a time, the width of each one's proposals held where half of them are accepted. The
 * temperature falls geometrically over the budget. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optimize/methods.h"

enum { FIRST_POINTS = 64, MOST_CYCLES = 20 };
/* Temperature at the end over that at the start, the deviation of f over the box. */
static const double COOLING = 1e-9;
/* Corana's rule: widths change outside of 40 to 60 % of acceptance, by 1 + 2 at most. */
static const double ACCEPT_MOST = 0.6, ACCEPT_LEAST = 0.4, WIDEN = 2;

typedef struct anneal {
    pdessm_search *s;
    int64_t d;
    double *x, *trial, *width, *accepted, *uniform; /* [d] each, uniform [2 d] */
    double f, first;                                /* value, first temperature */
    double spent;                                   /* evaluations before cooling began */
} anneal;

/* The deviation of f over random points of the box. */
static pdessm_status measure(anneal *a) {
    double sum = 0, squares = 0, f;
    int64_t finite = 0;
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < FIRST_POINTS && pdessm_search_left(a->s) > 1; i++) {
        pdessm_search_anywhere(a->s, a->trial);
        PDESSM_TRY(pdessm_search_evaluate(a->s, 1, a->trial, &f, NULL));
        if (isfinite(f)) {
            sum += f;
            squares += f * f;
            finite++;
        }
    }
    if (finite > 1) {
        sum /= (double)finite;
        a->first = sqrt(fmax(squares / (double)finite - sum * sum, 0));
    }
    if (!(a->first > 0))
        a->first = 1;
    a->spent = (double)a->s->result.function_evaluations;
out:
    return status;
}

/* One proposal for each coordinate. */
static pdessm_status sweep(anneal *a) {
    pdessm_search *s = a->s;
    pdessm_status status = PDESSM_OK;
    double f;
    pdessm_search_uniform(s, 2 * a->d, a->uniform);
    for (int64_t j = 0; j < a->d && pdessm_search_left(s) >= 1; j++) {
        const double share = ((double)s->result.function_evaluations - a->spent) /
                             fmax((double)s->options->budget - a->spent, 1);
        const double temperature = a->first * pow(COOLING, share);
        memcpy(a->trial, a->x, (size_t)a->d * sizeof *a->x);
        a->trial[j] += a->width[j] * (2 * a->uniform[2 * j] - 1);
        pdessm_search_mirror(s, a->trial);
        PDESSM_TRY(pdessm_search_evaluate(s, 1, a->trial, &f, NULL));
        if (f <= a->f || a->uniform[2 * j + 1] < exp((a->f - f) / temperature)) {
            a->x[j] = a->trial[j];
            a->f = f;
            a->accepted[j]++;
        }
    }
out:
    return status;
}

static void adapt(anneal *a, int cycles) {
    for (int64_t j = 0; j < a->d; j++) {
        const double share = a->accepted[j] / cycles;
        if (share > ACCEPT_MOST)
            a->width[j] *= 1 + WIDEN * (share - ACCEPT_MOST) / ACCEPT_LEAST;
        else if (share < ACCEPT_LEAST)
            a->width[j] /= 1 + WIDEN * (ACCEPT_LEAST - share) / ACCEPT_LEAST;
        a->width[j] = fmin(a->width[j], 2 * a->s->half[j]);
        a->accepted[j] = 0;
    }
}

pdessm_status pdessm_search_anneal(pdessm_search *s, double *x) {
    anneal a = {.s = s, .d = s->d};
    pdessm_status status = PDESSM_OK;
    double *block = NULL;
    const int64_t d = s->d;
    /* Widths are adapted some 40 times at least, whatever the budget. */
    const int cycles = (int)fmax(2, fmin(MOST_CYCLES, (double)(s->options->budget / (40 * d))));
    PDESSM_TRY(pdessm_alloc(s->ctx, (size_t)(6 * d), sizeof *block, &block));
    a.x = block;
    a.trial = a.x + d;
    a.width = a.trial + d;
    a.accepted = a.width + d;
    a.uniform = a.accepted + d;
    memcpy(a.x, x, (size_t)d * sizeof *x);
    memcpy(a.width, s->half, (size_t)d * sizeof *s->half);
    PDESSM_TRY(pdessm_search_evaluate(s, 1, a.x, &a.f, NULL));
    PDESSM_TRY(measure(&a));
    while (pdessm_search_left(s) >= 1) {
        for (int i = 0; i < cycles; i++)
            PDESSM_TRY(sweep(&a));
        adapt(&a, cycles);
        PDESSM_TRY(pdessm_search_tell(s));
    }
    s->result.ending = PDESSM_ENDED_BUDGET;
    if (!isfinite(s->result.value))
        status = pdessm_search_not_finite(s, "sa");
out:
    free(block);
    return status;
}
