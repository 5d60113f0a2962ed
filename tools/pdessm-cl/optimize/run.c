/* SPDX-License-Identifier: MIT */
/* run.c: the starts of one row, each on a separate instance. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "optimize.h"
#include "shared/interrupt.h"
#include "shared/print.h"

/* A start under way, as its progress callback sees it. */
typedef struct watch {
    optimize_job *j;
    optimize_start *start;
    int reached;   /* points of the curve that are filled */
    double before; /* best value at the call before */
} watch;

double pdessm_cli_optimize_checkpoint(const optimize_job *j, int i) {
    return (double)j->options.budget * pow(10, 3.0 * i / (OPTIMIZE_CURVE - 1) - 3);
}

static int on_progress(void *user, const pdessm_optimize_report *report) {
    watch *w = user;
    optimize_job *j = w->j;
    const optimize_row *row = &j->row[j->now];
    const double spent = (double)(report->function_evaluations + report->gradient_evaluations);
    char detail[128];
    while (w->reached < OPTIMIZE_CURVE && pdessm_cli_optimize_checkpoint(j, w->reached) < spent)
        w->start->curve[w->reached++] = w->before;
    w->before = report->best_value;
    const double done = (double)j->start + spent / (double)j->options.budget;
    snprintf(detail, sizeof detail, "%s %lld %s start %lld/%lld best %.3g", row->problem,
             (long long)row->dimension, pdessm_optimize_name(row->method), (long long)j->start + 1,
             (long long)row->starts, report->best_value);
    pdessm_cli_progress_update(&j->bar, (j->now + done / (double)row->starts) / j->rows, detail);
    return pdessm_cli_interrupted();
}

static pdessm_status run_start(optimize_job *j, optimize_row *row) {
    pdessm_problem_options problem_options = j->problem;
    pdessm_optimize_options options = j->options;
    pdessm_problem *problem = NULL;
    double *x = NULL;
    pdessm_status status = PDESSM_OK;
    optimize_start *s = &row->start[j->start];
    watch w = {.j = j, .start = s, .before = INFINITY};
    problem_options.dimension = row->dimension;
    problem_options.seed = (uint64_t)j->c->seed;
    problem_options.instance = (uint64_t)j->start;
    /* Seeds of starts lie apart, so that neighbouring --seed values share none. */
    options.seed = (uint64_t)j->c->seed + ((uint64_t)(j->start + 1) << 40);
    options.progress = on_progress;
    options.user = &w;
    PDESSM_TRY(pdessm_problem_create(j->c->device, row->problem, &problem_options, &problem));
    row->dimension = pdessm_problem_objective(problem)->dimension;
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)row->dimension, sizeof *x, &x));
    pdessm_problem_start(problem, 0, x);
    PDESSM_TRY(pdessm_optimize(j->c->ctx, pdessm_problem_objective(problem), row->method, &options,
                               x, &s->optimum));
    while (w.reached < OPTIMIZE_CURVE)
        s->curve[w.reached++] = s->optimum.value;
    s->score = pdessm_problem_judge(problem, x, s->optimum.value);
out:
    free(x);
    pdessm_problem_destroy(&problem);
    return status;
}

pdessm_status pdessm_cli_optimize_row(optimize_job *j) {
    optimize_row *row = &j->row[j->now];
    const double begin = pdessm_seconds();
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)row->starts, sizeof *row->start, &row->start));
    for (j->start = 0; j->start < row->starts; j->start++)
        PDESSM_TRY(run_start(j, row));
    row->seconds = pdessm_seconds() - begin;
out:
    return status;
}

/* ------------------------------------------------------------------ what the starts say together
 */

static double gap(const optimize_start *s, int point) {
    const double value = point < 0 ? s->optimum.value : s->curve[point];
    return value - s->score.least_value;
}

int64_t pdessm_cli_optimize_successes(const optimize_row *row, double most) {
    int64_t hits = 0;
    for (int64_t i = 0; i < row->starts; i++)
        hits += gap(&row->start[i], -1) < most;
    return hits;
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double pdessm_cli_optimize_median(const optimize_row *row, int point) {
    double *all = pdessm_cli_need(malloc((size_t)row->starts * sizeof *all));
    for (int64_t i = 0; i < row->starts; i++)
        all[i] = gap(&row->start[i], point);
    qsort(all, (size_t)row->starts, sizeof *all, compare);
    const double median = 0.5 * (all[(row->starts - 1) / 2] + all[row->starts / 2]);
    free(all);
    return median;
}

void pdessm_cli_optimize_wilson(int64_t hits, int64_t n, double ret[2]) {
    const double z = 1.959963984540054, count = (double)n, rate = (double)hits / count;
    const double centre = rate + z * z / (2 * count);
    const double reach = z * sqrt(rate * (1 - rate) / count + z * z / (4 * count * count));
    ret[0] = fmax(0, (centre - reach) / (1 + z * z / count));
    ret[1] = fmin(1, (centre + reach) / (1 + z * z / count));
}
