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
    .meaning = "finds least values of nonconvex functions, by homotopy and by its rivals",
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
                   "--dim '%s': expected whole numbers of at least 1, parted by commas", text);
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
         "ackley, rastrigin, griewank, levy, alpine1, styblinski-tang, schwefel (all seven), "
         "sparse-log, sparse-ratio, cdr"},
        {"dim", 0, CLI_TEXT, &l->dimensions, "N,..", "dimensions (10); cdr has 6"},
        {"methods", 'm', CLI_TEXT, &l->methods, "NAME,..",
         "pgho, pgho-free, pgho-grad, gh, gd, adam, lbfgs, sa, cmaes, ipop "
         "(pgho,gh,gd,adam,lbfgs,sa,cmaes)"},
        {"starts", 'n', CLI_WHOLE, &j->starts, "N", "starts, each on its own instance (50)", 1,
         1 << 20},
        {"budget", 'b', CLI_WHOLE, &j->options.budget, "N",
         "function plus gradient evaluations of a start (20000)", 2, 1e12},
    };
    append(t, options, CLI_COUNT(options));
}

static void add_homotopy(table *t, optimize_job *j) {
    pdessm_optimize_options *o = &j->options;
    const cli_option options[] = {
        {"samples", 0, CLI_WHOLE, &o->samples, "N",
         "homotopies: points of a cloud (0: pgho budget / 80, 32 to 256; gh 32)", 0, 1 << 24},
        {"inner", 0, CLI_WHOLE, &o->inner, "N", "homotopies: steps at each stage (1)", 1, 1 << 20},
        {"sigma", 0, CLI_REAL, &o->sigma0, "X",
         "homotopies: first width of the cloud over half the box (0: pgho 1, gh 0.4)", 0, 1e3},
        {"sigma-power", 0, CLI_REAL, &o->sigma_power, "X",
         "homotopies: sigma falls as (1 - p/P)^X (0: pgho 2, gh 1)", 0, 100},
        {"lambda", 0, CLI_CHOICE, &j->rule, "RULE",
         "homotopies: ess, schedule, or coupled: sigma^2 (ess)", 0, 0, "ess schedule coupled"},
        {"lambda0", 0, CLI_REAL, &o->lambda0, "X",
         "homotopies: first lambda over the deviation of f (0.3)", 1e-300, 1e300},
        {"ess-least", 0, CLI_REAL, &o->ess_least, "X",
         "homotopies: least share of effective samples (0.1)", 0, 1},
        {"ess-most", 0, CLI_REAL, &o->ess_most, "X", "homotopies: most of them (0.5)", 0, 1},
        {"no-antithetic", 0, CLI_FLAG, &j->single, NULL, "homotopies: no pairs x + z, x - z"},
        {"polish", 0, CLI_REAL, &o->polish, "X",
         "homotopies: share of the budget for L-BFGS at the end (0.05, more in many dimensions; 0: "
         "none)",
         0, 0.99},
        {"restarts", 0, CLI_WHOLE, &o->restarts, "N",
         "pgho: most further descents from around the best point (while the budget lasts)", 0,
         1e12},
        {"step", 0, CLI_CHOICE, &j->step, "KIND", "pgho-grad and gh: plain or adam (plain)", 0, 0,
         "plain adam"},
    };
    append(t, options, CLI_COUNT(options));
}

static void add_problems(table *t, optimize_job *j) {
    pdessm_problem_options *p = &j->problem;
    const cli_option options[] = {
        {"centred", 0, CLI_FLAG, &p->centred, NULL,
         "test functions: the optimum stays where textbooks have it"},
        {"measurements", 0, CLI_WHOLE, &p->measurements, "N", "sparse: rows of the matrix (80)", 1,
         1 << 20},
        {"nonzeros", 0, CLI_WHOLE, &p->nonzeros, "N", "sparse: of the truth (10)", 1, 1 << 20},
        {"noise", 0, CLI_REAL, &p->noise, "X", "sparse, cdr: of the data (0.01)", 0, 1e6},
        {"penalty", 0, CLI_REAL, &p->penalty_weight, "X", "sparse: weight (0.003)", 0, 1e6},
        {"penalty-width", 0, CLI_REAL, &p->penalty_width, "X", "sparse: width (0.05)", 1e-6, 1e6},
        {"grid", 0, CLI_WHOLE, &p->grid, "N", "cdr: side of the field (32)", 4, 1024},
        {"shift", 0, CLI_REAL, &p->shift, "X", "cdr: true shift over the side (0.25)", 0, 0.45},
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
    j.rule = (int)j.options.rule;
    j.step = (int)j.options.step;
    add_general(&t, &j, &l);
    add_homotopy(&t, &j);
    add_problems(&t, &j);
    PDESSM_TRY(pdessm_cli_begin(c, t.option, t.count, NULL, 0));
    j.options.rule = (pdessm_lambda_rule)j.rule;
    j.options.step = (pdessm_homotopy_step)j.step;
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
