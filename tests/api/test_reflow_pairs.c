/* SPDX-License-Identifier: MIT */
/* test_reflow_pairs.c: the images that reflow trains on: those of sampling, kept across
 * interruptions, and never mixed with another model's. */
#include "api.h"

#include <sys/stat.h>

enum { PIXELS = 3 * API_SIDE * API_SIDE, COUNT = 600 }; /* two parts of a drawing */

static pdessm_model *teacher(api *a, int num_classes, uint64_t seed) {
    pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_model *model = NULL;
    config.num_classes = num_classes;
    config.depth = 1;
    assert_ok(a, pdessm_model_create(a->device, &config, 0, &model));
    api_perturb(a->ctx, model, seed);
    return model;
}

static pdessm_sample_options two_steps(void) {
    pdessm_sample_options o = pdessm_sample_defaults();
    o.solver = PDESSM_EULER;
    o.steps = 2;
    o.seed = 9;
    return o;
}

static void path_of(api *a, const char *name, char ret[128]) {
    snprintf(ret, 128, "%s/%s", a->folder, name);
}

/* The data set that the file holds, against images drawn in one go. */
static void images_are_those_of_sampling(void **state) {
    api *a = *state;
    static float expected[COUNT * PIXELS], image[PIXELS];
    static int32_t labels[COUNT];
    const pdessm_sample_options o = two_steps();
    char path[128], parts[160];
    pdessm_dataset *data = NULL;
    pdessm_model *model = teacher(a, 10, 3);
    path_of(a, "pairs.safetensors", path);
    for (int i = 0; i < COUNT; i++)
        labels[i] = i % 10;
    assert_ok(a, pdessm_pairs_draw(model, &o, COUNT, path));
    assert_ok(a, pdessm_sample(model, &o, COUNT, labels, expected, NULL));
    assert_ok(a, pdessm_dataset_open(a->ctx, path, NULL, &data));
    const pdessm_dataset_info *info = pdessm_dataset_get_info(data);
    assert_int_equal(info->count, COUNT);
    assert_int_equal(info->num_classes, 10);
    for (int i = 0; i < COUNT; i++) {
        pdessm_dataset_image(data, i, image);
        assert_memory_equal(image, expected + i * PIXELS, sizeof image);
        assert_int_equal(pdessm_dataset_label(data, i), labels[i]);
    }
    snprintf(parts, sizeof parts, "%s.parts", path);
    assert_int_equal(access(parts, F_OK), -1);
    pdessm_dataset_destroy(&data);
    pdessm_model_destroy(&model);
}

/* A model of one class draws what it has learned: images without a class. */
static void one_class_is_no_class(void **state) {
    api *a = *state;
    float image[PIXELS], expected[PIXELS];
    const pdessm_sample_options o = two_steps();
    char path[128];
    pdessm_dataset *data = NULL;
    pdessm_model *model = teacher(a, 1, 3);
    path_of(a, "plain.safetensors", path);
    assert_ok(a, pdessm_pairs_draw(model, &o, 1, path));
    assert_ok(a, pdessm_sample(model, &o, 1, NULL, expected, NULL));
    assert_ok(a, pdessm_dataset_open(a->ctx, path, NULL, &data));
    assert_int_equal(pdessm_dataset_get_info(data)->has_labels, 0);
    pdessm_dataset_image(data, 0, image);
    assert_memory_equal(image, expected, sizeof image);
    pdessm_dataset_destroy(&data);
    pdessm_model_destroy(&model);
}

static int stop_late(void *user, double share) {
    int *calls = user;
    ++*calls;
    return share > 0.9;
}

static int count_calls(void *user, double share) {
    int *calls = user;
    ++*calls;
    return share < 0 || share > 1;
}

static char *read_file(const char *path, size_t *ret_size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *ret_size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*ret_size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *ret_size, file), *ret_size);
    fclose(file);
    return bytes;
}

static void an_interruption_costs_one_part(void **state) {
    api *a = *state;
    pdessm_sample_options o = two_steps();
    char whole[128], broken[128];
    size_t size[2];
    int calls[3] = {0};
    pdessm_model *model = teacher(a, 10, 3);
    path_of(a, "whole.safetensors", whole);
    path_of(a, "broken.safetensors", broken);
    o.progress = count_calls;
    o.user = &calls[0];
    assert_ok(a, pdessm_pairs_draw(model, &o, COUNT, whole));
    o.progress = stop_late;
    o.user = &calls[1];
    assert_int_equal(pdessm_pairs_draw(model, &o, COUNT, broken), PDESSM_ERROR_CANCELLED);
    assert_int_equal(access(broken, F_OK), -1);
    o.progress = count_calls;
    o.user = &calls[2];
    assert_ok(a, pdessm_pairs_draw(model, &o, COUNT, broken));
    assert_true(calls[2] > 0 && calls[2] < calls[0] / 2); /* the first part was there */
    char *bytes[2] = {read_file(whole, &size[0]), read_file(broken, &size[1])};
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
    /* All there: nothing is drawn. */
    calls[0] = 0;
    o.user = &calls[0];
    assert_ok(a, pdessm_pairs_draw(model, &o, COUNT, broken));
    assert_int_equal(calls[0], 0);
    pdessm_model_destroy(&model);
}

static void other_drawings_are_refused(void **state) {
    api *a = *state;
    pdessm_sample_options o = two_steps();
    char path[128];
    pdessm_model *model = teacher(a, 10, 3), *other = teacher(a, 10, 4);
    path_of(a, "pairs.safetensors", path);
    assert_ok(a, pdessm_pairs_draw(model, &o, 4, path));
    assert_ok(a, pdessm_pairs_draw(model, &o, 4, path));
    assert_refused(a, pdessm_pairs_draw(model, &o, 5, path), PDESSM_ERROR_FILE, "images");
    assert_refused(a, pdessm_pairs_draw(other, &o, 4, path), PDESSM_ERROR_FILE, "was drawn as");
    o.steps = 3;
    assert_refused(a, pdessm_pairs_draw(model, &o, 4, path), PDESSM_ERROR_FILE, "steps 3");
    assert_refused(a, pdessm_pairs_draw(model, &o, 0, path), PDESSM_ERROR_ARGUMENT, "0 images");
    o.first = 2;
    assert_refused(a, pdessm_pairs_draw(model, &o, 4, path), PDESSM_ERROR_ARGUMENT, "image 0");
    assert_refused(a,
                   pdessm_pairs_draw(model, &(pdessm_sample_options){.batch = 1, .steps = 1}, 4,
                                     "/nonexistent/p.safetensors"),
                   PDESSM_ERROR_IO, "/nonexistent");
    pdessm_model_destroy(&model);
    pdessm_model_destroy(&other);
}

/* A set drawn in two calls is the set drawn in one. */
static void a_set_can_begin_anywhere(void **state) {
    api *a = *state;
    float one[6 * PIXELS], other[6 * PIXELS];
    pdessm_sample_options o = two_steps();
    pdessm_model *model = teacher(a, 10, 3);
    assert_ok(a, pdessm_sample(model, &o, 6, NULL, one, NULL));
    assert_ok(a, pdessm_sample(model, &o, 2, NULL, other, NULL));
    o.first = 2;
    assert_ok(a, pdessm_sample(model, &o, 4, NULL, other + 2 * PIXELS, NULL));
    assert_memory_equal(one, other, sizeof one);
    o.first = -1;
    assert_refused(a, pdessm_sample(model, &o, 1, NULL, one, NULL), PDESSM_ERROR_ARGUMENT, "first");
    pdessm_model_destroy(&model);
}

/* ------------------------------------------------------------------ what it is good for */

static pdessm_trainer *trained(api *a, pdessm_dataset *data, const pdessm_train_options *o,
                               const char *begin) {
    const pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_trainer *t = NULL;
    assert_ok(a, pdessm_trainer_create(a->device, data, &config, o, &t));
    if (begin)
        assert_ok(a, pdessm_trainer_load(t, begin));
    for (int64_t i = 0; i < o->steps; i++)
        assert_ok(a, pdessm_trainer_step(t));
    return t;
}

/* Root mean square of what one Euler step misses of the flow, over what the flow does to noise. */
static double bend(api *a, pdessm_model *model) {
    enum { N = 64 };
    static float noise[N * PIXELS], one[N * PIXELS], many[N * PIXELS];
    static int32_t labels[N];
    const pdessm_config *config = pdessm_model_get_config(model);
    pdessm_sample_options o = two_steps();
    pdessm_model *still = NULL;
    double missed = 0, moved = 0;
    for (int i = 0; i < N; i++)
        labels[i] = i % 10;
    o.seed = 123; /* not that of the pairs */
    o.steps = 1;
    assert_ok(a, pdessm_model_create(a->device, config, 0, &still)); /* its velocity is zero */
    assert_ok(a, pdessm_model_init(still, 1));
    assert_ok(a, pdessm_sample(still, &o, N, labels, noise, NULL));
    pdessm_model_destroy(&still);
    assert_ok(a, pdessm_sample(model, &o, N, labels, one, NULL));
    o.solver = PDESSM_HEUN;
    o.steps = 20;
    assert_ok(a, pdessm_sample(model, &o, N, labels, many, NULL));
    for (int i = 0; i < N * PIXELS; i++) {
        missed += pow((double)one[i] - (double)many[i], 2);
        moved += pow((double)noise[i] - (double)many[i], 2);
    }
    return sqrt(missed / moved);
}

/* A student of a teacher's pairs has straighter paths than the teacher, from noise that it has not
 * seen. */
static void reflow_straightens(void **state) {
    api *a = *state;
    char path[128];
    pdessm_dataset *pairs = NULL;
    pdessm_sample_options drawing = two_steps();
    pdessm_train_options o = pdessm_train_defaults();
    o.steps = 150;
    o.batch = 16;
    o.rate = 3e-3;
    o.warmup = 5;
    pdessm_trainer *teacher = trained(a, a->data, &o, NULL);
    double before = bend(a, pdessm_trainer_average(teacher));
    drawing.solver = PDESSM_HEUN;
    drawing.steps = 8;
    path_of(a, "pairs.safetensors", path);
    assert_ok(a, pdessm_pairs_draw(pdessm_trainer_average(teacher), &drawing, COUNT, path));
    assert_ok(a, pdessm_dataset_open(a->ctx, path, NULL, &pairs));
    path_of(a, "teacher.safetensors", path);
    assert_ok(a, pdessm_model_save(pdessm_trainer_average(teacher), path));
    pdessm_trainer_destroy(&teacher);
    /* The same images with any noise teach nothing of the kind. */
    pdessm_trainer *control = trained(a, pairs, &o, path);
    double unpaired = bend(a, pdessm_trainer_average(control));
    pdessm_trainer_destroy(&control);
    o.coupling = PDESSM_COUPLING_PAIRS;
    o.pair_seed = drawing.seed;
    pdessm_trainer *student = trained(a, pairs, &o, path);
    double after = bend(a, pdessm_trainer_average(student));
    print_message(
        "missed by one step: %.3f by the teacher, %.3f by the student, %.3f without pairs\n",
        before, after, unpaired);
    assert_true(after < 0.75 * before && after < 0.75 * unpaired);
    assert_refused(a, pdessm_trainer_load(student, path), PDESSM_ERROR_ARGUMENT, "first step");
    pdessm_trainer_destroy(&student);
    pdessm_dataset_destroy(&pairs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(images_are_those_of_sampling),   api_test(one_class_is_no_class),
        api_test(an_interruption_costs_one_part), api_test(other_drawings_are_refused),
        api_test(a_set_can_begin_anywhere),       api_test(reflow_straightens),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
