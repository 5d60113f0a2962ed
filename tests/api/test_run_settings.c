/* SPDX-License-Identifier: MIT */
/* test_run_settings.c: settings of runs: they begin as the trainer does, are held to their bounds
 * whoever fills them in, go through a file and back, and are refused where they do not go together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <pdessm/run.h>

static int make_context(void **state) {
    pdessm_context *ctx = NULL;
    const pdessm_status status = pdessm_context_create(NULL, &ctx);
    *state = ctx;
    return status != PDESSM_OK;
}

static int destroy_context(void **state) {
    pdessm_context *ctx = *state;
    pdessm_context_destroy(&ctx);
    return 0;
}

static pdessm_run_settings complete(pdessm_model_task task) {
    pdessm_run_settings s = pdessm_run_settings_defaults(task);
    s.data = "shapes";
    s.model = "pde-nano/4";
    s.out = "run";
    return s;
}

static void defaults_are_the_trainers(void **state) {
    (void)state;
    const pdessm_run_settings s = pdessm_run_settings_defaults(PDESSM_TASK_VELOCITY);
    const pdessm_train_options run = pdessm_run_settings_train_options(&s);
    const pdessm_train_options usual = pdessm_train_defaults();
    assert_int_equal(run.steps, usual.steps);
    assert_int_equal(run.batch, usual.batch);
    assert_true(run.rate == usual.rate && run.ema == usual.ema && run.clip == usual.clip);
    assert_true(run.beta1 == usual.beta1 && run.epsilon == usual.epsilon);
    assert_int_equal(run.schedule, usual.schedule);
    assert_int_equal(run.levels, usual.levels);
    assert_int_equal(s.batch, 64);
    assert_true(s.rate == 1e-3 && s.weight_decay == 0);
    assert_true(s.precondition_epsilon ==
                pdessm_precondition_defaults(PDESSM_PRECONDITION_WHITEN).epsilon);
}

static void classifiers_begin_with_others(void **state) {
    (void)state;
    const pdessm_run_settings s = pdessm_run_settings_defaults(PDESSM_TASK_CLASSIFY);
    assert_int_equal(s.task, PDESSM_TASK_CLASSIFY);
    assert_true(s.weight_decay == 0.05);
    assert_int_equal(s.sample_every, 0);
}

static void refused(void **state, const pdessm_run_settings *s, const char *what) {
    assert_int_equal(pdessm_run_settings_check(*state, s), PDESSM_ERROR_ARGUMENT);
    const char *text = pdessm_context_error(*state);
    if (!strstr(text, what))
        fail_msg("'%s' not in: %s", what, text);
}

static void bounds_hold_for_programs_too(void **state) {
    pdessm_run_settings s = complete(PDESSM_TASK_VELOCITY);
    assert_int_equal(pdessm_run_settings_check(*state, &s), PDESSM_OK);
    s.save_every = 0;
    refused(state, &s, "--save-every is 0, expected a whole number from 1 to 4000000000");
    s = complete(PDESSM_TASK_VELOCITY);
    s.ema = 1.5;
    refused(state, &s, "--ema is 1.5, expected a number from 0 to 1");
    s = complete(PDESSM_TASK_VELOCITY);
    s.schedule = (pdessm_schedule)7;
    refused(state, &s, "--schedule is 7, expected one of: constant cosine");
    s = complete(PDESSM_TASK_VELOCITY);
    s.image_size[0] = 28;
    refused(state, &s, "--image-size is 28x0");
    s = complete(PDESSM_TASK_VELOCITY);
    s.image_size[1] = 28;
    refused(state, &s, "--image-size is 0x28");
    s = complete(PDESSM_TASK_VELOCITY);
    s.depth = 4097;
    refused(state, &s, "--depth is 4097");
}

static void what_does_not_go_together_is_refused(void **state) {
    pdessm_run_settings s = complete(PDESSM_TASK_VELOCITY);
    s.multiscale = PDESSM_RESOLUTION_MGE;
    s.precondition = PDESSM_PRECONDITION_WHITEN;
    refused(state, &s, "--multiscale cannot be combined with --precondition");
    s = complete(PDESSM_TASK_VELOCITY);
    s.levels = 2;
    refused(state, &s, "--levels is for --multiscale");
    s = complete(PDESSM_TASK_CLASSIFY);
    s.coupling = PDESSM_COUPLING_OT;
    refused(state, &s, "--task classify cannot be combined with --coupling ot");
    s = complete(PDESSM_TASK_VELOCITY);
    s.reflow = "teacher";
    refused(state, &s, "--reflow cannot be combined with --data");
    s = complete(PDESSM_TASK_VELOCITY);
    s.model = NULL;
    refused(state, &s, "--model is missing");
}

static void a_file_keeps_them(void **state) {
    char path[] = "/tmp/pdessm-settings-XXXXXX";
    pdessm_run_settings s = complete(PDESSM_TASK_CLASSIFY), back;
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    s.no_gate = 1;
    s.solution = PDESSM_FORCED;
    s.rate = 0.1 + 0.2;
    s.image_size[0] = 28;
    s.image_size[1] = 32;
    s.seed = 7;
    assert_int_equal(pdessm_run_settings_save(*state, path, &s), PDESSM_OK);
    back = pdessm_run_settings_defaults(PDESSM_TASK_VELOCITY);
    assert_int_equal(pdessm_run_settings_load(*state, path, &back), PDESSM_OK);
    unlink(path);
    assert_string_equal(back.data, "shapes");
    assert_null(back.out); /* of a call, not of a run */
    assert_int_equal(back.task, PDESSM_TASK_CLASSIFY);
    assert_int_equal(back.no_gate, 1);
    assert_int_equal(back.solution, PDESSM_FORCED);
    assert_true(back.rate == 0.1 + 0.2 && back.weight_decay == 0.05);
    assert_int_equal(back.image_size[1], 32);
    assert_int_equal(back.seed, 7);
    pdessm_run_settings_release(&back);
}

static void a_model_takes_what_is_asked_for(void **state) {
    pdessm_run_settings s = complete(PDESSM_TASK_VELOCITY);
    const pdessm_dataset_info images = {.height = 28, .width = 28, .channels = 1, .num_classes = 4};
    pdessm_config preset, config;
    assert_int_equal(pdessm_config_preset(*state, s.model, &preset), PDESSM_OK);
    s.width = 64;
    s.heads = 2;
    s.no_skip = 1;
    s.padding = PDESSM_PADDING_ZERO;
    assert_int_equal(pdessm_run_settings_model(*state, &s, &images, &config), PDESSM_OK);
    assert_int_equal(config.width, 64);
    assert_int_equal(config.depth, preset.depth);
    assert_int_equal(config.states, preset.states);
    assert_int_equal(config.no_skip, 1);
    assert_int_equal(config.no_gate, 0);
    assert_int_equal(config.padding, PDESSM_PADDING_ZERO);
    assert_int_equal(config.num_classes, 4);
    s.model = "conv-nano/4";
    assert_int_equal(pdessm_run_settings_model(*state, &s, &images, &config),
                     PDESSM_ERROR_ARGUMENT);
    assert_non_null(strstr(pdessm_context_error(*state), "padding = zero does not go with"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_trainers),
        cmocka_unit_test(classifiers_begin_with_others),
        cmocka_unit_test(bounds_hold_for_programs_too),
        cmocka_unit_test(what_does_not_go_together_is_refused),
        cmocka_unit_test(a_file_keeps_them),
        cmocka_unit_test(a_model_takes_what_is_asked_for),
    };
    return cmocka_run_group_tests(tests, make_context, destroy_context);
}
