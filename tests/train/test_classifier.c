/* SPDX-License-Identifier: MIT */
/* test_classifier.c: training a classifier: its loss against float64, that it learns, resumes bit
 * for bit after a break, and that its accuracy is what counting gives. */
#include "api.h"

#include "train/trainer.h"

enum { PIXELS = 3 * API_SIDE * API_SIDE, CLASSES = 10 };

static pdessm_config classifier(pdessm_mixer mixer) {
    pdessm_config config = api_config(mixer);
    config.task = PDESSM_TASK_CLASSIFY;
    return config;
}

static pdessm_train_options small_run(void) {
    pdessm_train_options o = pdessm_train_defaults();
    o.steps = 200;
    o.batch = 8;
    o.rate = 3e-3;
    o.warmup = 5;
    o.seed = 11;
    return o;
}

static pdessm_trainer *begin(api *a, pdessm_mixer mixer, const pdessm_train_options *o) {
    const pdessm_config config = classifier(mixer);
    pdessm_trainer *t = NULL;
    assert_ok(a, pdessm_trainer_create(a->device, a->data, &config, o, &t));
    return t;
}

/* Scores of images, one image at a time: [count, CLASSES], released with free(). */
static float *logits_of(api *a, pdessm_model *model, const float *images, int count) {
    const int64_t dims[] = {1, 3, API_SIDE, API_SIDE};
    float *logits = malloc((size_t)count * CLASSES * sizeof *logits);
    pdessm_tape *tape = NULL;
    assert_non_null(logits);
    assert_ok(a, pdessm_tape_create(a->device, &tape));
    pdessm_tensor *x = pdessm_tape_input(tape, PDESSM_FLOAT32, 4, dims);
    pdessm_tensor *y = pdessm_tape_output(tape, pdessm_model_logits(model, tape, x, NULL));
    assert_ok(a, pdessm_tape_plan(tape, NULL));
    for (int i = 0; i < count; i++) {
        assert_ok(a, pdessm_tensor_write(x, images + i * PIXELS));
        assert_ok(a, pdessm_tape_forward(tape));
        assert_ok(a, pdessm_tensor_read(y, logits + i * CLASSES));
    }
    pdessm_tape_destroy(&tape);
    return logits;
}

/* Mean of -sum_k q_k log p_k, q = (1 - s) at the label plus s / CLASSES everywhere. */
static double cross_entropy(const float *logits, const int32_t *labels, int count, double s) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
        const float *row = logits + i * CLASSES;
        double total = 0;
        for (int k = 0; k < CLASSES; k++)
            total += exp((double)row[k]);
        for (int k = 0; k < CLASSES; k++) {
            double q = (k == labels[i] ? 1 - s : 0) + s / CLASSES;
            sum -= q * ((double)row[k] - log(total));
        }
    }
    return sum / count;
}

static void the_loss_is_smoothed_cross_entropy(void **state) {
    api *a = *state;
    for (int i = 0; i < 3; i++) {
        pdessm_train_options o = small_run();
        pdessm_train_report report;
        o.rate = 0;
        o.flip = 1;
        o.shift = 1;
        o.label_smoothing = 0.15 * i;
        pdessm_trainer *t = begin(a, PDESSM_MIXER_PDE, &o);
        api_perturb(a->ctx, pdessm_trainer_model(t), 3);
        assert_ok(a, pdessm_trainer_step(t));
        assert_ok(a, pdessm_trainer_report(t, &report));
        float *logits = logits_of(a, pdessm_trainer_model(t), t->images, o.batch);
        for (int k = 0; k < o.batch; k++) /* no label is dropped */
            assert_int_equal(t->labels[k], pdessm_dataset_label(a->data, t->indices[k]));
        double expected = cross_entropy(logits, t->labels, o.batch, o.label_smoothing);
        assert_true(fabs(report.loss / expected - 1) < 1e-5);
        free(logits);
        pdessm_trainer_destroy(&t);
    }
}

/* All of 24 images are learned by heart, and the accuracy is what counting gives. */
static void it_learns(api *a, pdessm_mixer mixer) {
    const pdessm_train_options o = small_run();
    pdessm_train_report first, last;
    double before = 0, after = 0, average = 0;
    float images[API_IMAGES * PIXELS];
    int right = 0;
    pdessm_trainer *t = begin(a, mixer, &o);
    pdessm_model *model = pdessm_trainer_model(t);
    assert_ok(a, pdessm_accuracy(model, a->data, 7, NULL, &before));
    for (int i = 0; i < 10; i++)
        assert_ok(a, pdessm_trainer_step(t));
    assert_ok(a, pdessm_trainer_report(t, &first));
    for (int i = 10; i < 200; i++)
        assert_ok(a, pdessm_trainer_step(t));
    assert_ok(a, pdessm_trainer_report(t, &last));
    assert_ok(a, pdessm_accuracy(model, a->data, 7, NULL, &after));
    assert_ok(a, pdessm_accuracy(pdessm_trainer_average(t), a->data, 7, NULL, &average));
    for (int i = 0; i < API_IMAGES; i++)
        pdessm_dataset_image(a->data, i, images + i * PIXELS);
    float *logits = logits_of(a, model, images, API_IMAGES);
    for (int i = 0; i < API_IMAGES; i++) {
        int best = 0;
        for (int k = 1; k < CLASSES; k++)
            best = logits[i * CLASSES + k] > logits[i * CLASSES + best] ? k : best;
        right += best == pdessm_dataset_label(a->data, i);
    }
    free(logits);
    print_message("loss %.3f, then %.3f; accuracy %.2f, then %.2f, averaged weights %.2f\n",
                  first.loss, last.loss, before, after, average);
    assert_true(last.loss < 0.8 * first.loss);
    assert_true(before < 0.5 && after > 0.9 && average > 0.9);
    assert_true(fabs(after - (double)right / API_IMAGES) < 1e-12);
    pdessm_trainer_destroy(&t);
}

static void it_learns_pde(void **state) {
    it_learns(*state, PDESSM_MIXER_PDE);
}

static void it_learns_attention(void **state) {
    it_learns(*state, PDESSM_MIXER_ATTENTION);
}

static void resume_repeats_the_bits(void **state) {
    api *a = *state;
    pdessm_train_options o = small_run();
    o.flip = 1;
    o.shift = 1;
    api_assert_resumes(a, begin(a, PDESSM_MIXER_PDE, &o), begin(a, PDESSM_MIXER_PDE, &o), &o);
}

/* float32 images without labels. */
static pdessm_dataset *unlabelled(api *a) {
    static const char header[] =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3, 8, 8), }\n";
    const float value = 0.25f;
    char path[128];
    pdessm_dataset *data = NULL;
    snprintf(path, sizeof path, "%s/plain.npy", a->folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite("\x93NUMPY\1\0", 1, 8, file);
    fputc(sizeof header - 1, file);
    fputc(0, file);
    fwrite(header, 1, sizeof header - 1, file);
    for (int i = 0; i < 4 * PIXELS; i++)
        fwrite(&value, sizeof value, 1, file);
    assert_int_equal(fclose(file), 0);
    const pdessm_dataset_options options = {.layout = PDESSM_LAYOUT_NCHW};
    assert_ok(a, pdessm_dataset_open(a->ctx, path, &options, &data));
    return data;
}

static void what_does_not_fit_is_refused(void **state) {
    api *a = *state;
    pdessm_train_options o = small_run();
    pdessm_config config = classifier(PDESSM_MIXER_PDE);
    const pdessm_config flow = api_config(PDESSM_MIXER_PDE);
    pdessm_dataset *plain = unlabelled(a);
    pdessm_trainer *t = NULL;
    pdessm_model *model = NULL;
    double accuracy = 0;
    assert_refused(a, pdessm_trainer_create(a->device, plain, &config, &o, &t), PDESSM_ERROR_FILE,
                   "no labels");
    o.label_smoothing = 1;
    assert_refused(a, pdessm_trainer_create(a->device, a->data, &config, &o, &t),
                   PDESSM_ERROR_ARGUMENT, "label-smoothing");
    assert_ok(a, pdessm_model_create(a->device, &flow, 0, &model));
    assert_refused(a, pdessm_accuracy(model, a->data, 4, NULL, &accuracy), PDESSM_ERROR_ARGUMENT,
                   "no classifier");
    pdessm_model_destroy(&model);
    assert_ok(a, pdessm_model_create(a->device, &config, 0, &model));
    assert_refused(a, pdessm_accuracy(model, plain, 4, NULL, &accuracy), PDESSM_ERROR_FILE,
                   "no labels");
    pdessm_model_destroy(&model);
    config.num_classes = 4;
    assert_ok(a, pdessm_model_create(a->device, &config, 0, &model));
    assert_refused(a, pdessm_accuracy(model, a->data, 4, NULL, &accuracy), PDESSM_ERROR_SHAPE,
                   "10 classes");
    pdessm_model_destroy(&model);
    pdessm_dataset_destroy(&plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(the_loss_is_smoothed_cross_entropy),
        api_test(it_learns_pde),
        api_test(it_learns_attention),
        api_test(resume_repeats_the_bits),
        api_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
