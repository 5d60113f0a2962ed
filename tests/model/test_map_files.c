/* SPDX-License-Identifier: MIT */
/* test_map_files.c: maps in files, with models and in sampling; what is refused. */
#define _GNU_SOURCE
#include <pdessm/train.h>

#include "map_fixture.h"

#include "files/file.h"

static void same_map(fixture *f, const set *s, pdessm_precondition *a, pdessm_precondition *b) {
    static float x[COUNT * D], y[COUNT * D];
    assert_ok(f, pdessm_precondition_apply(a, COUNT, SIDE, SIDE, s->labels, s->images, x));
    assert_ok(f, pdessm_precondition_apply(b, COUNT, SIDE, SIDE, s->labels, s->images, y));
    assert_memory_equal(x, y, sizeof x);
    assert_memory_not_equal(x, s->images, sizeof x);
}

static void files_keep_maps(void **state) {
    fixture *f = *state;
    set *s = open_set(f);
    for (int kind = 0; kind < PDESSM_PRECONDITION_KINDS; kind++) {
        const char *path = fixture_path(f, "map.safetensors");
        pdessm_precondition *map = fitted(f, s, (pdessm_precondition_kind)kind, 0), *read = NULL;
        assert_ok(f, pdessm_precondition_save(map, path));
        assert_ok(f, pdessm_precondition_load(s->device, path, &read));
        same_map(f, s, map, read);
        pdessm_precondition_destroy(&map);
        pdessm_precondition_destroy(&read);
    }
    close_set(s);
}

static pdessm_model *small_model(fixture *f, const set *s, int channels) {
    pdessm_config config;
    pdessm_model *model = NULL;
    assert_ok(f, pdessm_config_preset(f->ctx, "pde-nano/2", &config));
    config.width = 8;
    config.depth = 1;
    config.heads = 1;
    config.states = 1;
    config.channels = channels;
    config.num_classes = CLASSES;
    config.image_size[0] = config.image_size[1] = SIDE;
    assert_ok(f, pdessm_model_create(s->device, &config, 0, &model));
    assert_ok(f, pdessm_model_init(model, 1));
    return model;
}

/* A new network has velocity 0, so samples are the noise, taken back through the map. */
static void models_carry_maps(void **state) {
    enum { N = 5 };
    fixture *f = *state;
    float noise[N * D], back[N * D], drawn[N * D];
    set *s = open_set(f);
    for (int kind = 0; kind < PDESSM_PRECONDITION_KINDS; kind++) {
        const char *path = fixture_path(f, "model.safetensors");
        pdessm_precondition *map = fitted(f, s, (pdessm_precondition_kind)kind, 0);
        pdessm_model *model = small_model(f, s, CHANNELS);
        pdessm_sample_options o = pdessm_sample_defaults();
        o.steps = 2;
        o.batch = 2;
        assert_ok(f, pdessm_sample(model, &o, N, s->labels, noise, NULL));
        assert_ok(f, pdessm_model_set_precondition(model, map));
        assert_ok(f, pdessm_precondition_invert(map, N, SIDE, SIDE, s->labels, noise, back));
        pdessm_precondition_destroy(&map); /* the model has its own reference */
        assert_ok(f, pdessm_model_save(model, path));
        pdessm_model_destroy(&model);
        assert_ok(f, pdessm_model_load(s->device, path, 0, &model));
        assert_non_null(pdessm_model_get_precondition(model));
        assert_ok(f, pdessm_sample(model, &o, N, s->labels, drawn, NULL));
        for (int i = 0; i < N * D; i++)
            assert_true(fabs((double)drawn[i] - (double)back[i]) < 1e-5);
        assert_memory_not_equal(drawn, noise, sizeof drawn);
        if (kind == PDESSM_PRECONDITION_FLOW)
            assert_ok(f, pdessm_sample(model, &o, N, NULL, drawn, NULL));
        else
            assert_fails(f, pdessm_sample(model, &o, N, NULL, drawn, NULL), PDESSM_ERROR_ARGUMENT,
                         "ask for a class");
        pdessm_model_destroy(&model);
    }
    close_set(s);
}

static void checkpoints_carry_maps(void **state) {
    fixture *f = *state;
    set *s = open_set(f);
    pdessm_precondition *map = fitted(f, s, PDESSM_PRECONDITION_WHITEN, 0);
    pdessm_dataset *mapped = NULL;
    pdessm_trainer *trainer = NULL, *resumed = NULL;
    pdessm_train_options o = pdessm_train_defaults();
    pdessm_model *model = small_model(f, s, CHANNELS);
    char *checkpoint = NULL;
    float image[D], expected[D];
    o.batch = 2;
    o.steps = 2;
    assert_ok(f, pdessm_precondition_dataset(map, s->data, NULL, NULL, &mapped));
    pdessm_dataset_image(mapped, 7, image);
    assert_ok(f, pdessm_precondition_apply(map, 1, SIDE, SIDE, &s->labels[7], s->images + 7 * D,
                                           expected));
    for (int i = 0; i < D; i++)
        assert_true(fabs((double)image[i] - (double)expected[i]) < 1e-5);
    assert_int_equal(pdessm_dataset_label(mapped, 7), s->labels[7]);
    assert_ok(
        f, pdessm_trainer_create(s->device, mapped, pdessm_model_get_config(model), &o, &trainer));
    assert_ok(f, pdessm_trainer_set_precondition(trainer, map));
    assert_ok(f, pdessm_trainer_step(trainer));
    assert_ok(f, pdessm_trainer_save(trainer, f->folder, 0));
    assert_ok(f, pdessm_checkpoint_newest(f->ctx, f->folder, &checkpoint));
    assert_ok(f, pdessm_trainer_resume(s->device, mapped, checkpoint, &o, &resumed));
    same_map(f, s, map, pdessm_model_get_precondition(pdessm_trainer_model(resumed)));
    same_map(f, s, map, pdessm_model_get_precondition(pdessm_trainer_average(resumed)));
    free(checkpoint);
    pdessm_model_destroy(&model);
    pdessm_trainer_destroy(&trainer);
    pdessm_trainer_destroy(&resumed);
    pdessm_dataset_destroy(&mapped);
    pdessm_precondition_destroy(&map);
    close_set(s);
}

/* ------------------------------------------------------------------ refusals */

static void wrong_images_are_refused(void **state) {
    fixture *f = *state;
    static float x[4 * D];
    const int32_t null_class[1] = {CLASSES};
    set *s = open_set(f);
    pdessm_precondition *map = fitted(f, s, PDESSM_PRECONDITION_WHITEN, 0);
    pdessm_model *gray = small_model(f, s, 1);
    assert_fails(f, pdessm_precondition_apply(map, 1, SIDE, SIDE, null_class, x, x),
                 PDESSM_ERROR_ARGUMENT, "has no class");
    assert_fails(f, pdessm_precondition_apply(map, 1, SIDE, SIDE + 1, s->labels, x, x),
                 PDESSM_ERROR_SHAPE, "6 x 6");
    assert_fails(f, pdessm_model_set_precondition(gray, map), PDESSM_ERROR_SHAPE, "6 x 6 x 1");
    assert_null(pdessm_model_get_precondition(gray));
    pdessm_model_destroy(&gray);
    pdessm_precondition_destroy(&map);
    close_set(s);
}

static void wrong_options_are_refused(void **state) {
    fixture *f = *state;
    set *s = open_set(f);
    pdessm_precondition *map = NULL;
    pdessm_precondition_options o = pdessm_precondition_defaults(PDESSM_PRECONDITION_WHITEN);
    o.epsilon = 0;
    assert_fails(f, pdessm_precondition_fit(s->device, s->data, &o, &map), PDESSM_ERROR_ARGUMENT,
                 "epsilon");
    o.epsilon = 1e-3;
    o.shrinkage = 2;
    assert_fails(f, pdessm_precondition_fit(s->device, s->data, &o, &map), PDESSM_ERROR_ARGUMENT,
                 "shrinkage");
    const pdessm_dataset_options few = {.limit = 3};
    pdessm_dataset *data = NULL;
    o.shrinkage = 0.1;
    assert_ok(f, pdessm_dataset_open(f->ctx, "shapes", &few, &data));
    assert_fails(f, pdessm_precondition_fit(s->device, data, &o, &map), PDESSM_ERROR_ARGUMENT,
                 "at least 2");
    pdessm_dataset_destroy(&data);
    assert_null(map);
    close_set(s);
}

/* A map file whose bytes `old` are replaced by `new`, of equal length. */
static const char *damaged(fixture *f, const char *path, const char *old, const char *new) {
    pdessm_bytes bytes = {0};
    assert_ok(f, pdessm_bytes_open(f->ctx, path, &bytes));
    char *copy = malloc(bytes.size);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    char *at = memmem(copy, bytes.size, old, strlen(old));
    assert_non_null(at);
    memcpy(at, new, strlen(new));
    const char *result = fixture_write(f, "damaged.safetensors", copy, bytes.size);
    free(copy);
    pdessm_bytes_release(&bytes);
    return result;
}

/* cases: what stands in the file, what takes its place, and what the message has to name. */
static void assert_damage_is_named(fixture *f, set *s, const char *path,
                                   const char *const (*cases)[3], size_t count) {
    pdessm_precondition *read = NULL;
    for (size_t i = 0; i < count; i++)
        assert_fails(
            f,
            pdessm_precondition_load(s->device, damaged(f, path, cases[i][0], cases[i][1]), &read),
            PDESSM_ERROR_FILE, cases[i][2]);
    assert_null(read);
}

static void wrong_files_are_refused(void **state) {
    static const char *const cases[][3] = {{"whiten", "whitem", "whitem"},
                                           {"\"height\\\":6", "\"height\\\":7", "mean"},
                                           {"\"height\\\":6", "\"height\\\":x", "JSON"},
                                           {"epsilon", "epsilom", "epsilon"},
                                           {"precondition.gain", "precondition.gaim", "gain"}};
    fixture *f = *state;
    set *s = open_set(f);
    const char *path = fixture_path(f, "map.safetensors");
    pdessm_precondition *map = fitted(f, s, PDESSM_PRECONDITION_WHITEN, 0), *read = NULL;
    assert_ok(f, pdessm_precondition_save(map, path));
    assert_damage_is_named(f, s, path, cases, sizeof cases / sizeof *cases);
    assert_fails(f, pdessm_precondition_load(s->device, fixture_path(f, "x.safetensors"), &read),
                 PDESSM_ERROR_FILE, "no preconditioner");
    assert_null(read);
    pdessm_precondition_destroy(&map);
    close_set(s);
}

/* Layers that the file does not have, too many, and none of the number. */
static void wrong_layers_are_refused(void **state) {
    static const char *const cases[][3] = {{"layers\\\":3", "layers\\\":4", "couplings"},
                                           {"layers\\\":3", "layers\\\":1", "layers"},
                                           {"hidden\\\":16", "hidden\\\":-1", "hidden"},
                                           {"hidden", "hiddem", "hidden"}};
    fixture *f = *state;
    set *s = open_set(f);
    const char *path = fixture_path(f, "map.safetensors");
    pdessm_precondition *map = fitted(f, s, PDESSM_PRECONDITION_REALNVP, 0);
    assert_ok(f, pdessm_precondition_save(map, path));
    assert_damage_is_named(f, s, path, cases, sizeof cases / sizeof *cases);
    pdessm_precondition_destroy(&map);
    close_set(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        data_test(files_keep_maps),           data_test(models_carry_maps),
        data_test(checkpoints_carry_maps),    data_test(wrong_images_are_refused),
        data_test(wrong_options_are_refused), data_test(wrong_files_are_refused),
        data_test(wrong_layers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
