/* SPDX-License-Identifier: MIT */
/* test_sample.c: solvers fall with their order, images do not depend on their batch, guidance is
 * the formula, cancelling and wrong arguments are answered. */
#include "api.h"

enum { PIXELS = 3 * API_SIDE * API_SIDE };

/* A network whose velocity is smooth in t: the embedding's frequencies reach 1000, far too fast for
 * the step sizes at which orders show, so only those below 2 are listened to. */
static pdessm_model *smooth_model(api *a) {
    const pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_model *model = NULL;
    assert_ok(a, pdessm_model_create(a->device, &config, 0, &model));
    api_perturb(a->ctx, model, 3);
    int64_t n = 0;
    float *weight = api_parameter(a, model, "t_embedder.mlp.0.weight", &n);
    assert_int_equal(n, 16 * 256);
    for (int row = 0; row < 16; row++)
        for (int q = 0; q < 256; q++)
            if (1000 * pow(10000, -(q % 128) / 128.0) > 2)
                weight[row * 256 + q] = 0;
    api_set_parameter(a, model, "t_embedder.mlp.0.weight", weight);
    free(weight);
    return model;
}

static pdessm_sample_options with(pdessm_solver solver, int steps) {
    pdessm_sample_options o = pdessm_sample_defaults();
    o.solver = solver;
    o.steps = steps;
    o.seed = 21;
    return o;
}

static const int32_t labels[] = {0, 3, 9, 10, 5, 1, 7};
enum { IMAGES = sizeof labels / sizeof *labels };

static double error_at(api *a, pdessm_model *model, pdessm_solver solver, int steps,
                       const float *exact) {
    static float images[2 * PIXELS];
    const pdessm_sample_options o = with(solver, steps);
    assert_ok(a, pdessm_sample(model, &o, 2, labels, images, NULL));
    return api_distance(images, exact, 2 * PIXELS);
}

static void solvers_fall_with_their_order(void **state) {
    static const struct {
        pdessm_solver solver;
        int order, steps;
    } cases[] = {
        {PDESSM_EULER, 1, 16}, {PDESSM_MIDPOINT, 2, 8}, {PDESSM_HEUN, 2, 8}, {PDESSM_RK4, 4, 2}};
    api *a = *state;
    static float exact[2 * PIXELS];
    pdessm_model *model = smooth_model(a);
    const pdessm_sample_options fine = with(PDESSM_RK4, 64);
    assert_ok(a, pdessm_sample(model, &fine, 2, labels, exact, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double coarse = error_at(a, model, cases[i].solver, cases[i].steps, exact);
        double half = error_at(a, model, cases[i].solver, 2 * cases[i].steps, exact);
        double order = log2(coarse / half);
        print_message("%s: error %.2e, %.2e with half the step: order %.2f\n",
                      pdessm_solver_name(cases[i].solver), coarse, half, order);
        assert_true(half > 1e-6); /* above rounding, or the order would mean nothing */
        assert_true(fabs(order - cases[i].order) < 0.35 * sqrt(cases[i].order));
    }
    pdessm_model_destroy(&model);
}

static void dopri5_keeps_its_tolerance(void **state) {
    api *a = *state;
    static float exact[2 * PIXELS], images[2 * PIXELS];
    pdessm_model *model = smooth_model(a);
    const pdessm_sample_options fine = with(PDESSM_RK4, 64);
    int64_t before = 0;
    assert_ok(a, pdessm_sample(model, &fine, 2, labels, exact, NULL));
    for (double tolerance = 1e-2; tolerance > 1e-6; tolerance /= 10) {
        pdessm_sample_options o = with(PDESSM_DOPRI5, 1);
        int64_t evaluations = 0;
        o.rtol = o.atol = tolerance;
        assert_ok(a, pdessm_sample(model, &o, 2, labels, images, &evaluations));
        double error = api_distance(images, exact, 2 * PIXELS);
        print_message("tolerance %.0e: error %.2e, %lld evaluations\n", tolerance, error,
                      (long long)evaluations);
        assert_true(error < 20 * tolerance + 1e-6);
        assert_true(evaluations >= before && evaluations % 6 == 1);
        before = evaluations;
    }
    pdessm_model_destroy(&model);
}

static void evaluations_are_counted(void **state) {
    static const struct {
        pdessm_solver solver;
        int stages;
    } cases[] = {{PDESSM_EULER, 1}, {PDESSM_MIDPOINT, 2}, {PDESSM_HEUN, 2}, {PDESSM_RK4, 4}};
    api *a = *state;
    float images[3 * PIXELS];
    pdessm_model *model = smooth_model(a);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pdessm_sample_options o = with(cases[i].solver, 5);
        int64_t evaluations = 0;
        o.batch = 2; /* two batches; the count is per image */
        o.guidance = 2;
        assert_ok(a, pdessm_sample(model, &o, 3, labels, images, &evaluations));
        assert_int_equal(evaluations, 5 * cases[i].stages);
    }
    pdessm_model_destroy(&model);
}

static void an_image_does_not_depend_on_its_batch(void **state) {
    static const int batches[] = {3, 1, 4};
    api *a = *state;
    static float together[IMAGES * PIXELS], images[IMAGES * PIXELS];
    pdessm_model *model = smooth_model(a);
    for (int guided = 0; guided < 2; guided++) {
        pdessm_sample_options o = with(PDESSM_HEUN, 6);
        o.guidance = guided ? 3 : 1;
        assert_ok(a, pdessm_sample(model, &o, IMAGES, labels, together, NULL));
        for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
            o.batch = batches[i];
            assert_ok(a, pdessm_sample(model, &o, IMAGES, labels, images, NULL));
            assert_close(images, together, IMAGES * PIXELS, 1e-5);
        }
        /* The first ones of fewer are the first ones of more, and another seed is another image. */
        assert_ok(a, pdessm_sample(model, &o, 2, labels, images, NULL));
        assert_close(images, together, 2 * PIXELS, 1e-5);
        o.seed++;
        assert_ok(a, pdessm_sample(model, &o, 2, labels, images, NULL));
        assert_true(api_distance(images, together, 2 * PIXELS) > 0.1);
    }
    pdessm_model_destroy(&model);
}

/* One Euler step: x + v_null + s (v_y - v_null), so an image is linear in s; 0 is the null class.
 */
static void guidance_is_the_formula(void **state) {
    api *a = *state;
    const double scales[] = {0, 1, 3};
    static float image[3][IMAGES * PIXELS], plain[IMAGES * PIXELS];
    pdessm_model *model = smooth_model(a);
    pdessm_sample_options o = with(PDESSM_EULER, 1);
    for (int i = 0; i < 3; i++) {
        o.guidance = scales[i];
        assert_ok(a, pdessm_sample(model, &o, IMAGES, labels, image[i], NULL));
    }
    o.guidance = 1;
    assert_ok(a, pdessm_sample(model, &o, IMAGES, NULL, plain, NULL));
    assert_close(image[0], plain, IMAGES * PIXELS, 1e-5);
    assert_true(api_distance(image[1], plain, PIXELS) > 1e-3);
    for (int i = 0; i < IMAGES * PIXELS; i++)
        plain[i] = image[0][i] + 3 * (image[1][i] - image[0][i]);
    assert_close(image[2], plain, IMAGES * PIXELS, 1e-5);
    /* Label 10 of ten classes is the null class: guidance changes nothing there. */
    assert_close(image[2] + 3 * PIXELS, image[0] + 3 * PIXELS, PIXELS, 1e-5);
    pdessm_model_destroy(&model);
}

static void other_sizes(void **state) {
    api *a = *state;
    static float images[3 * 14 * 4];
    pdessm_model *model = smooth_model(a);
    pdessm_sample_options o = with(PDESSM_HEUN, 3);
    o.height = 14;
    o.width = 4;
    assert_ok(a, pdessm_sample(model, &o, 1, labels, images, NULL));
    for (int i = 0; i < 3 * 14 * 4; i++)
        assert_true(isfinite(images[i]));
    o.height = 7;
    assert_refused(a, pdessm_sample(model, &o, 1, labels, images, NULL), PDESSM_ERROR_SHAPE,
                   "multiples of the patch 2");
    pdessm_model_destroy(&model);
}

static int stop_at_a_third(void *user, double share) {
    int *calls = user;
    ++*calls;
    return share > 0.3;
}

static void cancelling_and_wrong_arguments(void **state) {
    api *a = *state;
    static float images[PIXELS];
    const int32_t bad = 11;
    int calls = 0;
    pdessm_model *model = smooth_model(a);
    pdessm_sample_options o = with(PDESSM_EULER, 10);
    pdessm_solver solver;
    o.progress = stop_at_a_third;
    o.user = &calls;
    assert_refused(a, pdessm_sample(model, &o, 1, labels, images, NULL), PDESSM_ERROR_CANCELLED,
                   "interrupted");
    assert_int_equal(calls, 4);
    o = with(PDESSM_EULER, 10);
    assert_refused(a, pdessm_sample(model, &o, 1, &bad, images, NULL), PDESSM_ERROR_ARGUMENT,
                   "class 11");
    assert_refused(a, pdessm_sample(model, &o, 0, NULL, images, NULL), PDESSM_ERROR_ARGUMENT,
                   "0 images");
    o.steps = 0;
    assert_refused(a, pdessm_sample(model, &o, 1, NULL, images, NULL), PDESSM_ERROR_ARGUMENT,
                   "0 steps");
    o = with(PDESSM_DOPRI5, 10);
    o.rtol = 0;
    assert_refused(a, pdessm_sample(model, &o, 1, NULL, images, NULL), PDESSM_ERROR_ARGUMENT,
                   "rtol");
    assert_refused(a, pdessm_solver_find(a->ctx, "ode45", &solver), PDESSM_ERROR_ARGUMENT,
                   "euler, midpoint, heun, rk4 or dopri5");
    /* A velocity that is not finite ends an adaptive run with words, not in an endless loop. */
    const float nan[12] = {NAN};
    api_set_parameter(a, model, "final_layer.linear.bias", nan);
    o.rtol = 1e-3;
    assert_refused(a, pdessm_sample(model, &o, 1, NULL, images, NULL), PDESSM_ERROR_NUMERIC,
                   "not finite");
    pdessm_model_destroy(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(solvers_fall_with_their_order),  api_test(dopri5_keeps_its_tolerance),
        api_test(evaluations_are_counted),        api_test(an_image_does_not_depend_on_its_batch),
        api_test(guidance_is_the_formula),        api_test(other_sizes),
        api_test(cancelling_and_wrong_arguments),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
