/* SPDX-License-Identifier: MIT */
/* test_run.c: what a training run promises: its folder holds all of it, a break changes no bit,
 * whoever watches can end it, two of them do not share a folder, and a refusal leaves nothing. */
#include "api.h"

#include <pdessm/run.h>

enum { STEPS = 9, STAGES = PDESSM_RUN_TEST + 1 };

/* Counts the calls of each stage and cancels one of them at a number of steps or images. */
typedef struct watch {
    int calls[STAGES];
    double share[STAGES]; /* as last told */
    int cancels;
    pdessm_run_stage stage;
    int64_t at;
} watch;

static int look(void *user, const pdessm_run_progress *p) {
    watch *w = user;
    w->calls[p->stage]++;
    assert_true(p->share >= 0 && p->share <= 1);
    assert_true(w->calls[p->stage] == 1 || p->share == 0 || p->share >= w->share[p->stage]);
    w->share[p->stage] = p->share;
    return w->cancels && p->stage == w->stage && p->done >= w->at;
}

static const char *below(api *a, const char *name, char ret[128]) {
    snprintf(ret, 128, "%s/%s", a->folder, name);
    return ret;
}

static int is_there(const char *folder, const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* A network of a few numbers; the images have one channel so that pictures can be drawn. */
static pdessm_run_settings small(const char *out) {
    pdessm_run_settings s = pdessm_run_settings_defaults(PDESSM_TASK_VELOCITY);
    s.data = "shapes";
    s.limit = API_IMAGES;
    s.image_size[0] = s.image_size[1] = API_SIDE;
    s.model = "pde-nano/2";
    s.width = 16;
    s.depth = 1;
    s.heads = 2;
    s.states = 2;
    s.steps = STEPS;
    s.batch = 4;
    s.warmup = 2;
    s.seed = 5;
    s.log_every = 3;
    s.sample_every = 0;
    s.out = out;
    return s;
}

static pdessm_run *open_run(api *a, const pdessm_run_settings *s, watch *w) {
    const pdessm_run_watcher watcher = {look, w};
    pdessm_run *run = NULL;
    assert_ok(a, pdessm_run_open(a->device, s, w ? &watcher : NULL, &run));
    return run;
}

/* All steps at once. */
static void train(api *a, const char *folder) {
    const pdessm_run_settings s = small(folder);
    pdessm_run *run = open_run(a, &s, NULL);
    assert_ok(a, pdessm_run_step_until(run, INT64_MAX));
    pdessm_run_destroy(&run);
}

/* ------------------------------------------------------------------ a run and its folder */

static void a_folder_holds_the_run(void **state) {
    api *a = *state;
    char folder[128], expected[256], *file = NULL, **names = NULL;
    pdessm_run_settings s = small(below(a, "deep/er/run", folder));
    watch w = {0};
    s.sample_every = 6;
    pdessm_run *run = open_run(a, &s, &w);
    assert_int_equal(pdessm_run_get_result(run)->ending, PDESSM_RUN_UNFINISHED);
    assert_null(pdessm_run_get_result(run)->checkpoint);
    assert_ok(a, pdessm_run_step_until(run, STEPS));
    const pdessm_run_result *r = pdessm_run_get_result(run);
    snprintf(expected, sizeof expected, "%s/step-%08d", folder, STEPS);
    assert_int_equal(r->ending, PDESSM_RUN_COMPLETE);
    assert_int_equal(r->step, STEPS);
    assert_string_equal(r->checkpoint, expected);
    assert_true(r->loss > 0 && r->loss < 10 && r->seconds > 0 && r->bad_steps == 0);
    assert_true(isnan(r->accuracy));
    assert_int_equal(pdessm_run_get_settings(run)->batch, 4);
    assert_int_equal(pdessm_trainer_step_count(pdessm_run_get_trainer(run)), STEPS);
    assert_true(w.calls[PDESSM_RUN_TRAIN] >= STEPS && w.calls[PDESSM_RUN_PICTURES] >= 2);
    assert_true(w.share[PDESSM_RUN_TRAIN] == 1 && w.calls[PDESSM_RUN_FIT] == 0);
    pdessm_run_destroy(&run);
    assert_true(is_there(folder, "config.yaml") && is_there(folder, "classes.txt"));
    assert_true(is_there(folder, "samples/step-00000006.png"));
    assert_true(is_there(folder, "samples/step-00000009.png"));

    assert_ok(a, pdessm_run_find_model(a->ctx, folder, &file));
    assert_non_null(strstr(file, "step-00000009/ema.safetensors"));
    assert_ok(a, pdessm_run_read_class_names(a->ctx, file, 11, &names));
    assert_string_equal(names[0], "disc");
    assert_string_equal(names[10], "10");
    free(names);
    free(file);
    assert_int_equal(a->warnings, 0);
}

static void a_log_is_read_by_columns(void **state) {
    api *a = *state;
    char folder[128], path[256];
    pdessm_run_log log;
    train(a, below(a, "run", folder));
    snprintf(path, sizeof path, "%s/log.csv", folder);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fputs("12,0.5", file); /* as a killed process leaves it */
    fclose(file);
    assert_ok(a, pdessm_run_log_read(a->ctx, folder, "log.csv", &log));
    assert_int_equal(log.rows, 3);
    assert_int_equal(log.columns, 7);
    assert_true(log.cut_off);
    const double *step = pdessm_run_log_column(&log, "step");
    const double *loss = pdessm_run_log_column(&log, "loss");
    for (int i = 0; i < 3; i++)
        assert_true(step[i] == 3 * (i + 1) && loss[i] > 0);
    assert_null(pdessm_run_log_column(&log, "lossy"));
    pdessm_run_log_release(&log);
    pdessm_run_log_release(&log);

    file = fopen(path, "w");
    fputs("step,loss\n1,2\n2,x\n", file);
    fclose(file);
    assert_refused(a, pdessm_run_log_read(a->ctx, folder, "log.csv", &log), PDESSM_ERROR_FILE,
                   "log.csv:3: 'x' is not a number (column 2, loss)");
    file = fopen(path, "w");
    fputs("1,2\n", file);
    fclose(file);
    assert_refused(a, pdessm_run_log_read(a->ctx, folder, "log.csv", &log), PDESSM_ERROR_FILE,
                   "does not name");
    assert_refused(a, pdessm_run_log_read(a->ctx, folder, "none.csv", &log), PDESSM_ERROR_FILE,
                   "none.csv");
}

/* ------------------------------------------------------------------ breaks */

static void a_break_changes_no_bit(void **state) {
    api *a = *state;
    char whole[128], broken[128];
    pdessm_run_log log[2];
    train(a, below(a, "whole", whole));
    const pdessm_run_settings s = small(below(a, "broken", broken));
    pdessm_run *run = open_run(a, &s, NULL);
    assert_ok(a, pdessm_run_step_until(run, 2));
    assert_null(pdessm_run_get_result(run)->checkpoint); /* nothing was due */
    assert_ok(a, pdessm_run_step_until(run, 4));
    assert_ok(a, pdessm_run_save(run));
    assert_ok(a, pdessm_run_step_until(run, 6)); /* lost */
    pdessm_run_destroy(&run);
    assert_ok(a, pdessm_run_resume(a->device, broken, NULL, &run));
    assert_int_equal(pdessm_run_get_result(run)->step, 4);
    assert_ok(a, pdessm_run_step_until(run, STEPS));
    pdessm_run_destroy(&run);
    api_assert_same_checkpoint(whole, broken, STEPS);
    assert_ok(a, pdessm_run_log_read(a->ctx, whole, "log.csv", &log[0]));
    assert_ok(a, pdessm_run_log_read(a->ctx, broken, "log.csv", &log[1]));
    /* After 3, 6, 9 steps; the checkpoint after 4 ends a line too, what came after it was lost. */
    const double *loss[2] = {pdessm_run_log_column(&log[0], "loss"),
                             pdessm_run_log_column(&log[1], "loss")};
    assert_true(log[0].rows == 3 && log[1].rows == 4);
    assert_true(loss[0][0] == loss[1][0] && loss[0][2] == loss[1][3]);
    assert_true(fabs(3 * loss[0][1] - loss[1][1] - 2 * loss[1][2]) < 1e-4);
    pdessm_run_log_release(&log[0]);
    pdessm_run_log_release(&log[1]);
    /* A complete run is none that fails. */
    assert_ok(a, pdessm_run_resume(a->device, broken, NULL, &run));
    assert_ok(a, pdessm_run_step_until(run, INT64_MAX));
    assert_int_equal(pdessm_run_get_result(run)->ending, PDESSM_RUN_COMPLETE);
    assert_true(pdessm_run_get_result(run)->loss > 0);
    pdessm_run_destroy(&run);
}

static void whoever_watches_can_end_it(void **state) {
    api *a = *state;
    char whole[128], cancelled[128];
    watch w = {.cancels = 1, .stage = PDESSM_RUN_TRAIN, .at = 3};
    train(a, below(a, "whole", whole));
    const pdessm_run_settings s = small(below(a, "cancelled", cancelled));
    pdessm_run *run = open_run(a, &s, &w);
    assert_refused(a, pdessm_run_step_until(run, STEPS), PDESSM_ERROR_CANCELLED,
                   "interrupted after step 3, saved in");
    assert_int_equal(pdessm_run_get_result(run)->ending, PDESSM_RUN_CANCELLED);
    assert_non_null(strstr(pdessm_run_get_result(run)->checkpoint, "step-00000003"));
    w.at = 5; /* the same object continues .. */
    assert_refused(a, pdessm_run_step_until(run, STEPS), PDESSM_ERROR_CANCELLED, "after step 5");
    pdessm_run_destroy(&run); /* .. and so does the folder */
    assert_ok(a, pdessm_run_resume(a->device, cancelled, NULL, &run));
    assert_ok(a, pdessm_run_step_until(run, STEPS));
    pdessm_run_destroy(&run);
    api_assert_same_checkpoint(whole, cancelled, STEPS);
}

static void a_cancelled_map_is_resumed(void **state) {
    api *a = *state;
    char folder[128];
    watch w = {.cancels = 1, .stage = PDESSM_RUN_MAP};
    pdessm_run_settings s = small(below(a, "mapped", folder));
    s.precondition = PDESSM_PRECONDITION_WHITEN;
    s.precondition_pooled = 1;
    const pdessm_run_watcher watcher = {look, &w};
    pdessm_run *run = NULL;
    assert_refused(a, pdessm_run_open(a->device, &s, &watcher, &run), PDESSM_ERROR_CANCELLED,
                   "before the first step; what is done is kept");
    assert_null(run);
    assert_true(is_there(folder, "precondition.safetensors"));
    w = (watch){0};
    assert_ok(a, pdessm_run_resume(a->device, folder, &watcher, &run));
    assert_true(w.calls[PDESSM_RUN_FIT] == 0 && w.share[PDESSM_RUN_MAP] == 1);
    assert_ok(a, pdessm_run_step_until(run, 2));
    pdessm_run_destroy(&run);
}

static void time_ends_a_run(void **state) {
    api *a = *state;
    char folder[128];
    pdessm_run_settings s = small(below(a, "short", folder));
    s.max_time = 1e-6;
    pdessm_run *run = open_run(a, &s, NULL);
    assert_ok(a, pdessm_run_step_until(run, STEPS));
    assert_int_equal(pdessm_run_get_result(run)->ending, PDESSM_RUN_TIME_UP);
    assert_int_equal(pdessm_run_get_result(run)->step, 1);
    assert_non_null(pdessm_run_get_result(run)->checkpoint);
    pdessm_run_destroy(&run);
}

/* ------------------------------------------------------------------ classifiers */

static void a_classifier_is_tested(void **state) {
    api *a = *state;
    char folder[128];
    watch w = {0};
    pdessm_run_log log;
    pdessm_run_settings s = small(below(a, "classifier", folder));
    s.task = PDESSM_TASK_CLASSIFY;
    s.evaluate_every = 4;
    pdessm_run *run = open_run(a, &s, &w);
    assert_ok(a, pdessm_run_step_until(run, STEPS));
    const pdessm_run_result *r = pdessm_run_get_result(run);
    assert_true(r->accuracy >= 0 && r->accuracy <= 1 && r->test_images > 0);
    assert_true(w.share[PDESSM_RUN_TEST] == 1 && w.calls[PDESSM_RUN_PICTURES] == 0);
    assert_ok(a, pdessm_run_log_read(a->ctx, folder, "accuracy.csv", &log));
    assert_int_equal(log.rows, 3); /* after 4, 8 and the last */
    assert_true(fabs(pdessm_run_log_column(&log, "test_accuracy")[2] - r->accuracy) < 1e-5);
    pdessm_run_log_release(&log);
    pdessm_run_destroy(&run);
}

/* ------------------------------------------------------------------ refusals */

static void a_folder_belongs_to_one_run(void **state) {
    api *a = *state;
    char folder[128];
    const pdessm_run_settings s = small(below(a, "busy", folder));
    pdessm_run *run = open_run(a, &s, NULL), *second = NULL;
    assert_refused(a, pdessm_run_open(a->device, &s, NULL, &second), PDESSM_ERROR_ARGUMENT,
                   "holds a run already");
    assert_refused(a, pdessm_run_resume(a->device, folder, NULL, &second), PDESSM_ERROR_FAILED,
                   "another process trains in this folder");
    assert_null(second);
    pdessm_run_destroy(&run);
    assert_ok(a, pdessm_run_resume(a->device, folder, NULL, &second)); /* starts again */
    pdessm_run_destroy(&second);
    pdessm_run_destroy(&second);
}

static void a_refused_run_leaves_nothing(void **state) {
    api *a = *state;
    char folder[128], log[256];
    pdessm_run *run = NULL;
    pdessm_model *model = NULL;
    char *file = NULL;
    pdessm_run_settings s = small(NULL);
    assert_refused(a, pdessm_run_open(a->device, &s, NULL, &run), PDESSM_ERROR_ARGUMENT, "--out");
    s = small(below(a, "never", folder));
    s.data = "/nowhere";
    assert_refused(a, pdessm_run_open(a->device, &s, NULL, &run), PDESSM_ERROR_FILE, "/nowhere");
    s = small(folder);
    s.batch = 1 << 20;
    assert_refused(a, pdessm_run_open(a->device, &s, NULL, &run), PDESSM_ERROR_MEMORY, "--accum");
    assert_false(is_there(a->folder, "never"));
    assert_refused(a, pdessm_run_resume(a->device, folder, NULL, &run), PDESSM_ERROR_FILE,
                   "config.yaml");
    assert_refused(a, pdessm_run_find_model(a->ctx, a->folder, &file), PDESSM_ERROR_FILE,
                   "no complete checkpoint");
    train(a, folder);
    assert_refused(a, pdessm_run_load_model(a->device, folder, PDESSM_TASK_CLASSIFY, &file, &model),
                   PDESSM_ERROR_ARGUMENT, "expected a classifier");
    snprintf(log, sizeof log, "%s/log.csv", folder);
    FILE *other = fopen(log, "w");
    assert_non_null(other);
    fputs("a,b\n1,2\n", other);
    fclose(other);
    assert_refused(a, pdessm_run_resume(a->device, folder, NULL, &run), PDESSM_ERROR_FILE,
                   "log.csv");
    assert_true(!run && !model && !file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(a_folder_holds_the_run),       api_test(a_log_is_read_by_columns),
        api_test(a_break_changes_no_bit),       api_test(whoever_watches_can_end_it),
        api_test(a_cancelled_map_is_resumed),   api_test(time_ends_a_run),
        api_test(a_classifier_is_tested),       api_test(a_folder_belongs_to_one_run),
        api_test(a_refused_run_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
