/* SPDX-License-Identifier: MIT */
/* tune.c: `tune`: measures what operators leave open and keeps what is better on this device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune.h"

#include "shared/interrupt.h"
#include "shared/options.h"
#include "shared/print.h"
#include "shared/progress.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_tune = {
    .name = "tune",
    .meaning = "measures kernel choices for this device and stores them",
    .arguments = "",
    .example = PDESSM_CLI_PROGRAM " tune --device gpu",
    .prints_result = 1,
    .run = run,
};

typedef struct job {
    cli *c;
    double max_time, deadline;
    const char *only;
    int show, clear;
    cli_tune_row *row;
    int rows, room;
    int late; /* choices that the time did not reach */
} job;

static const char *pass_name(pdessm_pass pass) {
    return pass == PDESSM_FORWARD ? "forward" : "backward";
}

static const char *choice_name(const cli_tune_row *row) {
    return pdessm_op_get(row->op)->descriptor->tunable->choice[row->choice].name;
}

static pdessm_tuning_text value_text(const cli_tune_row *row, int trial) {
    return pdessm_tuning_value_text(row->op, row->choice, row->trial[trial].value);
}

/* ------------------------------------------------------------------ measuring */

static void add_row(job *j, const cli_tune_row *row) {
    if (j->rows == j->room) {
        j->room = j->room ? 2 * j->room : 64;
        j->row = pdessm_cli_need(realloc(j->row, (size_t)j->room * sizeof *j->row));
    }
    j->row[j->rows++] = *row;
    for (int i = 1; i < row->trials; i++)
        if (row->trial[i].state == CLI_TRIAL_WRONG)
            pdessm_cli_warn(j->c, "%s %s %s: %s %s %s; it is left out",
                            pdessm_op_get(row->op)->name, pass_name(row->pass), row->shape.text,
                            choice_name(row), value_text(row, i).text, row->trial[i].why);
}

static pdessm_status tune_pass(job *j, cli_tune_case *k, pdessm_pass pass) {
    pdessm_status status = PDESSM_OK;
    for (int choice = 0; choice < k->call.row->descriptor->tunable->count; choice++) {
        cli_tune_row row = {0};
        int late = 0;
        if (pdessm_cli_interrupted())
            break;
        PDESSM_TRY(pdessm_cli_tune_choice(k, pass, choice, j->deadline, &row, &late));
        j->late += late;
        if (late || row.trials < 2)
            continue;
        add_row(j, &row);
    }
out:
    return status;
}

/* Saved after each pass, so that an interruption loses little. */
static pdessm_status tune_case(job *j, cli_progress *bar, int number) {
    pdessm_device *device = j->c->device;
    pdessm_status status = PDESSM_OK;
    const pdessm_op_row *row = pdessm_op_get(pdessm_cli_tune_op(number));
    cli_tune_case k = {0};
    if (!row->descriptor->tunable || (j->only && strcmp(j->only, row->name) != 0))
        return PDESSM_OK;
    PDESSM_TRY(pdessm_cli_tune_case(device, number, &k));
    for (int pass = 0; pass < 2 && !pdessm_cli_interrupted(); pass++) {
        double share = (number + pass / 2.0) / pdessm_cli_tune_cases();
        char detail[96];
        snprintf(detail, sizeof detail, "%s %s", row->name, pass_name((pdessm_pass)pass));
        pdessm_cli_progress_update(bar, share, detail);
        PDESSM_TRY(tune_pass(j, &k, (pdessm_pass)pass));
        if (pdessm_tuning_count(device->tuning) > 0)
            PDESSM_TRY(pdessm_tuning_save(device->tuning));
    }
out:
    pdessm_opcall_end(&k.call);
    return status;
}

static pdessm_status measure(job *j) {
    pdessm_device *device = j->c->device;
    pdessm_status status = PDESSM_OK;
    cli_progress bar;
    pdessm_cli_interrupt_catch();
    pdessm_cli_progress_begin(&bar, j->c, "tune", 0);
    if (!device->backend)
        PDESSM_TRY(pdessm_device_find_blas(device));
    for (int i = 0; i < pdessm_cli_tune_cases() && !pdessm_cli_interrupted(); i++)
        PDESSM_TRY(tune_case(j, &bar, i));
    PDESSM_TRY(pdessm_tuning_save(device->tuning));
out:
    pdessm_cli_progress_end(&bar);
    return status;
}

/* ------------------------------------------------------------------ what was measured */

static void print_text(const job *j) {
    if (j->rows == 0) {
        printf("there is nothing to choose on %s\n", j->c->device->info.name);
        return;
    }
    cli_table *table = pdessm_cli_table_create("LLLLLLRRL");
    int better = 0;
    pdessm_cli_table_row(
        table, "operator\tpass\tshape\tchoice\tstandard\tchosen\tgain\tspread\tnot usable");
    for (int i = 0; i < j->rows; i++) {
        const cli_tune_row *r = &j->row[i];
        char unusable[128] = "";
        size_t used = 0;
        for (int t = 1; t < r->trials && used < sizeof unusable; t++)
            if (r->trial[t].state != CLI_TRIAL_TIMED)
                used += (size_t)snprintf(unusable + used, sizeof unusable - used, "%s%s (%s)",
                                         used ? ", " : "", value_text(r, t).text,
                                         r->trial[t].state == CLI_TRIAL_WRONG ? "wrong" : "fails");
        pdessm_cli_table_row(table, "%s\t%s\t%s\t%s\t%s\t%s\t%.2f\t%.2f\t%s",
                             pdessm_op_get(r->op)->name, pass_name(r->pass), r->shape.text,
                             choice_name(r), value_text(r, 0).text, value_text(r, r->best).text,
                             r->gain, r->spread, unusable);
        better += r->best > 0;
    }
    pdessm_cli_table_print(table, stdout);
    printf("%d of %d choices are better than the standard and kept in %s\n", better, j->rows,
           pdessm_tuning_path(j->c->device->tuning));
}

static void print_trials(cJSON *json, const cli_tune_row *r) {
    static const char *const state[] = {"timed", "failed", "wrong"};
    cJSON *trials = pdessm_cli_json_array(json, "trials");
    for (int i = 0; i < r->trials; i++) {
        const cli_trial *t = &r->trial[i];
        cJSON *one = pdessm_cli_json_row(trials);
        pdessm_cli_json_text(one, "value", value_text(r, i).text);
        pdessm_cli_json_text(one, "state", state[t->state]);
        pdessm_cli_json_number(one, "seconds", t->seconds);
        pdessm_cli_json_number(one, "error", t->error);
        if (*t->why)
            pdessm_cli_json_text(one, "why", t->why);
    }
}

static void print_json(const job *j) {
    cJSON *json = pdessm_cli_json_begin(j->c);
    pdessm_cli_json_text(json, "path", pdessm_tuning_path(j->c->device->tuning));
    pdessm_cli_json_number(json, "not_reached", j->late);
    cJSON *rows = pdessm_cli_json_array(json, "rows");
    for (int i = 0; i < j->rows; i++) {
        const cli_tune_row *r = &j->row[i];
        cJSON *row = pdessm_cli_json_row(rows);
        pdessm_cli_json_text(row, "operator", pdessm_op_get(r->op)->name);
        pdessm_cli_json_text(row, "pass", pass_name(r->pass));
        pdessm_cli_json_text(row, "shape", r->shape.text);
        pdessm_cli_json_text(row, "choice", choice_name(r));
        pdessm_cli_json_text(row, "standard", value_text(r, 0).text);
        pdessm_cli_json_text(row, "chosen", value_text(r, r->best).text);
        pdessm_cli_json_number(row, "gain", r->gain);
        pdessm_cli_json_number(row, "spread", r->spread);
        print_trials(row, r);
    }
    pdessm_cli_json_print(json);
}

/* ------------------------------------------------------------------ what is stored */

static void show_text(const pdessm_tuning *tuning) {
    cli_table *table = pdessm_cli_table_create("LLLLLR");
    pdessm_cli_table_row(table, "operator\tpass\tshape\tchoice\tvalue\tgain");
    for (int i = 0; i < pdessm_tuning_count(tuning); i++) {
        const pdessm_tuned *e = pdessm_tuning_get(tuning, i);
        const pdessm_op_row *op = pdessm_op_get(e->op);
        pdessm_cli_table_row(table, "%s\t%s\t%s\t%s\t%s\t%.2f", op->name, pass_name(e->pass),
                             pdessm_tuning_class_text(e->extent).text,
                             op->descriptor->tunable->choice[e->choice].name,
                             pdessm_tuning_value_text(e->op, e->choice, e->value).text, e->gain);
    }
    pdessm_cli_table_print(table, stdout);
    printf("%d choices in %s\n", pdessm_tuning_count(tuning), pdessm_tuning_path(tuning));
}

static void show_json(cli *c, const pdessm_tuning *tuning) {
    cJSON *json = pdessm_cli_json_begin(c);
    pdessm_cli_json_text(json, "path", pdessm_tuning_path(tuning));
    cJSON *rows = pdessm_cli_json_array(json, "rows");
    for (int i = 0; i < pdessm_tuning_count(tuning); i++) {
        const pdessm_tuned *e = pdessm_tuning_get(tuning, i);
        const pdessm_op_row *op = pdessm_op_get(e->op);
        cJSON *row = pdessm_cli_json_row(rows);
        pdessm_cli_json_text(row, "operator", op->name);
        pdessm_cli_json_text(row, "pass", pass_name(e->pass));
        pdessm_cli_json_text(row, "shape", pdessm_tuning_class_text(e->extent).text);
        pdessm_cli_json_text(row, "choice", op->descriptor->tunable->choice[e->choice].name);
        pdessm_cli_json_text(row, "value",
                             pdessm_tuning_value_text(e->op, e->choice, e->value).text);
        pdessm_cli_json_number(row, "gain", e->gain);
    }
    pdessm_cli_json_print(json);
}

static pdessm_status clear(job *j) {
    pdessm_tuning *tuning = j->c->device->tuning;
    int was_there = 0;
    pdessm_status status = pdessm_tuning_clear(tuning, &was_there);
    if (status != PDESSM_OK)
        return status;
    if (j->c->format == CLI_FORMAT_JSON) {
        cJSON *json = pdessm_cli_json_begin(j->c);
        pdessm_cli_json_text(json, "path", pdessm_tuning_path(tuning));
        pdessm_cli_json_bool(json, "removed", was_there);
        pdessm_cli_json_print(json);
    } else
        printf("%s: %s\n", pdessm_tuning_path(tuning), was_there ? "removed" : "was not there");
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ the subcommand */

static pdessm_status answer(job *j) {
    cli *c = j->c;
    if (j->late > 0)
        pdessm_cli_note(c,
                        "%d choices were not reached within %g s and are left as is "
                        "(--max-time gives more)",
                        j->late, j->max_time);
    if (c->format == CLI_FORMAT_JSON)
        print_json(j);
    else
        print_text(j);
    if (pdessm_cli_interrupted())
        return pdessm_fail(c->ctx, PDESSM_ERROR_CANCELLED,
                           "interrupted; what was measured until then is kept in %s",
                           pdessm_tuning_path(c->device->tuning));
    return PDESSM_OK;
}

static pdessm_status run(cli *c) {
    job j = {.c = c, .max_time = 60};
    cli_option options[] = {
        {"max-time", 0, CLI_REAL, &j.max_time, "SECONDS", "begin nothing after this time", 0, 1e6},
        {"op", 0, CLI_TEXT, &j.only, "NAME", "tune only this operator"},
        {"show", 0, CLI_FLAG, &j.show, NULL, "only print what is stored for the device"},
        {"clear", 0, CLI_FLAG, &j.clear, NULL, "forget what is stored for the device"},
    };
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_begin(c, options, CLI_COUNT(options), NULL, 0));
    PDESSM_REQUIRE(c->ctx, !j.only || pdessm_op_find(j.only) != PDESSM_OP_COUNT,
                   PDESSM_ERROR_ARGUMENT, "no operator '%s'; `pdessm-cl op --list` shows them",
                   j.only);
    PDESSM_REQUIRE(c->ctx, !j.show || !j.clear, PDESSM_ERROR_ARGUMENT,
                   "--show and --clear together: expected one of them");
    PDESSM_TRY(pdessm_cli_open_device(c));
    j.deadline = pdessm_seconds() + j.max_time;
    if (j.clear)
        PDESSM_TRY(clear(&j));
    else if (j.show && c->format == CLI_FORMAT_JSON)
        show_json(c, c->device->tuning);
    else if (j.show)
        show_text(c->device->tuning);
    else {
        PDESSM_TRY(measure(&j));
        PDESSM_TRY(answer(&j));
    }
out:
    free(j.row);
    return status;
}
