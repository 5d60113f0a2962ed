/* SPDX-License-Identifier: MIT */
/* test_evaluate.c: what networks say about given images: features and classes, velocity loss. */
#include "api.h"

enum { COUNT = 11, PIXELS = 3 * API_SIDE * API_SIDE, WIDTH = 16, CLASSES = 10 };

static pdessm_model *make_model(api *a, pdessm_model_task task) {
    pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_model *model = NULL;
    config.task = task;
    assert_ok(a, pdessm_config_check(a->ctx, &config));
    assert_ok(a, pdessm_model_create(a->device, &config, 0, &model));
    api_perturb(a->ctx, model, 3);
    return model;
}

static void read_images(api *a, float images[COUNT * PIXELS], int32_t labels[COUNT]) {
    for (int64_t i = 0; i < COUNT; i++) {
        pdessm_dataset_image(a->data, i, images + i * PIXELS);
        labels[i] = pdessm_dataset_label(a->data, i);
    }
}

/* The last batch is not full; a batch larger than the set; one image by itself. */
static void batches_do_not_matter(void **state) {
    api *a = *state;
    static float images[COUNT * PIXELS], features[COUNT * WIDTH], again[COUNT * WIDTH];
    int32_t labels[COUNT], classes[COUNT], same[COUNT];
    const pdessm_metric_options options = pdessm_metric_defaults();
    pdessm_model *model = make_model(a, PDESSM_TASK_CLASSIFY);
    read_images(a, images, labels);
    assert_ok(a, pdessm_classify(model, COUNT, images, COUNT, &options, features, classes));
    const int batches[] = {4, 100, 1};
    for (int i = 0; i < 3; i++) {
        assert_ok(a, pdessm_classify(model, COUNT, images, batches[i], &options, again, same));
        assert_close(again, features, COUNT * WIDTH, 1e-5);
        assert_memory_equal(same, classes, sizeof classes);
    }
    assert_ok(a, pdessm_classify(model, COUNT, images, 4, &options, NULL, same));
    assert_ok(a, pdessm_classify(model, COUNT, images, 4, &options, again, NULL));
    pdessm_model_destroy(&model);
}

static void velocity_loss(void **state) {
    api *a = *state;
    static float images[COUNT * PIXELS];
    int32_t labels[COUNT];
    pdessm_metric_options options = pdessm_metric_defaults();
    pdessm_model *model = make_model(a, PDESSM_TASK_VELOCITY);
    double loss = 0, other = 0;
    read_images(a, images, labels);
    assert_ok(a, pdessm_velocity_loss(model, COUNT, images, labels, COUNT, &options, &loss));
    assert_true(loss > 0.1);
    assert_ok(a, pdessm_velocity_loss(model, COUNT, images, labels, 4, &options, &other));
    assert_true(fabs(other - loss) < 1e-5 * loss);
    assert_ok(a, pdessm_velocity_loss(model, COUNT, images, NULL, 4, &options, &other));
    assert_true(fabs(other - loss) > 1e-5 * loss); /* the null class instead */
    options.seed = 1;
    assert_ok(a, pdessm_velocity_loss(model, COUNT, images, labels, 4, &options, &other));
    assert_true(fabs(other - loss) > 1e-5 * loss);
    pdessm_model_destroy(&model);
}

/* Behind a map the loss is that of mapped images without one. */
static void velocity_loss_behind_a_map(void **state) {
    api *a = *state;
    static float images[COUNT * PIXELS], mapped[COUNT * PIXELS];
    int32_t labels[COUNT];
    const pdessm_metric_options options = pdessm_metric_defaults();
    pdessm_precondition_options fit = pdessm_precondition_defaults(PDESSM_PRECONDITION_SPECTRAL);
    pdessm_precondition *map = NULL;
    pdessm_model *model = make_model(a, PDESSM_TASK_VELOCITY);
    double loss = 0, expected = 0;
    read_images(a, images, labels);
    assert_ok(a, pdessm_precondition_fit(a->device, a->data, &fit, &map));
    assert_ok(a, pdessm_precondition_apply(map, COUNT, API_SIDE, API_SIDE, labels, images, mapped));
    assert_ok(a, pdessm_velocity_loss(model, COUNT, mapped, labels, 4, &options, &expected));
    assert_ok(a, pdessm_model_set_precondition(model, map));
    assert_ok(a, pdessm_velocity_loss(model, COUNT, images, labels, 4, &options, &loss));
    assert_true(fabs(loss - expected) < 1e-5 * expected);
    assert_ok(a, pdessm_velocity_loss(model, COUNT, mapped, labels, 4, &options, &expected));
    assert_true(fabs(loss - expected) > 1e-2 * expected);
    pdessm_precondition_destroy(&map);
    pdessm_model_destroy(&model);
}

static int stop(void *user, double share) {
    (void)share;
    return ++*(int *)user == 2;
}

static void refused(void **state) {
    api *a = *state;
    static float images[COUNT * PIXELS], features[COUNT * WIDTH];
    int32_t labels[COUNT], classes[COUNT];
    pdessm_metric_options options = pdessm_metric_defaults();
    double loss;
    int calls = 0;
    pdessm_model *draws = make_model(a, PDESSM_TASK_VELOCITY);
    pdessm_model *sees = make_model(a, PDESSM_TASK_CLASSIFY);
    read_images(a, images, labels);
    assert_refused(a, pdessm_classify(draws, COUNT, images, 4, &options, features, classes),
                   PDESSM_ERROR_ARGUMENT, "expected a classifier");
    assert_refused(a, pdessm_velocity_loss(sees, COUNT, images, labels, 4, &options, &loss),
                   PDESSM_ERROR_ARGUMENT, "is a classifier");
    assert_refused(a, pdessm_classify(sees, 0, images, 4, &options, features, classes),
                   PDESSM_ERROR_ARGUMENT, "0 images");
    options.progress = stop;
    options.user = &calls;
    assert_refused(a, pdessm_classify(sees, COUNT, images, 4, &options, features, classes),
                   PDESSM_ERROR_CANCELLED, "interrupted");
    calls = 0;
    assert_refused(a, pdessm_velocity_loss(draws, COUNT, images, labels, 4, &options, &loss),
                   PDESSM_ERROR_CANCELLED, "interrupted");
    labels[7] = CLASSES + 1;
    assert_refused(a, pdessm_velocity_loss(draws, COUNT, images, labels, 4, &options, &loss),
                   PDESSM_ERROR_ARGUMENT, "class 11 of image 7");
    labels[7] = 0;
    images[5 * PIXELS] = (float)NAN;
    assert_refused(a, pdessm_velocity_loss(draws, COUNT, images, labels, 4, &options, &loss),
                   PDESSM_ERROR_NUMERIC, "point 5 is not finite");
    pdessm_model_destroy(&draws);
    pdessm_model_destroy(&sees);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(batches_do_not_matter),
        api_test(velocity_loss),
        api_test(velocity_loss_behind_a_map),
        api_test(refused),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
