/* SPDX-License-Identifier: MIT */
/* optimize.h: what the parts of `optimize` share: one row for each problem, dimension and method.
 */
#ifndef PDESSM_CLI_OPTIMIZE_OPTIMIZE_H
#define PDESSM_CLI_OPTIMIZE_OPTIMIZE_H

#include <pdessm/problems.h>

#include "shared/cli.h"
#include "shared/progress.h"

enum { OPTIMIZE_CURVE = 33 }; /* points of a budget curve */

/* What one start came to. */
typedef struct optimize_start {
    pdessm_optimum optimum;
    pdessm_problem_score score;
    double curve[OPTIMIZE_CURVE]; /* best value after a share of the budget */
} optimize_start;

typedef struct optimize_row {
    const char *problem;
    int64_t dimension;
    pdessm_optimize_method method;
    int64_t starts;
    optimize_start *start;
    double seconds;
} optimize_row;

typedef struct optimize_job {
    cli *c;
    pdessm_optimize_options options;
    pdessm_problem_options problem;
    int single;     /* --no-antithetic */
    int64_t starts; /* of each row */
    int rows;
    optimize_row *row;
    int now; /* the row under way */
    int64_t start;
    cli_progress bar;
} optimize_job;

/* Evaluations at point i of a curve: from a thousandth of the budget to all of it. */
double pdessm_cli_optimize_checkpoint(const optimize_job *j, int i);

/* All starts of row j->now. */
pdessm_status pdessm_cli_optimize_row(optimize_job *j);

/* Starts that came within `most` of the least value. */
int64_t pdessm_cli_optimize_successes(const optimize_row *row, double most);
/* Median of value minus least value, at a point of the curves or (-1) at the end. */
double pdessm_cli_optimize_median(const optimize_row *row, int point);
/* Wilson's interval of 95 % for a rate of `hits` in n. */
void pdessm_cli_optimize_wilson(int64_t hits, int64_t n, double ret[2]);

void pdessm_cli_optimize_print(const optimize_job *j);

#endif
