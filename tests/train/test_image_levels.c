/* SPDX-License-Identifier: MIT */
/* test_image_levels.c: training at several resolutions: what a tape sees is what was averaged, the
 * gradient of a step is the signed sum over levels that train.h promises, and its mean is the
 * gradient at full resolution. */
#include "api.h"

#include "core/random.h"
#include "train/trainer.h"

enum { CHANNELS = 3, PIXELS = CHANNELS * API_SIDE * API_SIDE };

static pdessm_train_options several(pdessm_resolution resolution, int levels) {
    pdessm_train_options o = pdessm_train_defaults();
    o.resolution = resolution;
    o.levels = levels;
    o.batch = 2;
    o.rate = 0; /* the weights stay */
    o.clip = 0;
    o.flip = 1;
    o.seed = 21;
    for (int l = 1; l < levels; l++)
        o.level_steps[l] = 10 * l;
    return o;
}

/* ------------------------------------------------------------------ an oracle */

/* gain^level times the means over squares of 2^level, of an image [CHANNELS, side, side]. */
static void average(const double *image, int level, double gain, float *ret) {
    const int side = API_SIDE >> level, square = 1 << level;
    for (int at = 0; at < CHANNELS * side * side; at++) {
        const int x = at % side, y = at / side % side, c = at / side / side;
        double sum = 0;
        for (int i = 0; i < square * square; i++)
            sum += image[(c * API_SIDE + square * y + i / square) * API_SIDE + square * x +
                         i % square];
        ret[at] = (float)(pow(gain, level) * sum / (square * square));
    }
}

typedef struct inputs {
    float *image, *noise, *time; /* [n, CHANNELS, side, side] twice, [n] */
    int32_t *label;
} inputs;

/* Images first .. first + n - 1 of the trainer's step, at a level. */
static inputs make_inputs(pdessm_trainer *t, int level, int64_t first, int n) {
    const int numbers = PIXELS >> (2 * level);
    inputs in = {malloc((size_t)(n * numbers) * sizeof(float)),
                 malloc((size_t)(n * numbers) * sizeof(float)), malloc((size_t)n * sizeof(float)),
                 malloc((size_t)n * sizeof(int32_t))};
    for (int i = 0; i < n; i++) {
        double image[PIXELS], noise[PIXELS];
        pdessm_trainer_draw_batch(t, first + i, 1);
        for (int k = 0; k < PIXELS; k++) {
            image[k] = (double)t->images[k];
            noise[k] = pdessm_normal(t->options.seed, PDESSM_RANDOM_NOISE, (uint32_t)t->step,
                                     (uint32_t)(first + i), k);
        }
        average(image, level, 1, in.image + i * numbers);
        average(noise, level, 2, in.noise + i * numbers);
        in.time[i] = t->times[0];
        in.label[i] = t->labels[0];
    }
    return in;
}

static void release(inputs *in) {
    free(in->image);
    free(in->noise);
    free(in->time);
    free(in->label);
}

/* Adds share times the gradient of the mean loss of these images at that level to the model's. */
static void add_gradient(api *a, pdessm_trainer *t, int level, int64_t first, int n, double share) {
    const int64_t dims[] = {n, CHANNELS, API_SIDE >> level, API_SIDE >> level};
    inputs in = make_inputs(t, level, first, n);
    pdessm_tape *tape = NULL;
    pdessm_tensor *x_t, *v;
    assert_ok(a, pdessm_tape_create(a->device, &tape));
    pdessm_tensor *x = pdessm_tape_input(tape, PDESSM_FLOAT32, 4, dims);
    pdessm_tensor *z = pdessm_tape_input(tape, PDESSM_FLOAT32, 4, dims);
    pdessm_tensor *time = pdessm_tape_input(tape, PDESSM_FLOAT32, 1, dims);
    pdessm_tensor *label = pdessm_tape_input(tape, PDESSM_INT32, 1, dims);
    pdessm_flow_path(tape, x, z, time, &x_t, &v);
    pdessm_tensor *loss =
        pdessm_mse_loss(tape, pdessm_model_velocity(t->model, tape, x_t, time, label), v);
    assert_ok(a, pdessm_tape_plan(tape, loss));
    assert_ok(a, pdessm_tape_set_loss_scale(tape, share));
    assert_ok(a, pdessm_tensor_write(x, in.image));
    assert_ok(a, pdessm_tensor_write(z, in.noise));
    assert_ok(a, pdessm_tensor_write(time, in.time));
    assert_ok(a, pdessm_tensor_write(label, in.label));
    assert_ok(a, pdessm_tape_forward(tape));
    assert_ok(a, pdessm_tape_backward(tape));
    pdessm_tape_destroy(&tape);
    release(&in);
}

/* ------------------------------------------------------------------ what a tape sees */

static void assert_holds(api *a, pdessm_tensor *tensor, const float *expected, const char *what) {
    const int64_t n = pdessm_tensor_count(tensor);
    float *got = malloc((size_t)n * sizeof *got);
    assert_ok(a, pdessm_tensor_read(tensor, got));
    double distance = api_distance(got, expected, n);
    if (!(distance < 2e-6))
        fail_msg("%s differ by %g of the largest", what, distance);
    free(got);
}

/* Images and noise of a difference are those of the finer level, averaged; t and y are the same. */
static void tapes_see_averages(void **state) {
    api *a = *state;
    const pdessm_train_options o = several(PDESSM_RESOLUTION_MGE, 3);
    pdessm_trainer *t = api_begin(a, PDESSM_MIXER_PDE, &o);
    t->step = 5;
    for (int level = 0; level < 3; level++) {
        pdessm_trainer_tape *tape = &t->tape[level];
        assert_ok(a, pdessm_trainer_run(t, &(pdessm_trainer_pass){level, 7, 1}));
        inputs in = make_inputs(t, level, 7, tape->batch);
        assert_holds(a, tape->image[level], in.image, "images");
        assert_holds(a, tape->noise[level], in.noise, "noise");
        assert_holds(a, tape->time, in.time, "times");
        int32_t label[8];
        assert_ok(a, pdessm_tensor_read(tape->label, label));
        assert_memory_equal(label, in.label, (size_t)tape->batch * sizeof *label);
        release(&in);
    }
    pdessm_trainer_destroy(&t);
}

/* Within five standard errors: 1e-6 of all seeds would fail. */
static void averaged_noise_has_unit_variance(void **state) {
    api *a = *state;
    pdessm_train_options o = several(PDESSM_RESOLUTION_COARSE_TO_FINE, 3);
    o.level_steps[2] = 1000;
    o.batch = 16;
    pdessm_trainer *t = api_begin(a, PDESSM_MIXER_PDE, &o);
    float noise[64 * CHANNELS * 2 * 2];
    const int n = (int)(sizeof noise / sizeof *noise), steps = 20;
    double sum = 0, squares = 0;
    assert_int_equal(pdessm_tensor_count(t->tape[2].noise[2]), n);
    for (t->step = 0; t->step < steps; t->step++) {
        assert_ok(a, pdessm_trainer_run(t, &(pdessm_trainer_pass){2, 0, 1}));
        assert_ok(a, pdessm_tensor_read(t->tape[2].noise[2], noise));
        for (int i = 0; i < n; i++) {
            sum += (double)noise[i];
            squares += (double)noise[i] * (double)noise[i];
        }
    }
    const double count = (double)n * steps;
    assert_true(fabs(sum / count) < 5 / sqrt(count));
    assert_true(fabs(squares / count - 1) < 5 * sqrt(2 / count));
    pdessm_trainer_destroy(&t);
}

/* ------------------------------------------------------------------ the gradient */

/* Takes the gradients out of the model and leaves zeros. */
static float *take_gradient(api *a, pdessm_trainer *t, int64_t *ret_n) {
    float *gradient = api_read_all(a->ctx, t->model, 1, ret_n);
    assert_ok(a, pdessm_model_gradients_zero(t->model));
    return gradient;
}

static void assert_gradient(api *a, pdessm_trainer *t, float *expected, double tolerance) {
    int64_t n;
    float *got = take_gradient(a, t, &n);
    double distance = api_distance(got, expected, n);
    if (!(distance < tolerance))
        fail_msg("the gradients differ by %g of the largest", distance);
    free(got);
    free(expected);
}

/* g = sum_{l < L} mean_{B_l}[grad L_l - grad L_{l+1}] + mean_{B_L}[grad L_L], term by term. */
static void a_step_is_the_signed_sum(void **state) {
    api *a = *state;
    pdessm_train_options o = several(PDESSM_RESOLUTION_MGE, 3);
    o.accumulate = 2;
    pdessm_trainer *t = api_begin(a, PDESSM_MIXER_PDE, &o);
    int64_t n, first = 0;
    assert_int_equal(pdessm_level_images(&o, 1), 2 * (2 + 4 + 8));
    for (int micro = 0; micro < 2; micro++)
        for (int l = 0; l < 3; l++) {
            add_gradient(a, t, l, first, 2 << l, 0.5);
            if (l < 2)
                add_gradient(a, t, l + 1, first, 2 << l, -0.5);
            first += 2 << l;
        }
    float *expected = take_gradient(a, t, &n);
    assert_ok(a, pdessm_trainer_step(t));
    assert_gradient(a, t, expected, 2e-5);
    pdessm_trainer_destroy(&t);
}

/* The same images at each level: all but the finest term cancel. */
static void the_sum_telescopes(void **state) {
    api *a = *state;
    enum { IMAGES = 4 };
    const pdessm_train_options o = several(PDESSM_RESOLUTION_MGE, 3);
    pdessm_trainer *t = api_begin(a, PDESSM_MIXER_PDE, &o);
    const int level[] = {0, 1, 1, 2, 2}, sign[] = {1, -1, 1, -1, 1};
    int64_t n;
    add_gradient(a, t, 0, 0, IMAGES, 1);
    float *expected = take_gradient(a, t, &n);
    for (int i = 0; i < 5; i++) {
        const int batch = t->tape[level[i]].batch;
        for (int first = 0; first < IMAGES; first += batch)
            assert_ok(
                a, pdessm_trainer_run(t, &(pdessm_trainer_pass){
                                             level[i], first, (double)(sign[i] * batch) / IMAGES}));
    }
    assert_gradient(a, t, expected, 2e-5);
    pdessm_trainer_destroy(&t);
}

/* Coarse-to-fine: the gradient of a step is that of its level alone. */
static void a_coarse_step_is_a_step_of_its_level(void **state) {
    api *a = *state;
    const pdessm_train_options o = several(PDESSM_RESOLUTION_COARSE_TO_FINE, 3);
    pdessm_trainer *t = api_begin(a, PDESSM_MIXER_CONV, &o);
    const struct {
        int64_t step;
        int level, batch;
    } at[] = {{0, 2, 8}, {19, 2, 8}, {20, 1, 4}, {29, 1, 4}, {30, 0, 2}, {99, 0, 2}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        int64_t n;
        t->step = at[i].step;
        add_gradient(a, t, at[i].level, 0, at[i].batch, 1);
        float *expected = take_gradient(a, t, &n);
        assert_ok(a, pdessm_trainer_step(t));
        assert_gradient(a, t, expected, 2e-5);
        assert_int_equal(pdessm_trainer_level(t), at[i].level);
        for (int l = 0; l < 3; l++)
            assert_int_equal(t->tape[l].tape != NULL, l == at[i].level);
    }
    pdessm_trainer_destroy(&t);
}

/* ------------------------------------------------------------------ numbers, refusals */

/* By steps and levels; and the average forgets at each new level. */
static void images_are_counted(void **state) {
    api *a = *state;
    pdessm_train_options o = several(PDESSM_RESOLUTION_COARSE_TO_FINE, 3);
    assert_int_equal(pdessm_level_images(&o, 0), 0);
    assert_int_equal(pdessm_level_images(&o, 20), 20 * 8);
    assert_int_equal(pdessm_level_images(&o, 31), 20 * 8 + 10 * 4 + 2);
    assert_true(pdessm_trainer_ema(&o, 20) == 0.1 && pdessm_trainer_ema(&o, 29) < 0.6);
    pdessm_trainer *t = api_begin(a, PDESSM_MIXER_PDE, &o);
    t->step = 25;
    assert_int_equal(pdessm_trainer_image_count(t), 20 * 8 + 5 * 4);
    pdessm_trainer_destroy(&t);
}

static void work_is_counted(void **state) {
    api *a = *state;
    pdessm_train_report full, several_levels;
    pdessm_memory_estimate estimate[2];
    pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_train_options o[] = {several(PDESSM_RESOLUTION_FULL, 1),
                                several(PDESSM_RESOLUTION_MGE, 3)};
    for (int i = 0; i < 2; i++) {
        pdessm_trainer *t = NULL;
        assert_ok(a, pdessm_trainer_create(a->device, a->data, &config, &o[i], &t));
        assert_ok(a, pdessm_trainer_step(t));
        assert_ok(a, pdessm_trainer_report(t, i ? &several_levels : &full));
        pdessm_trainer_destroy(&t);
        assert_ok(a, pdessm_train_memory(a->ctx, &config, &o[i], &estimate[i]));
    }
    assert_true(fabs(full.flops / estimate[0].flops - 1) < 1e-6);
    assert_true(fabs(several_levels.flops / estimate[1].flops - 1) < 1e-6);
    assert_true(several_levels.flops > full.flops && estimate[1].total > estimate[0].total);
}

static void refused(api *a, const pdessm_config *config, const pdessm_train_options *o,
                    const char *text) {
    pdessm_trainer *t = NULL;
    assert_refused(a, pdessm_trainer_create(a->device, a->data, config, o, &t),
                   PDESSM_ERROR_ARGUMENT, text);
    assert_null(t);
}

static void what_does_not_fit_is_refused(void **state) {
    api *a = *state;
    const pdessm_config pde = api_config(PDESSM_MIXER_PDE), free = api_config(PDESSM_MIXER_FILTER);
    pdessm_config classifier = pde;
    pdessm_train_options o = several(PDESSM_RESOLUTION_MGE, 4);
    classifier.task = PDESSM_TASK_CLASSIFY;
    refused(a, &pde, &o,
            "height 8, halved 3 times, is not a multiple of the patch 2; expected at most "
            "3 levels, or images whose height is a multiple of 16, such as 16");
    o.levels = 1;
    refused(a, &pde, &o, "1 levels, expected 2 to 8");
    o.levels = 9;
    refused(a, &pde, &o, "9 levels, expected 2 to 8");
    o.levels = 2;
    refused(a, &free, &o, "free filter");
    refused(a, &classifier, &o, "classifier");
    o.coupling = PDESSM_COUPLING_OT;
    refused(a, &pde, &o, "the same noise");
    o.coupling = PDESSM_COUPLING_INDEPENDENT;
    o.batch = 1 << 19;
    refused(a, &pde, &o, "too large at level 1");
    o = several(PDESSM_RESOLUTION_COARSE_TO_FINE, 2);
    o.level_steps[1] = -1;
    refused(a, &pde, &o, "-1 steps at level 1");
    o = several(PDESSM_RESOLUTION_FULL, 2);
    refused(a, &pde, &o, "2 levels, expected 1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(tapes_see_averages),
        api_test(averaged_noise_has_unit_variance),
        api_test(a_step_is_the_signed_sum),
        api_test(the_sum_telescopes),
        api_test(a_coarse_step_is_a_step_of_its_level),
        api_test(images_are_counted),
        api_test(work_is_counted),
        api_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
