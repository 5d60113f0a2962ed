/* SPDX-License-Identifier: MIT */
/* test_train.c: what a training run promises: it learns, resumes after a break as if there had been
 * none, does not depend on threads, and survives numbers that are not finite. */
#include "api.h"

#include <sys/stat.h>

static pdessm_train_options small_run(void) {
    pdessm_train_options o = pdessm_train_defaults();
    o.steps = 12;
    o.batch = 4;
    o.warmup = 3;
    o.flip = 1;
    o.time_law = PDESSM_TIME_LOGIT_NORMAL;
    o.weight_decay = 0.01;
    o.seed = 11;
    return o;
}

static pdessm_trainer *begin(api *a, pdessm_mixer mixer, const pdessm_train_options *o) {
    pdessm_config config = api_config(mixer);
    pdessm_trainer *t = NULL;
    assert_ok(a, pdessm_trainer_create(a->device, a->data, &config, o, &t));
    return t;
}

static pdessm_train_report run(api *a, pdessm_trainer *t, int steps) {
    pdessm_train_report report;
    for (int i = 0; i < steps; i++)
        assert_ok(a, pdessm_trainer_step(t));
    assert_ok(a, pdessm_trainer_report(t, &report));
    return report;
}

/* The folder of a run below the test's own. */
static void run_folder(api *a, const char *name, int number, char ret_path[128]) {
    snprintf(ret_path, 128, "%s/%s-%d", a->folder, name, number);
    assert_int_equal(mkdir(ret_path, 0777), 0);
}

static void resume_repeats_the_bits(api *a, pdessm_mixer mixer, pdessm_train_options o) {
    char whole[128], broken[128], *newest = NULL;
    run_folder(a, "whole", (int)mixer, whole);
    run_folder(a, "broken", (int)mixer, broken);
    pdessm_trainer *t = begin(a, mixer, &o);
    pdessm_train_report uninterrupted = run(a, t, 9);
    assert_ok(a, pdessm_trainer_save(t, whole, 0));
    pdessm_trainer_destroy(&t);

    t = begin(a, mixer, &o);
    run(a, t, 4);
    assert_ok(a, pdessm_trainer_save(t, broken, 1));
    pdessm_trainer_destroy(&t);
    assert_ok(a, pdessm_checkpoint_newest(a->ctx, broken, &newest));
    assert_non_null(newest);
    assert_ok(a, pdessm_trainer_resume(a->device, a->data, newest, &o, &t));
    free(newest);
    assert_int_equal(pdessm_trainer_step_count(t), 4);
    pdessm_train_report resumed = run(a, t, 5);
    assert_ok(a, pdessm_trainer_save(t, broken, 1));
    pdessm_trainer_destroy(&t);

    assert_int_equal(resumed.step, 9);
    assert_true(resumed.gradient_norm == uninterrupted.gradient_norm);
    api_assert_same_checkpoint(whole, broken, 9);
    assert_int_equal(a->warnings, 0);
}

static void resume_repeats_the_bits_pde(void **state) {
    resume_repeats_the_bits(*state, PDESSM_MIXER_PDE, small_run());
}

static void resume_repeats_the_bits_attention(void **state) {
    resume_repeats_the_bits(*state, PDESSM_MIXER_ATTENTION, small_run());
}

/* The break is in the middle of level 1; the end is beyond it. */
static void resume_repeats_the_bits_coarse_to_fine(void **state) {
    pdessm_train_options o = small_run();
    o.resolution = PDESSM_RESOLUTION_COARSE_TO_FINE;
    o.levels = 3;
    o.level_steps[2] = o.level_steps[1] = 3;
    resume_repeats_the_bits(*state, PDESSM_MIXER_PDE, o);
}

/* The break is between two levels. */
static void resume_repeats_the_bits_at_a_new_level(void **state) {
    pdessm_train_options o = small_run();
    o.resolution = PDESSM_RESOLUTION_COARSE_TO_FINE;
    o.levels = 2;
    o.level_steps[1] = 4;
    o.coupling = PDESSM_COUPLING_OT;
    o.accumulate = 2;
    resume_repeats_the_bits(*state, PDESSM_MIXER_CONV, o);
}

static void resume_repeats_the_bits_mge(void **state) {
    pdessm_train_options o = small_run();
    o.resolution = PDESSM_RESOLUTION_MGE;
    o.levels = 3;
    resume_repeats_the_bits(*state, PDESSM_MIXER_ATTENTION, o);
}

static void old_checkpoints_go_and_errors_are_named(void **state) {
    api *a = *state;
    pdessm_train_options o = small_run();
    char path[128], *newest = NULL;
    pdessm_trainer *t = begin(a, PDESSM_MIXER_PDE, &o);
    for (int i = 0; i < 4; i++) {
        run(a, t, 1);
        assert_ok(a, pdessm_trainer_save(t, a->folder, 2));
    }
    pdessm_trainer_destroy(&t);
    snprintf(path, sizeof path, "%s/step-00000002", a->folder);
    assert_int_equal(access(path, F_OK), -1);
    assert_ok(a, pdessm_checkpoint_newest(a->ctx, a->folder, &newest));
    assert_string_equal(newest + strlen(newest) - 14, "/step-00000004");

    /* Without its marker a folder does not count. */
    snprintf(path, sizeof path, "%s/step-00000099", a->folder);
    assert_int_equal(rename(newest, path), 0);
    free(newest);
    assert_refused(a, pdessm_trainer_resume(a->device, a->data, a->folder, &o, &t),
                   PDESSM_ERROR_FILE, "no complete checkpoint");
    assert_refused(a, pdessm_checkpoint_newest(a->ctx, "/nonexistent", &newest), PDESSM_ERROR_FILE,
                   "/nonexistent");
    o.batch = 0;
    pdessm_config config = api_config(PDESSM_MIXER_PDE);
    assert_refused(a, pdessm_trainer_create(a->device, a->data, &config, &o, &t),
                   PDESSM_ERROR_ARGUMENT, "batch");
    o.batch = 4;
    config.image_size[0] = 2 * API_SIDE;
    assert_refused(a, pdessm_trainer_create(a->device, a->data, &config, &o, &t),
                   PDESSM_ERROR_SHAPE, "8 x 8");
    assert_null(t);
}

/* Eight images at once or in two runs of four: the same images, times and noise. */
static void accumulation_equals_a_larger_batch(void **state) {
    api *a = *state;
    pdessm_train_options o = small_run();
    float *gradient[2];
    double loss[2], norm[2];
    int64_t n = 0;
    for (int i = 0; i < 2; i++) {
        o.batch = i ? 8 : 4;
        o.accumulate = i ? 1 : 2;
        pdessm_trainer *t = begin(a, PDESSM_MIXER_PDE, &o);
        api_perturb(a->ctx, pdessm_trainer_model(t), 3);
        pdessm_train_report report = run(a, t, 1);
        loss[i] = report.loss;
        norm[i] = report.gradient_norm;
        gradient[i] = api_read_all(a->ctx, pdessm_trainer_model(t), 1, &n);
        pdessm_trainer_destroy(&t);
    }
    assert_true(fabs(loss[0] / loss[1] - 1) < 1e-6);
    assert_true(fabs(norm[0] / norm[1] - 1) < 1e-5);
    assert_close(gradient[0], gradient[1], n, 1e-5);
    free(gradient[0]);
    free(gradient[1]);
}

static void threads_do_not_change_the_bits(void **state) {
    api *a = *state, other = {0};
    const pdessm_train_options o = small_run();
    char folder[2][128];
    api_open(&other, 1);
    for (int i = 0; i < 2; i++) {
        api *run_by = i ? &other : a;
        run_folder(a, "threads", i, folder[i]);
        pdessm_trainer *t = begin(run_by, PDESSM_MIXER_PDE, &o);
        run(run_by, t, 5);
        assert_ok(run_by, pdessm_trainer_save(t, folder[i], 0));
        pdessm_trainer_destroy(&t);
    }
    api_close(&other);
    api_assert_same_checkpoint(folder[0], folder[1], 5);
}

static void it_learns(api *a, pdessm_mixer mixer) {
    pdessm_train_options o = small_run();
    o.steps = 120;
    o.batch = 8;
    o.rate = 3e-3;
    pdessm_trainer *t = begin(a, mixer, &o);
    double first = run(a, t, 10).loss;
    run(a, t, 90);
    double last = run(a, t, 20).loss;
    pdessm_trainer_destroy(&t);
    print_message("loss %.4f of steps 1-10, %.4f of steps 101-120\n", first, last);
    assert_true(last < 0.75 * first);
}

static void it_learns_pde(void **state) {
    it_learns(*state, PDESSM_MIXER_PDE);
}

static void it_learns_attention(void **state) {
    it_learns(*state, PDESSM_MIXER_ATTENTION);
}

/* ------------------------------------------------------------------ not finite */

/* float32 images of which number `bad` is of size 1e30: its loss overflows. */
static pdessm_dataset *poisoned_images(api *a, int count, int bad) {
    const int pixels = 3 * API_SIDE * API_SIDE;
    char path[128], header[128];
    snprintf(path, sizeof path, "%s/poisoned.npy", a->folder);
    int length = snprintf(header, sizeof header,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 3, %d, %d), }\n",
                          count, API_SIDE, API_SIDE);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite("\x93NUMPY\1", 1, 7, file);
    fputc(0, file);
    fputc(length & 255, file);
    fputc(length >> 8, file);
    fwrite(header, 1, (size_t)length, file);
    for (int i = 0; i < count * pixels; i++) {
        float value = i / pixels == bad ? 1e30f : sinf((float)i);
        fwrite(&value, sizeof value, 1, file);
    }
    assert_int_equal(fclose(file), 0);
    const pdessm_dataset_options options = {.layout = PDESSM_LAYOUT_NCHW};
    pdessm_dataset *data = NULL;
    assert_ok(a, pdessm_dataset_open(a->ctx, path, &options, &data));
    return data;
}

static void a_bad_step_is_skipped_and_counted(void **state) {
    api *a = *state;
    pdessm_train_options o = small_run();
    o.batch = 2;
    pdessm_dataset *data = poisoned_images(a, 8, 5);
    pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_trainer *t = NULL;
    assert_ok(a, pdessm_trainer_create(a->device, data, &config, &o, &t));
    int64_t n = 0, skipped = 0;
    for (int step = 0; step < 12; step++) { /* three epochs of four steps */
        float *before = api_read_all(a->ctx, pdessm_trainer_model(t), 0, &n);
        float *average = api_read_all(a->ctx, pdessm_trainer_average(t), 0, &n);
        pdessm_train_report report = run(a, t, 1);
        float *after = api_read_all(a->ctx, pdessm_trainer_model(t), 0, &n);
        float *average_after = api_read_all(a->ctx, pdessm_trainer_average(t), 0, &n);
        int same = memcmp(before, after, (size_t)n * sizeof *after) == 0;
        int same_average = memcmp(average, average_after, (size_t)n * sizeof *after) == 0;
        skipped += report.bad_in_a_row > 0;
        assert_int_equal(same, report.bad_in_a_row > 0);
        assert_int_equal(same_average, report.bad_in_a_row > 0);
        assert_int_equal(isnan(report.loss) != 0, report.bad_in_a_row > 0);
        assert_int_equal(report.bad_steps, skipped);
        free(before);
        free(after);
        free(average);
        free(average_after);
    }
    assert_int_equal(skipped, 3);
    pdessm_trainer_destroy(&t);
    pdessm_dataset_destroy(&data);
}

static void ten_bad_steps_and_the_tensor_is_named(void **state) {
    static const char culprit[] = "blocks.1.mlp.fc1.weight";
    api *a = *state;
    const pdessm_train_options o = small_run();
    const char *name = "";
    pdessm_trainer *t = begin(a, PDESSM_MIXER_PDE, &o);
    pdessm_model *model = pdessm_trainer_model(t);
    api_perturb(a->ctx, model, 3);
    run(a, t, 2);
    assert_ok(a, pdessm_trainer_find_bad(t, &name));
    assert_null(name);
    int64_t n = 0;
    float *values = api_parameter(a, model, culprit, &n);
    values[n / 2] = NAN;
    api_set_parameter(a, model, culprit, values);
    free(values);
    pdessm_train_report report = run(a, t, 10);
    assert_int_equal(report.bad_in_a_row, 10);
    assert_int_equal(report.bad_steps, 10);
    assert_true(isnan(report.loss));
    /* All gradients are infected by now; the parameter is where it comes from. */
    assert_ok(a, pdessm_trainer_find_bad(t, &name));
    assert_non_null(name);
    assert_string_equal(name, culprit);
    pdessm_trainer_destroy(&t);
}

/* ------------------------------------------------------------------ placement, memory */

/* A device that lacks some operators: they run in plain C, everything else stays. */
static void a_missing_operator_does_not_stop_training(void **state) {
    static const char *const routes[] = {"", "host:linear", "host:spectral_filter,cdr_symbol",
                                         "host:adamw,grad_norm,layer_norm",
                                         "host:residual,gate,mse_loss,philox_normal"};
    api *a = *state;
    const pdessm_train_options o = small_run();
    float *expected = NULL;
    double loss = 0;
    int64_t n = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        assert_ok(a, pdessm_device_route(a->device, routes[i]));
        pdessm_trainer *t = begin(a, PDESSM_MIXER_PDE, &o);
        api_perturb(a->ctx, pdessm_trainer_model(t), 3);
        pdessm_train_report report = run(a, t, 1);
        float *gradient = api_read_all(a->ctx, pdessm_trainer_model(t), 1, &n);
        pdessm_train_report second = run(a, t, 1);
        pdessm_trainer_destroy(&t);
        if (i == 0) {
            loss = report.loss;
            expected = gradient;
            continue;
        }
        assert_true(fabs(report.loss / loss - 1) < 1e-5);
        assert_true(isfinite(second.loss) && second.bad_steps == 0);
        assert_close(gradient, expected, n, 1e-4);
        free(gradient);
    }
    free(expected);
    assert_refused(a, pdessm_device_route(a->device, "host:nonsense"), PDESSM_ERROR_ARGUMENT,
                   "nonsense");
    assert_refused(a, pdessm_device_route(a->device, "linear"), PDESSM_ERROR_ARGUMENT, "host:NAME");
}

/* The estimate is what the device then holds, but for inputs, positions and states. */
static void memory_is_foretold(void **state) {
    api *a = *state;
    const pdessm_train_options o = small_run();
    pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_memory_estimate estimate;
    pdessm_trainer *t = NULL;
    int64_t before = pdessm_device_memory(a->device, NULL);
    assert_ok(a, pdessm_memory_to_train(a->ctx, &config, o.batch, &estimate));
    assert_ok(a, pdessm_trainer_create(a->device, a->data, &config, &o, &t));
    int64_t held = pdessm_device_memory(a->device, NULL) - before;
    print_message("foretold %lld bytes, held %lld\n", (long long)estimate.total, (long long)held);
    assert_true(held > estimate.total * 9 / 10 && held < estimate.total * 11 / 10 + 65536);
    pdessm_trainer_destroy(&t);
    assert_int_equal(pdessm_device_memory(a->device, NULL), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(resume_repeats_the_bits_pde),
        api_test(resume_repeats_the_bits_attention),
        api_test(resume_repeats_the_bits_coarse_to_fine),
        api_test(resume_repeats_the_bits_at_a_new_level),
        api_test(resume_repeats_the_bits_mge),
        api_test(old_checkpoints_go_and_errors_are_named),
        api_test(accumulation_equals_a_larger_batch),
        api_test(threads_do_not_change_the_bits),
        api_test(it_learns_pde),
        api_test(it_learns_attention),
        api_test(a_bad_step_is_skipped_and_counted),
        api_test(ten_bad_steps_and_the_tensor_is_named),
        api_test(a_missing_operator_does_not_stop_training),
        api_test(memory_is_foretold),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
