/* SPDX-License-Identifier: MIT */
/* print.c: the rows of `optimize` as a table or as JSON. */
#include <math.h>
#include <stdio.h>

#include "optimize.h"
#include "shared/print.h"

/* The mean over the starts of whatever `of` picks from one. */
#define MEAN(row, of)                                                                              \
    ({                                                                                             \
        double sum_ = 0;                                                                           \
        for (int64_t i_ = 0; i_ < (row)->starts; i_++)                                             \
            sum_ += (double)(row)->start[i_].of;                                                   \
        sum_ / (double)(row)->starts;                                                              \
    })

static void print_table(const optimize_job *j) {
    cli_table *table = pdessm_cli_table_create("LRLRRRRRRR");
    pdessm_cli_table_row(table, "problem\td\tmethod\tstarts\tf - f* < 0.01\t< 0.0001\trecovered\t"
                                "median f - f*\tf\tgradient");
    for (int i = 0; i < j->rows; i++) {
        const optimize_row *row = &j->row[i];
        const int64_t hits = pdessm_cli_optimize_successes(row, 1e-2);
        double interval[2];
        pdessm_cli_optimize_wilson(hits, row->starts, interval);
        pdessm_cli_table_row(
            table, "%s\t%lld\t%s\t%lld\t%.2f (%.2f to %.2f)\t%.2f\t%.2f\t%.3g\t%.0f\t%.0f",
            row->problem, (long long)row->dimension, pdessm_optimize_name(row->method),
            (long long)row->starts, (double)hits / (double)row->starts, interval[0], interval[1],
            (double)pdessm_cli_optimize_successes(row, 1e-4) / (double)row->starts,
            MEAN(row, score.recovered), pdessm_cli_optimize_median(row, -1),
            MEAN(row, optimum.function_evaluations), MEAN(row, optimum.gradient_evaluations));
    }
    pdessm_cli_table_print(table, stdout);
}

/* Infinity, before anything finite was seen, is null. */
static void append_number(cJSON *array, double value) {
    cJSON *item = pdessm_cli_need(isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
    cJSON_AddItemToArray(array, item);
}

static void add_curve(const optimize_job *j, cJSON *object, const optimize_row *row) {
    cJSON *curve = pdessm_cli_json_object(object, "curve");
    cJSON *evaluations = pdessm_cli_json_array(curve, "evaluations");
    cJSON *median = pdessm_cli_json_array(curve, "median_best");
    cJSON *rate = pdessm_cli_json_array(curve, "success_1e-2");
    for (int i = 0; i < OPTIMIZE_CURVE; i++) {
        double hits = 0;
        for (int64_t k = 0; k < row->starts; k++)
            hits += row->start[k].curve[i] - row->start[k].score.least_value < 1e-2;
        append_number(evaluations, round(pdessm_cli_optimize_checkpoint(j, i)));
        append_number(median, pdessm_cli_optimize_median(row, i));
        append_number(rate, hits / (double)row->starts);
    }
}

/* Over the parts of the budget; null where no start drew a cloud. */
static void add_effective(const optimize_job *j, cJSON *object, const optimize_row *row) {
    cJSON *effective = pdessm_cli_json_object(object, "effective");
    cJSON *evaluations = pdessm_cli_json_array(effective, "evaluations");
    cJSON *share = pdessm_cli_json_array(effective, "share");
    for (int i = 0; i < PDESSM_OPTIMIZE_PARTS; i++) {
        double sum = 0, clouds = 0;
        for (int64_t k = 0; k < row->starts; k++) {
            sum += row->start[k].optimum.effective[i];
            clouds += row->start[k].optimum.effective[i] > 0;
        }
        append_number(evaluations,
                      round((i + 1) * (double)j->options.budget / PDESSM_OPTIMIZE_PARTS));
        append_number(share, clouds > 0 ? sum / clouds : INFINITY);
    }
}

static void add_starts(cJSON *object, const optimize_row *row) {
    cJSON *best = pdessm_cli_json_array(object, "best");
    for (int64_t i = 0; i < row->starts; i++)
        append_number(best, row->start[i].optimum.value - row->start[i].score.least_value);
}

static void add_row(const optimize_job *j, cJSON *rows, const optimize_row *row) {
    cJSON *object = pdessm_cli_json_row(rows);
    pdessm_cli_json_text(object, "problem", row->problem);
    pdessm_cli_json_number(object, "dimension", (double)row->dimension);
    pdessm_cli_json_text(object, "method", pdessm_optimize_name(row->method));
    pdessm_cli_json_number(object, "starts", (double)row->starts);
    pdessm_cli_json_number(object, "successes_1e-2",
                           (double)pdessm_cli_optimize_successes(row, 1e-2));
    pdessm_cli_json_number(object, "successes_1e-4",
                           (double)pdessm_cli_optimize_successes(row, 1e-4));
    pdessm_cli_json_number(object, "median_best", pdessm_cli_optimize_median(row, -1));
    pdessm_cli_json_number(object, "function_evaluations", MEAN(row, optimum.function_evaluations));
    pdessm_cli_json_number(object, "gradient_evaluations", MEAN(row, optimum.gradient_evaluations));
    pdessm_cli_json_number(object, "recovered", MEAN(row, score.recovered) * (double)row->starts);
    pdessm_cli_json_number(object, "relative_error", MEAN(row, score.relative_error));
    pdessm_cli_json_number(object, "support_f1", MEAN(row, score.support_f1));
    pdessm_cli_json_number(object, "shift_error", MEAN(row, score.shift_error));
    pdessm_cli_json_number(object, "not_finite", MEAN(row, optimum.not_finite));
    pdessm_cli_json_number(object, "effective_samples", MEAN(row, optimum.effective_mean));
    pdessm_cli_json_number(object, "seconds", row->seconds / (double)row->starts);
    add_curve(j, object, row);
    add_effective(j, object, row);
    add_starts(object, row);
}

void pdessm_cli_optimize_print(const optimize_job *j) {
    if (j->c->format == CLI_FORMAT_TEXT) {
        print_table(j);
        return;
    }
    cJSON *json = pdessm_cli_json_begin(j->c);
    pdessm_cli_json_number(json, "budget", (double)j->options.budget);
    pdessm_cli_json_number(json, "seed", (double)j->c->seed);
    cJSON *rows = pdessm_cli_json_array(json, "rows");
    for (int i = 0; i < j->rows; i++)
        add_row(j, rows, &j->row[i]);
    pdessm_cli_json_print(json);
}
