/* SPDX-License-Identifier: MIT */
/* accuracy.c: how well a classifier in training does on images that it has not seen. */
#include "run/run.h"

static pdessm_status check(const pdessm_run *run, const pdessm_dataset_info *test) {
    const pdessm_run_settings *s = &run->settings;
    const pdessm_dataset_info *images = &run->images;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(
        run->ctx, images->has_labels, PDESSM_ERROR_FILE,
        "%s: has no labels, and a classifier learns nothing else; expected labels, such as "
        "one subfolder for each class",
        s->data);
    PDESSM_REQUIRE(run->ctx, test->has_labels && test->num_classes <= images->num_classes,
                   PDESSM_ERROR_FILE,
                   "%s: has %s for the test of a classifier of %lld classes; give another --test",
                   s->test ? s->test : s->data, test->has_labels ? "more classes" : "no labels",
                   (long long)images->num_classes);
out:
    return status;
}

pdessm_status pdessm_run_open_test(pdessm_run *run) {
    const pdessm_run_settings *s = &run->settings;
    pdessm_dataset_options options = pdessm_run_settings_dataset_options(s);
    pdessm_dataset *test = NULL;
    pdessm_status status = PDESSM_OK;
    options.split = s->test ? PDESSM_SPLIT_TRAIN : PDESSM_SPLIT_TEST;
    options.limit = 0;
    options.height = run->images.height;
    options.width = run->images.width;
    options.channels = (int)run->images.channels;
    status = pdessm_dataset_open(run->ctx, s->test ? s->test : s->data, &options, &test);
    if (status != PDESSM_OK && !s->test)
        status = pdessm_fail_prefix(run->ctx, status,
                                    "no images to test the classifier on (give --test DATA)");
    PDESSM_TRY(status);
    PDESSM_TRY(check(run, pdessm_dataset_get_info(test)));
    pdessm_log(run->ctx, PDESSM_LOG_NOTE, "test: %lld images",
               (long long)pdessm_dataset_get_info(test)->count);
    run->accuracy.test = test;
    test = NULL;
out:
    pdessm_dataset_destroy(&test);
    return status;
}

pdessm_status pdessm_run_begin_accuracy(pdessm_run *run, int64_t keep) {
    const pdessm_run_path path = pdessm_run_at(run, "accuracy.csv");
    const pdessm_status status =
        pdessm_accuracy_file_open(run->ctx, path.text, keep, &run->accuracy.log);
    run->accuracy.step = run->accuracy.log.last_step;
    run->accuracy.value = run->accuracy.log.last_value;
    return status;
}

pdessm_status pdessm_run_test(pdessm_run *run) {
    const int64_t step = pdessm_trainer_step_count(run->trainer);
    pdessm_dataset *test = run->accuracy.test;
    pdessm_metric_options options = pdessm_metric_defaults();
    double accuracy;
    pdessm_status status = PDESSM_OK;
    if (run->accuracy.step == step)
        return PDESSM_OK;
    options.progress = pdessm_run_tell_share;
    options.user = run;
    pdessm_run_begin_stage(run, PDESSM_RUN_TEST, pdessm_dataset_get_info(test)->count);
    PDESSM_TRY(pdessm_accuracy(pdessm_trainer_average(run->trainer), test, (int)run->settings.batch,
                               &options, &accuracy));
    pdessm_run_tell_share(run, 1);
    run->accuracy.step = step;
    run->accuracy.value = accuracy;
    pdessm_log(run->ctx, PDESSM_LOG_NOTE, "step %lld: test accuracy %.2f %%", (long long)step,
               100 * accuracy);
    PDESSM_TRY(pdessm_accuracy_file_append(&run->accuracy.log, step, accuracy));
out:
    return status;
}
