/* SPDX-License-Identifier: MIT */
/* report.c: `report`: a training run as one page that needs nothing beside it. */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/interrupt.h"
#include "shared/options.h"
#include "shared/paths.h"
#include "shared/print.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_report = {
    .name = "report",
    .meaning = "writes an HTML page about a run: curves, samples, kernels",
    .arguments = "DIR",
    .example = PDESSM_CLI_PROGRAM " report runs/fashion --n 100 -o fashion.html",
    .prints_result = 1,
    .run = run,
};

/* ------------------------------------------------------------------ reading the run */

static pdessm_status check_usage(report *r) {
    pdessm_context *ctx = r->c->ctx;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, r->run, PDESSM_ERROR_ARGUMENT,
                   "the folder is missing; expected the --out of a training run");
    PDESSM_REQUIRE(ctx, pdessm_is_folder(r->run), PDESSM_ERROR_FILE,
                   "%s: there is no such folder; expected the --out of a training run", r->run);
    if (!r->out)
        r->out = pdessm_cli_text(r->c, "%s/report.html", r->run);
    PDESSM_TRY(pdessm_output_check(r->c->ctx, r->out));
out:
    return status;
}

static pdessm_status read_logs(report *r) {
    const char *log = pdessm_cli_text(r->c, "%s/log.csv", r->run);
    const char *accuracy = pdessm_cli_text(r->c, "%s/accuracy.csv", r->run);
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(r->c->ctx, access(log, F_OK) == 0, PDESSM_ERROR_FILE,
                   "%s: no log.csv in this folder; expected the --out of a training run", r->run);
    PDESSM_TRY(pdessm_run_log_read(r->c->ctx, r->run, "log.csv", &r->log));
    PDESSM_REQUIRE(
        r->c->ctx, pdessm_run_log_column(&r->log, "step") && pdessm_run_log_column(&r->log, "loss"),
        PDESSM_ERROR_FILE, "%s: no columns step and loss; expected the log of a training run", log);
    PDESSM_REQUIRE(r->c->ctx, r->log.rows > 0, PDESSM_ERROR_FILE,
                   "%s: no whole line yet; try again when the run has logged its first steps", log);
    if (access(accuracy, F_OK) == 0)
        PDESSM_TRY(pdessm_run_log_read(r->c->ctx, r->run, "accuracy.csv", &r->accuracy));
out:
    return status;
}

/* A run without settings, or with some of another version, has a page all the same. */
static void read_settings(report *r) {
    r->settings = pdessm_run_settings_defaults(PDESSM_TASK_VELOCITY);
    const char *path = pdessm_cli_text(r->c, "%s/config.yaml", r->run);
    r->has_settings = pdessm_run_settings_load(r->c->ctx, path, &r->settings) == PDESSM_OK;
    if (!r->has_settings)
        pdessm_cli_warn(r->c, "%s; the page is written without it",
                        pdessm_context_error(r->c->ctx));
}

static pdessm_status load_model(report *r) {
    char *newest = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_checkpoint_newest(r->c->ctx, r->run, &newest));
    if (!newest) {
        r->without_model = "The run has no checkpoint yet, so there is nothing to draw with.";
        r->without_samples = r->without_model;
        pdessm_cli_warn(
            r->c, "%s: no checkpoint yet; the page is written without samples and kernels", r->run);
        goto out;
    }
    r->checkpoint = pdessm_cli_text(r->c, "%s", strrchr(newest, '/') + 1);
    PDESSM_TRY(pdessm_cli_find_model(r->c, newest, &r->model_file));
    PDESSM_TRY(pdessm_model_load(r->c->device, r->model_file, 0, &r->model));
    const pdessm_config *config = pdessm_model_get_config(r->model);
    if (config->task == PDESSM_TASK_CLASSIFY)
        r->without_samples = "A classifier draws no images.";
    else if (r->no_samples)
        r->without_samples = "None were asked for (--no-samples).";
    else if (config->channels != 1 && config->channels != 3)
        r->without_samples = pdessm_cli_text(
            r->c, "The model has %d channels; a picture has 1 or 3.", config->channels);
out:
    free(newest);
    return status;
}

/* ------------------------------------------------------------------ the page */

static double last_of(const report *r, const char *column) {
    const double *values = pdessm_run_log_column(&r->log, column);
    return values ? values[r->log.rows - 1] : NAN;
}

/* A few words that say how far the run is. */
static void print_head(report *r) {
    FILE *f = r->page.f;
    double seconds = last_of(r, "wall_seconds"), memory = last_of(r, "memory_bytes");
    pdessm_cli_page_element(f, "h1", NULL, r->run);
    fputs("\n<p class=\"facts\">", f);
    if (r->has_settings && r->settings.model && r->settings.data)
        pdessm_cli_page_escape(
            f, pdessm_cli_text(r->c, "%s on %s, ", r->settings.model, r->settings.data));
    fprintf(f, "step %.0f", last_of(r, "step"));
    if (r->has_settings)
        fprintf(f, " of %lld", (long long)r->settings.steps);
    fprintf(f, ", loss %.4f", last_of(r, "loss"));
    if (isfinite(seconds))
        fprintf(f,
                seconds < 180     ? ", %.0f seconds of training"
                : seconds < 10800 ? ", %.0f minutes of training"
                                  : ", %.1f hours of training",
                seconds / (seconds < 180     ? 1
                           : seconds < 10800 ? 60
                                             : 3600));
    if (isfinite(memory))
        fprintf(f, ", %s at the peak", pdessm_text_of_bytes((int64_t)memory).text);
    fputs(r->checkpoint ? ", checkpoint " : ", no checkpoint yet", f);
    if (r->checkpoint)
        pdessm_cli_page_escape(f, r->checkpoint);
    fputs("</p>\n", f);
}

static pdessm_status print_page(report *r) {
    pdessm_status status = PDESSM_OK;
    pdessm_cli_page_create(r->c, pdessm_cli_text(r->c, "%s: training run", r->run), &r->page);
    print_head(r);
    PDESSM_TRY(pdessm_cli_report_curves(r));
    PDESSM_TRY(pdessm_cli_report_history(r));
    PDESSM_TRY(pdessm_cli_report_samples(r));
    PDESSM_TRY(pdessm_cli_report_spectra(r));
    PDESSM_TRY(pdessm_cli_report_map(r));
    PDESSM_TRY(pdessm_cli_report_kernels(r));
    PDESSM_TRY(pdessm_cli_report_settings(r));
    PDESSM_TRY(pdessm_cli_page_write(&r->page, r->out));
out:
    return status;
}

static void print_result(report *r) {
    if (r->c->format == CLI_FORMAT_TEXT) {
        puts(r->out);
        return;
    }
    cJSON *json = pdessm_cli_json_begin(r->c);
    pdessm_cli_json_text(json, "report", r->out);
    pdessm_cli_json_text(json, "run", r->run);
    pdessm_cli_json_number(json, "bytes", (double)r->page.size);
    pdessm_cli_json_number(json, "lines", (double)r->log.rows);
    pdessm_cli_json_number(json, "step", last_of(r, "step"));
    pdessm_cli_json_number(json, "loss", last_of(r, "loss"));
    cJSON_AddItemToObject(
        json, "checkpoint",
        pdessm_cli_need(r->checkpoint ? cJSON_CreateString(r->checkpoint) : cJSON_CreateNull()));
    pdessm_cli_json_number(json, "samples", r->without_samples ? 0 : (double)r->n);
    pdessm_cli_json_print(json);
}

static pdessm_status run(cli *c) {
    report r = {.c = c, .n = 40, .steps = 25, .solver = PDESSM_HEUN, .guidance = -1};
    cli_option options[] = {
        {"out", 'o', CLI_TEXT, &r.out, "FILE", "the page to write (default: DIR/report.html)"},
        {"n", 'n', CLI_WHOLE, &r.n, "N", "images to draw", 1, 1 << 16},
        {"steps", 's', CLI_WHOLE, &r.steps, "N", "solver steps", 1, 1 << 20},
        {"solver", 0, CLI_CHOICE, &r.solver, "NAME", "ODE solver", 0, 0,
         PDESSM_WORDS(PDESSM_SOLVERS)},
        {"guidance", 'g', CLI_REAL, &r.guidance, "X",
         "classifier-free guidance scale (default: 2 if labels were dropped in training, else 1)",
         0, 1e3},
        {"no-samples", 0, CLI_FLAG, &r.no_samples, NULL, "draw no images: curves and kernels only"},
    };
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(
        pdessm_cli_begin(c, options, CLI_COUNT(options), &(cli_positional){"DIR", &r.run}, 1));
    PDESSM_TRY(check_usage(&r));
    PDESSM_TRY(read_logs(&r));
    read_settings(&r);
    PDESSM_TRY(pdessm_cli_open_device(c));
    PDESSM_TRY(load_model(&r));
    pdessm_cli_interrupt_catch();
    if (!r.without_samples)
        PDESSM_TRY(pdessm_cli_report_draw(&r));
    if (r.model)
        PDESSM_TRY(pdessm_cli_report_read_data(&r));
    PDESSM_TRY(print_page(&r));
    print_result(&r);
out:
    pdessm_run_settings_release(&r.settings);
    pdessm_cli_page_destroy(&r.page);
    pdessm_pictures_release(&r.samples);
    free(r.real);
    free(r.real_labels);
    pdessm_model_destroy(&r.model);
    pdessm_run_log_release(&r.log);
    pdessm_run_log_release(&r.accuracy);
    return status;
}
