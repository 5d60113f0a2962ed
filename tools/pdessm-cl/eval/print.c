/* SPDX-License-Identifier: MIT */
/* print.c: the result of `eval` as a table or as JSON. */
#include <math.h>
#include <stdio.h>

#include "eval.h"
#include "shared/print.h"

/* One metric with its key, for samples, for as many samples as a half of the real images, and for
 * the other half in their place. Not a number: there is none. */
typedef struct row {
    const char *key, *meaning;
    double all, matched, floor;
} row;

enum { ROWS = 9 };

static void collect(const cli_eval *e, row ret[ROWS]) {
    const pdessm_comparison *a = &e->found.all, *m = &e->found.matched, *f = &e->found.floor;
    const double none = (double)NAN;
    const row rows[ROWS] = {
        {"frechet", "Frechet distance", a->frechet, m->frechet, f->frechet},
        {"mmd", "kernel distance (MMD^2)", a->pairs.mmd, m->pairs.mmd, f->pairs.mmd},
        {"precision", "precision", a->pairs.precision, m->pairs.precision, f->pairs.precision},
        {"recall", "recall", a->pairs.recall, m->pairs.recall, f->pairs.recall},
        {"sliced_wasserstein", "sliced Wasserstein", a->sliced_wasserstein, m->sliced_wasserstein,
         f->sliced_wasserstein},
        {"spectrum_error", "spectrum error (log10)", a->spectrum_error, m->spectrum_error,
         f->spectrum_error},
        {"low_eigenvalue_recovery", "low-eigenvalue recovery", e->found.recovery.ratio, none,
         isnan(e->found.recovery.ratio) ? none : 1},
        {"label_accuracy", "label accuracy", e->label_accuracy, none, e->reference_accuracy},
        {"velocity_loss", "velocity loss", e->velocity_loss, none, none},
    };
    for (int i = 0; i < ROWS; i++)
        ret[i] = rows[i];
}

/* ------------------------------------------------------------------ text */

static const char *cell(const cli_eval *e, double value) {
    return isnan(value) ? "-" : pdessm_cli_text(e->c, "%.5g", value);
}

static const char *features(const cli_eval *e) {
    return e->classifier_file ? pdessm_cli_text(e->c, "classifier:%s", e->classifier_file)
                              : "pixels";
}

static void print_text(const cli_eval *e) {
    row rows[ROWS];
    collect(e, rows);
    const pdessm_evaluation *f = &e->found;
    printf("%s (%lld) against %s (%lld), features: %s (%lld)\n", e->samples.name,
           (long long)f->all.count, e->reference.name, (long long)f->all.reference_count,
           features(e), (long long)e->feature_dimension);
    if (e->model)
        printf("%s, guidance %g, %lld network evaluations each\n",
               pdessm_solver_name(e->sampling.solver), e->sampling.guidance,
               (long long)e->evaluations);
    cli_table *table = pdessm_cli_table_create("LRRR");
    pdessm_cli_table_row(table, "\tall\t%lld of them\t%lld real", (long long)f->matched.count,
                         (long long)f->floor.count);
    for (int i = 0; i < ROWS; i++)
        if (!isnan(rows[i].all))
            pdessm_cli_table_row(table, "%s\t%s\t%s\t%s", rows[i].meaning, cell(e, rows[i].all),
                                 cell(e, rows[i].matched), cell(e, rows[i].floor));
    pdessm_cli_table_print(table, stdout);
    printf("\nThe last two columns compare equally many images with %lld other real ones: they are "
           "the pair to judge by.\n",
           (long long)f->floor.reference_count);
}

/* ------------------------------------------------------------------ JSON */

/* JSON has no word for a value that is not finite: null. */
static void add_number(cJSON *json, const char *key, double value) {
    if (isfinite(value))
        pdessm_cli_json_number(json, key, value);
    else
        pdessm_cli_need(cJSON_AddNullToObject(json, key));
}

static void add_spectrum(cJSON *json, const pdessm_evaluation *f) {
    cJSON *rings = pdessm_cli_json_array(json, "spectrum");
    for (int64_t i = 0; i < f->rings; i++) {
        cJSON *ring = pdessm_cli_json_row(rings);
        pdessm_cli_json_number(ring, "wavenumber", (double)i);
        add_number(ring, "samples", f->spectrum[i]);
        add_number(ring, "reference", f->reference_spectrum[i]);
    }
}

static void add_drawing(cJSON *json, const cli_eval *e) {
    const pdessm_precondition *map = pdessm_model_get_precondition(e->model);
    pdessm_cli_json_text(json, "precondition",
                         map ? pdessm_precondition_name(pdessm_precondition_get_info(map)->kind)
                             : "none");
    pdessm_cli_json_text(json, "solver", pdessm_solver_name(e->sampling.solver));
    pdessm_cli_json_number(json, "steps", e->sampling.steps);
    pdessm_cli_json_number(json, "guidance", e->sampling.guidance);
    pdessm_cli_json_number(json, "evaluations", (double)e->evaluations);
}

static void print_json(const cli_eval *e) {
    row rows[ROWS];
    collect(e, rows);
    const pdessm_evaluation *f = &e->found;
    cJSON *json = pdessm_cli_json_begin(e->c);
    pdessm_cli_json_text(json, "samples", e->samples.name);
    pdessm_cli_json_text(json, "reference", e->reference.name);
    pdessm_cli_json_number(json, "count", (double)f->all.count);
    pdessm_cli_json_number(json, "reference_count", (double)f->all.reference_count);
    pdessm_cli_json_number(json, "floor_count", (double)f->floor.count);
    pdessm_cli_json_number(json, "seed", (double)e->c->seed);
    pdessm_cli_json_text(json, "features", features(e));
    pdessm_cli_json_number(json, "feature_dimension", (double)e->feature_dimension);
    for (int i = 0; i < ROWS; i++) {
        add_number(json, rows[i].key, rows[i].all);
        if (!isnan(rows[i].matched))
            add_number(json, pdessm_cli_text(e->c, "%s_matched", rows[i].key), rows[i].matched);
        if (!isnan(rows[i].floor))
            add_number(json, pdessm_cli_text(e->c, "%s_floor", rows[i].key), rows[i].floor);
    }
    add_number(json, "low_eigenvalue_recovery_median", f->recovery.median);
    pdessm_cli_json_number(json, "bandwidth", f->all.pairs.bandwidth);
    pdessm_cli_json_number(json, "neighbours", e->metrics.neighbours);
    pdessm_cli_json_number(json, "directions", e->metrics.directions);
    if (e->model)
        add_drawing(json, e);
    add_spectrum(json, f);
    pdessm_cli_json_number(json, "seconds", e->seconds);
    pdessm_cli_json_print(json);
}

void pdessm_cli_eval_print(const cli_eval *e) {
    if (e->c->format == CLI_FORMAT_TEXT)
        print_text(e);
    else
        print_json(e);
}
