/* SPDX-License-Identifier: MIT */
/* accuracy.c: tests a classifier in training. */
#include "accuracy.h"

#include <stdio.h>

#include "shared/interrupt.h"
#include "shared/progress.h"

static pdessm_status check(cli *c, const pdessm_run_settings *s, const pdessm_dataset_info *images,
                           const pdessm_dataset_info *test) {
    const char *name = s->test ? s->test : s->data;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(
        c->ctx, images->has_labels, PDESSM_ERROR_FILE,
        "%s: has no labels, and a classifier learns nothing else; expected labels, such as "
        "one subfolder for each class",
        s->data);
    PDESSM_REQUIRE(
        c->ctx, test->has_labels && test->num_classes <= images->num_classes, PDESSM_ERROR_FILE,
        "%s: has %s for the test of a classifier of %lld classes; give another --test", name,
        test->has_labels ? "more classes" : "no labels", (long long)images->num_classes);
out:
    return status;
}

pdessm_status pdessm_cli_accuracy_open(cli *c, const pdessm_run_settings *s,
                                       const pdessm_dataset_info *images, cli_accuracy *ret) {
    pdessm_dataset_options options = pdessm_run_settings_dataset_options(s);
    pdessm_dataset *test = NULL;
    options.split = s->test ? PDESSM_SPLIT_TRAIN : PDESSM_SPLIT_TEST;
    options.limit = 0;
    options.height = images->height;
    options.width = images->width;
    options.channels = (int)images->channels;
    pdessm_status status =
        pdessm_dataset_open(c->ctx, s->test ? s->test : s->data, &options, &test);
    if (status != PDESSM_OK)
        return s->test
                   ? status
                   : pdessm_fail_prefix(c->ctx, status,
                                        "no images to test the classifier on (give --test DATA)");
    status = check(c, s, images, pdessm_dataset_get_info(test));
    if (status != PDESSM_OK) {
        pdessm_dataset_destroy(&test);
        return status;
    }
    pdessm_cli_note(c, "test: %lld images", (long long)pdessm_dataset_get_info(test)->count);
    *ret = (cli_accuracy){.c = c, .settings = s, .test = test, .step = -1};
    return PDESSM_OK;
}

pdessm_status pdessm_cli_accuracy_begin(cli_accuracy *a, const char *folder, int64_t keep) {
    pdessm_status status = pdessm_cli_accuracy_log_open(
        a->c, pdessm_cli_text(a->c, "%s/accuracy.csv", folder), keep, &a->log);
    if (status == PDESSM_OK) {
        a->step = a->log.last_step;
        a->value = a->log.last_value;
    }
    return status;
}

typedef struct watcher {
    cli_progress bar;
    long long count;
} watcher;

static int show(void *user, double share) {
    watcher *w = user;
    char detail[64];
    snprintf(detail, sizeof detail, "%lld images", w->count);
    pdessm_cli_progress_update(&w->bar, share, detail);
    return pdessm_cli_interrupted();
}

pdessm_status pdessm_cli_accuracy_test(cli_accuracy *a, pdessm_trainer *trainer) {
    const int64_t step = pdessm_trainer_step_count(trainer);
    watcher w = {.count = (long long)pdessm_dataset_get_info(a->test)->count};
    pdessm_metric_options options = pdessm_metric_defaults();
    pdessm_status status = PDESSM_OK;
    if (a->step == step)
        return PDESSM_OK;
    options.progress = show;
    options.user = &w;
    pdessm_cli_progress_begin(&w.bar, a->c, "test", 0);
    status = pdessm_accuracy(pdessm_trainer_average(trainer), a->test, (int)a->settings->batch,
                             &options, &a->value);
    pdessm_cli_progress_end(&w.bar);
    if (status != PDESSM_OK)
        return status;
    a->step = step;
    pdessm_cli_note(a->c, "step %lld: test accuracy %.2f %%", (long long)step, 100 * a->value);
    return pdessm_cli_accuracy_log_append(&a->log, step, a->value);
}

void pdessm_cli_accuracy_close(cli_accuracy *a) {
    pdessm_cli_train_log_close(&a->log);
    pdessm_dataset_destroy(&a->test);
}
