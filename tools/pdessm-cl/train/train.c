/* SPDX-License-Identifier: MIT */
/* train.c: `train`: begins a run in a new folder, or resumes one. The run itself is the library's;
 * here is what its user sees of it. */
#include <math.h>
#include <stdio.h>

#include "settings.h"
#include "shared/interrupt.h"
#include "shared/print.h"
#include "shared/progress.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_train = {
    .name = "train",
    .meaning = "trains a model by flow matching, or a classifier",
    .arguments = "--data D --model PRESET --out DIR | --config FILE --out DIR | --resume DIR",
    .example = PDESSM_CLI_PROGRAM " train --data fashion-mnist --model pde-nano/4 --steps 3000 "
                                  "--out runs/fashion",
    .prints_result = 1,
    .run = run,
};

enum { STAGES = PDESSM_RUN_TEST + 1 };

typedef struct job {
    cli *c;
    pdessm_run_settings settings;
    const char *folder;
    pdessm_run *run;
    cli_progress bar[STAGES]; /* that of a test lies over that of the training */
} job;

/* ------------------------------------------------------------------ progress */

static void describe_training(const job *j, const pdessm_run_progress *p, char *ret, size_t size) {
    char loss[32] = "-", speed[32] = "-", level[32] = "";
    if (isfinite(p->loss))
        snprintf(loss, sizeof loss, "%.4f", p->loss);
    if (p->images_per_second > 0)
        snprintf(speed, sizeof speed, "%.0f", p->images_per_second);
    if (j->settings.multiscale == PDESSM_RESOLUTION_COARSE_TO_FINE)
        snprintf(level, sizeof level, "  level %d", p->level);
    snprintf(ret, size, "step %lld/%lld%s  loss %s  %s images/s", (long long)p->done,
             (long long)p->total, level, loss, speed);
}

static void describe(const job *j, const pdessm_run_progress *p, char *ret, size_t size) {
    *ret = '\0';
    if (p->stage == PDESSM_RUN_TRAIN)
        describe_training(j, p, ret, size);
    if (p->stage == PDESSM_RUN_PAIRS)
        snprintf(ret, size, "%lld of %lld images", (long long)p->done, (long long)p->total);
    if (p->stage == PDESSM_RUN_TEST)
        snprintf(ret, size, "%lld images", (long long)p->total);
}

/* Interruptions are caught once there is something to keep. */
static int show(void *user, const pdessm_run_progress *p) {
    static const char *const names[STAGES] = {[PDESSM_RUN_PAIRS] = "pairs",
                                              [PDESSM_RUN_FIT] = "fit",
                                              [PDESSM_RUN_MAP] = "map",
                                              [PDESSM_RUN_TRAIN] = "train",
                                              [PDESSM_RUN_TEST] = "test"};
    job *j = user;
    cli_progress *bar = &j->bar[p->stage];
    char detail[128];
    if (!names[p->stage])
        return pdessm_cli_interrupted();
    if (!bar->c) {
        pdessm_cli_interrupt_catch();
        pdessm_cli_progress_begin(bar, j->c, names[p->stage], p->share);
    }
    describe(j, p, detail, sizeof detail);
    pdessm_cli_progress_update(bar, p->share, detail);
    /* That of the training stays while the last step is saved, drawn and tested. */
    if (p->share >= 1 && p->stage != PDESSM_RUN_TRAIN) {
        pdessm_cli_progress_end(bar);
        bar->c = NULL;
    }
    return pdessm_cli_interrupted();
}

/* ------------------------------------------------------------------ the run */

static pdessm_status train(job *j) {
    const pdessm_run_watcher watcher = {show, j};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_open_device(j->c));
    PDESSM_TRY(pdessm_run_open(j->c->device, &j->settings, &watcher, &j->run));
    PDESSM_TRY(pdessm_run_step_until(j->run, j->settings.steps));
out:
    for (int i = STAGES - 1; i >= 0; i--)
        pdessm_cli_progress_end(&j->bar[i]);
    if (status == PDESSM_ERROR_CANCELLED)
        status = pdessm_fail(j->c->ctx, status, "%s; resume with `pdessm-cl train --resume %s`",
                             pdessm_context_error(j->c->ctx), j->folder);
    return status;
}

static void print_result(const job *j, const pdessm_run_result *r) {
    if (r->ending == PDESSM_RUN_TIME_UP)
        pdessm_cli_note(
            j->c,
            "the time is up after step %lld of %lld; resume with `pdessm-cl train --resume %s`",
            (long long)r->step, (long long)j->settings.steps, j->folder);
    if (j->c->format == CLI_FORMAT_TEXT) {
        puts(r->checkpoint);
        return;
    }
    cJSON *json = pdessm_cli_json_begin(j->c);
    pdessm_cli_json_text(json, "checkpoint", r->checkpoint);
    pdessm_cli_json_number(json, "steps", (double)r->step);
    pdessm_cli_json_number(json, "loss", r->loss);
    pdessm_cli_json_number(json, "images_per_second", r->images_per_second);
    pdessm_cli_json_number(json, "seconds", r->seconds);
    pdessm_cli_json_number(json, "bad_steps", (double)r->bad_steps);
    if (isfinite(r->accuracy)) {
        pdessm_cli_json_number(json, "test_accuracy", r->accuracy);
        pdessm_cli_json_number(json, "test_images", (double)r->test_images);
    }
    pdessm_cli_json_print(json);
}

static pdessm_status run(cli *c) {
    job j = {.c = c};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_settings_read(c, &j.settings));
    j.folder = j.settings.resume ? j.settings.resume : j.settings.out;
    PDESSM_TRY(train(&j));
    print_result(&j, pdessm_run_get_result(j.run));
out:
    pdessm_run_destroy(&j.run);
    pdessm_run_settings_release(&j.settings);
    return status;
}
