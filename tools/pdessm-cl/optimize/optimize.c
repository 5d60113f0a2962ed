/* SPDX-License-Identifier: MIT */
/* optimize.c: `optimize`: probabilistic Gaussian homotopy and its rivals on the built-in problems.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "optimize.h"
#include "shared/interrupt.h"
#include "shared/lists.h"
#include "shared/options.h"
#include "shared/print.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_optimize = {
    .name = "optimize",
    .meaning = "minimizes nonconvex functions, by homotopy and its rivals",
    .arguments = "--problem ackley,.. --methods pgho,..",
    .example = PDESSM_CLI_PROGRAM " optimize --problem ackley,levy --dim 10 "
                                  "--methods pgho,gh,lbfgs,cmaes --starts 50 --budget 20000",
    .prints_result = 1,
    .run = run,
};

/* Lists as they stand on the command line. */
typedef struct lists {
    const char *problems, *dimensions, *methods;
    cli_words problem, dimension, method;
} lists;

static pdessm_status read_dimension(cli *c, const char *text, int64_t *ret) {
    pdessm_status status = PDESSM_OK;
    char *end;
    errno = 0;
    *ret = strtoll(text, &end, 10);
    PDESSM_REQUIRE(c->ctx, end != text && !*end && !errno && *ret >= 1, PDESSM_ERROR_ARGUMENT,
                   "--dim '%s': expected whole numbers of at least 1, separated by commas", text);
out:
    return status;
}

static pdessm_status plan_rows(optimize_job *j, lists *l) {
    cli *c = j->c;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_words(c, "problem", l->problems, &l->problem));
    PDESSM_TRY(pdessm_cli_words(c, "dim", l->dimensions, &l->dimension));
    PDESSM_TRY(pdessm_cli_words(c, "methods", l->methods, &l->method));
    const int methods = l->method.count, dimensions = l->dimension.count;
    const int most = l->problem.count * dimensions * methods;
    PDESSM_TRY(pdessm_alloc(c->ctx, (size_t)most, sizeof *j->row, &j->row));
    for (int i = 0; i < most; i++) {
        optimize_row *row = &j->row[i];
        row->problem = l->problem.word[i / (dimensions * methods)];
        row->starts = j->starts;
        PDESSM_TRY(read_dimension(c, l->dimension.word[i / methods % dimensions], &row->dimension));
        PDESSM_TRY(pdessm_optimize_find(c->ctx, l->method.word[i % methods], &row->method));
    }
    j->rows = most;
out:
    return status;
}

/* Every problem is drawn once before anything long begins, so that a wrong option is told at once.
 */
static pdessm_status check_problems(optimize_job *j) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < j->rows; i++) {
        pdessm_problem_options options = j->problem;
        pdessm_problem *problem = NULL;
        options.dimension = j->row[i].dimension;
        PDESSM_TRY(pdessm_problem_create(j->c->device, j->row[i].problem, &options, &problem));
        pdessm_problem_destroy(&problem);
    }
out:
    return status;
}

static pdessm_status run_rows(optimize_job *j) {
    pdessm_status status = PDESSM_OK;
    pdessm_cli_interrupt_catch();
    pdessm_cli_progress_begin(&j->bar, j->c, "optimize", 0);
    for (j->now = 0; j->now < j->rows; j->now++)
        PDESSM_TRY(pdessm_cli_optimize_row(j));
out:
    pdessm_cli_progress_end(&j->bar);
    return status;
}

/* ------------------------------------------------------------------ the command line */

enum { MOST_OPTIONS = 40 };

/* The table grows by parts. */
typedef struct table {
    cli_option option[MOST_OPTIONS];
    int count;
} table;

static void append(table *t, const cli_option *options, int count) {
    memcpy(t->option + t->count, options, (size_t)count * sizeof *options);
    t->count += count;
}

static void add_general(table *t, optimize_job *j, lists *l) {
    const cli_option options[] = {
        {"problem", 'p', CLI_TEXT, &l->problems, "NAME,..",
         "test functions; also sparse-log, sparse-ratio, cdr", .group = "Options"},
        {"dim", 0, CLI_TEXT, &l->dimensions, "N,..", "dimensions; cdr always has 6"},
        {"methods", 'm', CLI_TEXT, &l->methods, "NAME,..",
         "methods; also pgho-free, pgho-grad, ipop"},
        {"starts", 'n', CLI_WHOLE, &j->starts, "N", "starts, each on another instance", 1, 1 << 20},
        {"budget", 'b', CLI_WHOLE, &j->options.budget, "N",
         "function plus gradient evaluations per start", 2, 1e12},
    };
    append(t, options, CLI_COUNT(options));
}

static void add_homotopy(table *t, optimize_job *j) {
    pdessm_optimize_options *o = &j->options;
    const cli_option options[] = {
        {"samples", 0, CLI_WHOLE, &o->samples, "N",
         "points of the cloud (default: pgho budget / 80, 32 to 256; gh 32)", 0, 1 << 24,
         .zero_is_unset = 1, .group = "Homotopies"},
        {"inner", 0, CLI_WHOLE, &o->inner, "N", "steps at each stage of the schedule", 1, 1 << 20,
         .rare = 1},
        {"sigma", 0, CLI_REAL, &o->sigma0, "X",
         "initial width of the cloud over half the box; 0: pgho 1, gh 0.4", 0, 1e3},
        {"sigma-power", 0, CLI_REAL, &o->sigma_power, "X",
         "sigma falls as (1 - p/P)^X; 0: pgho 2, gh 1", 0, 100, .rare = 1},
        {"lambda", 0, CLI_CHOICE, &o->rule, "RULE",
         "what decides lambda: the effective sample size, a schedule, or sigma^2", 0, 0,
         PDESSM_WORDS(PDESSM_LAMBDA_RULES)},
        {"lambda0", 0, CLI_REAL, &o->lambda0, "X",
         "initial lambda over the standard deviation of f", 1e-300, 1e300, .rare = 1},
        {"ess-least", 0, CLI_REAL, &o->ess_least, "X",
         "ess: least effective sample size, as a fraction of the samples", 0, 1, .rare = 1},
        {"ess-most", 0, CLI_REAL, &o->ess_most, "X", "ess: largest one", 0, 1, .rare = 1},
        {"no-antithetic", 0, CLI_FLAG, &j->single, NULL,
         "independent samples, no pairs x + z, x - z", .rare = 1},
        {"polish", 0, CLI_REAL, &o->polish, "X",
         "fraction of the budget for a final L-BFGS; 0: none (default: 0.05, more in many "
         "dimensions)",
         0, 0.99},
        {"restarts", 0, CLI_WHOLE, &o->restarts, "N",
         "pgho: most further descents from around the best point (default: until the budget is "
         "spent)",
         0, 1e12, .rare = 1},
        {"step", 0, CLI_CHOICE, &o->step, "KIND", "pgho-grad, gh: step along the gradient", 0, 0,
         PDESSM_WORDS(PDESSM_HOMOTOPY_STEPS)},
    };
    append(t, options, CLI_COUNT(options));
}

static void add_problems(table *t, optimize_job *j) {
    pdessm_problem_options *p = &j->problem;
    const cli_option options[] = {
        {"centred", 0, CLI_FLAG, &p->centred, NULL,
         "test functions: leave the optimum where textbooks have it", .group = "Problems"},
        {"measurements", 0, CLI_WHOLE, &p->measurements, "N", "sparse: rows of the matrix", 1,
         1 << 20, .rare = 1},
        {"nonzeros", 0, CLI_WHOLE, &p->nonzeros, "N", "sparse: nonzeros of the true vector", 1,
         1 << 20, .rare = 1},
        {"noise", 0, CLI_REAL, &p->noise, "X", "sparse, cdr: noise of the data", 0, 1e6, .rare = 1},
        {"penalty", 0, CLI_REAL, &p->penalty_weight, "X", "sparse: weight of the penalty", 0, 1e6,
         .rare = 1},
        {"penalty-width", 0, CLI_REAL, &p->penalty_width, "X", "sparse: width of the penalty", 1e-6,
         1e6, .rare = 1},
        {"grid", 0, CLI_WHOLE, &p->grid, "N", "cdr: side of the field", 4, 1024, .rare = 1},
        {"shift", 0, CLI_REAL, &p->shift, "X", "cdr: true shift over the side", 0, 0.45, .rare = 1},
    };
    append(t, options, CLI_COUNT(options));
}

static pdessm_status run(cli *c) {
    optimize_job j = {.c = c,
                      .options = pdessm_optimize_defaults(),
                      .problem = pdessm_problem_defaults(),
                      .starts = 50};
    lists l = {.problems = "ackley,rastrigin,griewank,levy,alpine1,styblinski-tang,schwefel",
               .dimensions = "10",
               .methods = "pgho,gh,gd,adam,lbfgs,sa,cmaes"};
    table t = {.count = 0};
    pdessm_status status = PDESSM_OK;
    add_general(&t, &j, &l);
    add_homotopy(&t, &j);
    add_problems(&t, &j);
    PDESSM_TRY(pdessm_cli_begin(c, t.option, t.count, NULL, 0));
    j.options.antithetic = !j.single;
    PDESSM_TRY(plan_rows(&j, &l));
    PDESSM_TRY(pdessm_cli_open_device(c));
    PDESSM_TRY(check_problems(&j));
    PDESSM_TRY(run_rows(&j));
    pdessm_cli_optimize_print(&j);
out:
    for (int i = 0; i < j.rows; i++)
        free(j.row[i].start);
    free(j.row);
    free(l.problem.word);
    free(l.dimension.word);
    free(l.method.word);
    return status;
}
