/* SPDX-License-Identifier: MIT */
/* test_model.c: configurations, how a network begins, and models as files. */
#include "api.h"

#include <pdessm/safetensors.h>

/* ------------------------------------------------------------------ configurations */

static void presets(void **state) {
    static const struct {
        const char *name;
        pdessm_mixer mixer;
        int depth, width, heads, patch;
    } known[] = {
        {"pde-s/2", PDESSM_MIXER_PDE, 12, 384, 6, 2},
        {"attn-B/4", PDESSM_MIXER_ATTENTION, 12, 768, 12, 4},
        {"pde-L/8", PDESSM_MIXER_PDE, 24, 1024, 16, 8},
        {"attn-xl/2", PDESSM_MIXER_ATTENTION, 28, 1152, 16, 2},
        {"pde-tiny/2", PDESSM_MIXER_PDE, 6, 192, 3, 2},
        {"pde-nano/4", PDESSM_MIXER_PDE, 4, 96, 3, 4},
        {"filter-nano/4", PDESSM_MIXER_FILTER, 4, 96, 3, 4},
        {"conv-S/2", PDESSM_MIXER_CONV, 12, 384, 6, 2},
    };
    static const char *const unknown[] = {"",         "pde",        "pde-s",  "pde-s/3",
                                          "pde-s/2 ", "pde-huge/2", "ssm-s/2"};
    api *a = *state;
    pdessm_config c;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_ok(a, pdessm_config_preset(a->ctx, known[i].name, &c));
        assert_ok(a, pdessm_config_check(a->ctx, &c));
        assert_int_equal(c.mixer, known[i].mixer);
        assert_int_equal(c.depth, known[i].depth);
        assert_int_equal(c.width, known[i].width);
        assert_int_equal(c.heads, known[i].heads);
        assert_int_equal(c.patch, known[i].patch);
        assert_int_equal(c.states, 8);
        assert_int_equal(c.expand, 1);
        assert_int_equal(c.solution, PDESSM_EVOLVE);
        assert_int_equal(c.reference_grid[0], 32 / c.patch);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_refused(a, pdessm_config_preset(a->ctx, unknown[i], &c), PDESSM_ERROR_ARGUMENT,
                       "pde-nano/4");
}

static const char good_json[] =
    "{\"mixer\": \"pde\", \"width\": 16, \"depth\": 2, \"heads\": 2, \"patch\": 2, \"expand\": 1, "
    "\"states\": 3, \"solution\": \"forced\", \"image_size\": [8, 12], \"channels\": 3, "
    "\"num_classes\": 10, \"reference_grid\": [4, 6], \"new_option\": true}";

static void json(void **state) {
    api *a = *state;
    pdessm_config c, again;
    char *text = NULL;
    assert_ok(a, pdessm_config_from_json(a->ctx, good_json, &c));
    assert_int_equal(c.image_size[1], 12);
    assert_int_equal(c.solution, PDESSM_FORCED);
    assert_true(c.b_max == 0.25);
    assert_ok(a, pdessm_config_to_json(a->ctx, &c, &text));
    assert_ok(a, pdessm_config_from_json(a->ctx, text, &again));
    free(text);
    assert_memory_equal(&again, &c, sizeof c);
}

/* The good text with one piece replaced is refused, and the message names the key. */
static void absurd_json_is_refused(void **state) {
    static const char *const changes[][3] = {
        {"\"width\": 16", "\"height\": 16", "width"},
        {"\"width\": 16", "\"width\": 16.5", "width"},
        {"\"width\": 16", "\"width\": -16", "width"},
        {"\"width\": 16", "\"width\": 18", "width"},
        {"\"depth\": 2", "\"depth\": \"2\"", "depth"},
        {"\"depth\": 2", "\"depth\": 1e30", "depth"},
        {"\"patch\": 2", "\"patch\": 3", "patch"},
        {"\"pde\"", "\"fft\"", "mixer"},
        {"\"forced\"", "7", "solution"},
        {"[8, 12]", "[8]", "image_size"},
        {"[8, 12]", "[8, 13]", "13"},
        {"[8, 12]", "[0, 12]", "height"},
        {"[4, 6]", "[4, 0]", "reference_grid"},
        {"\"states\": 3", "\"states\": 0", "states"},
        {"{", "[", "JSON"},
    };
    api *a = *state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char text[1024];
        const char *at = strstr(good_json, changes[i][0]);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good_json), good_json, changes[i][1],
                 at + strlen(changes[i][0]));
        pdessm_config c = {0};
        assert_refused(a, pdessm_config_from_json(a->ctx, text, &c), PDESSM_ERROR_FILE,
                       changes[i][2]);
        assert_int_equal(c.width, 0); /* nothing is written on failure */
    }
}

/* ------------------------------------------------------------------ beginnings */

static void a_new_network_outputs_zero(void **state) {
    api *a = *state;
    static float images[2][3 * API_SIDE * API_SIDE];
    for (int mixer = PDESSM_MIXER_PDE; mixer <= PDESSM_MIXER_CONV; mixer++) {
        const pdessm_config config = api_config((pdessm_mixer)mixer);
        pdessm_sample_options o = pdessm_sample_defaults();
        pdessm_model *m = NULL;
        assert_ok(a, pdessm_model_create(a->device, &config, 0, &m));
        assert_ok(a, pdessm_model_init(m, 4));
        o.solver = PDESSM_EULER; /* no velocity: the image is the noise, in any number of steps */
        o.steps = 1;
        assert_ok(a, pdessm_sample(m, &o, 1, NULL, images[0], NULL));
        o.steps = 3;
        assert_ok(a, pdessm_sample(m, &o, 1, NULL, images[1], NULL));
        assert_memory_equal(images[0], images[1], sizeof images[0]);
        assert_true(images[0][0] != 0);
        pdessm_model_destroy(&m);
    }
}

static double softplus(double x) {
    return log1p(exp(x));
}

/* Blur widths from half a token to a quarter of the image, spread evenly in the logarithm; half of
 * the terms at rest, the others moving by one token; weights of alternating sign. */
static void coefficients_begin_as_specified(void **state) {
    const double eps = 0.1 / 16 * 0.1 / 16 / 2;
    api *a = *state;
    pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_model *m = NULL;
    int64_t n;
    config.width = 64;
    config.states = 8;
    config.image_size[0] = config.image_size[1] = 32; /* 16 x 16 tokens */
    assert_ok(a, pdessm_model_create(a->device, &config, 0, &m));
    assert_ok(a, pdessm_model_init(m, 4));

    float *l = api_parameter(a, m, "blocks.1.mixer.pde.diffusion", &n);
    double least = 1, most = 0, mean = 0;
    for (int64_t i = 0; i < n; i += 3) {
        double width = sqrt(2 * (pow(softplus((double)l[i]), 2) + eps));
        assert_true(l[i] == l[i + 2] && l[i + 1] == 0);
        least = fmin(least, width);
        most = fmax(most, width);
        mean += log(width) / (double)(n / 3);
    }
    free(l);
    assert_true(least > 0.9 * 0.5 / 16 && least < 1.1 * 0.5 / 16);
    assert_true(most > 0.9 * 0.25 && most < 1.1 * 0.25);
    assert_true(fabs(mean - (log(0.5 / 16) + log(0.25)) / 2) < 0.05);

    float *beta = api_parameter(a, m, "blocks.1.mixer.pde.convection", &n);
    int64_t still = 0;
    for (int64_t i = 0; i < n; i += 2) {
        double y = 0.25 * tanh((double)beta[i]) * 16, x = 0.25 * tanh((double)beta[i + 1]) * 16;
        still += y == 0 && x == 0;
        assert_true(fabs(y - round(y)) < 1e-5 && fabs(x - round(x)) < 1e-5);
        assert_true(fmax(fabs(y), fabs(x)) < 1.001);
    }
    free(beta);
    assert_int_equal(still, n / 4);

    float *weight = api_parameter(a, m, "blocks.1.mixer.pde.weight", &n);
    for (int64_t i = 0; i < n; i++)
        assert_true(fabs((double)weight[i] * sqrt(8) - (i % 2 ? -1 : 1)) < 1e-6);
    free(weight);
    float *rho = api_parameter(a, m, "blocks.1.mixer.pde.reaction", &n);
    float *skip = api_parameter(a, m, "blocks.1.mixer.pde.skip", &n);
    assert_true(rho[0] == -6 && skip[n - 1] == 1);
    free(rho);
    free(skip);
    pdessm_model_destroy(&m);
}

static void seeds_decide(void **state) {
    api *a = *state;
    const pdessm_config config = api_config(PDESSM_MIXER_PDE);
    float *values[3];
    int64_t n;
    for (int i = 0; i < 3; i++) {
        pdessm_model *m = NULL;
        assert_ok(a, pdessm_model_create(a->device, &config, 0, &m));
        assert_ok(a, pdessm_model_init(m, i == 2 ? 5 : 4));
        values[i] = api_read_all(a->ctx, m, 0, &n);
        pdessm_model_destroy(&m);
    }
    assert_memory_equal(values[0], values[1], (size_t)n * sizeof **values);
    assert_memory_not_equal(values[0], values[2], (size_t)n * sizeof **values);
    for (int i = 0; i < 3; i++)
        free(values[i]);
}

/* ------------------------------------------------------------------ files */

static const char *path_in(api *a, const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", a->folder, name);
    return path;
}

static void a_file_gives_the_model_back(void **state) {
    api *a = *state;
    const pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_model *m = NULL, *again = NULL;
    int64_t n;
    assert_ok(a, pdessm_model_create(a->device, &config, 0, &m));
    api_perturb(a->ctx, m, 8);
    assert_ok(a, pdessm_model_save(m, path_in(a, "model.safetensors")));
    assert_ok(a, pdessm_model_load(a->device, path_in(a, "model.safetensors"), 1, &again));
    assert_memory_equal(pdessm_model_get_config(again), pdessm_model_get_config(m), sizeof config);
    float *one = api_read_all(a->ctx, m, 0, &n), *other = api_read_all(a->ctx, again, 0, &n);
    assert_memory_equal(one, other, (size_t)n * sizeof *one);
    free(one);
    free(other);
    pdessm_model_destroy(&m);
    pdessm_model_destroy(&again);
}

/* A file of one tensor, with this configuration in its metadata. */
static void write_file(api *a, const char *config, const char *name, int64_t extent) {
    const pdessm_safetensors_pair pair = {"pdessm.config", config};
    const pdessm_safetensors_tensor tensor = {
        .name = name, .dtype = PDESSM_FILE_F32, .rank = 1, .dims = {extent}};
    pdessm_safetensors_writer *w = NULL;
    float *zeros = calloc((size_t)extent, sizeof *zeros);
    assert_non_null(zeros);
    assert_ok(a, pdessm_safetensors_writer_create(a->ctx, path_in(a, "bad.safetensors"), &pair,
                                                  config ? 1 : 0, &tensor, 1, &w));
    assert_ok(a, pdessm_safetensors_writer_write(w, zeros, (size_t)extent * sizeof *zeros));
    assert_ok(a, pdessm_safetensors_writer_finish(w));
    pdessm_safetensors_writer_destroy(&w);
    free(zeros);
}

static void wrong_files_are_refused(void **state) {
    static const struct {
        const char *config, *name, *message;
    } cases[] = {
        {NULL, "x", "no configuration"},
        {"{}", "x", "mixer"},
        {good_json, "x", "depth 2"},
        {"{\"mixer\": \"pde\", \"width\": 65536, \"depth\": 1, \"heads\": 2, \"patch\": 2, "
         "\"expand\": 64, \"states\": 4096, \"solution\": \"evolve\", \"image_size\": [8, 8], "
         "\"channels\": 3, \"num_classes\": 10, \"reference_grid\": [4, 4]}",
         "x", "x_embedder"}, /* petabytes announced: refused before they are asked for */
    };
    api *a = *state;
    pdessm_model *m = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(a, cases[i].config, cases[i].name, 7);
        assert_refused(a, pdessm_model_load(a->device, path_in(a, "bad.safetensors"), 0, &m),
                       PDESSM_ERROR_FILE, cases[i].message);
        assert_non_null(strstr(pdessm_context_error(a->ctx), "bad.safetensors"));
    }
    assert_refused(a, pdessm_model_load(a->device, "/nonexistent", 0, &m), PDESSM_ERROR_FILE,
                   "/nonexistent");
    assert_null(m);
}

/* The same parameters serve every grid; only the activations grow with it. */
static void memory_grows_with_the_grid(void **state) {
    api *a = *state;
    pdessm_memory_estimate small, large;
    pdessm_config config = api_config(PDESSM_MIXER_PDE);
    assert_ok(a, pdessm_memory_to_sample(a->ctx, &config, 4, &small));
    config.image_size[0] *= 2;
    assert_ok(a, pdessm_memory_to_sample(a->ctx, &config, 4, &large));
    assert_int_equal(small.parameters, large.parameters);
    assert_true(large.activations > small.activations);
    assert_int_equal(small.total, small.parameters + small.activations);
}

/* Names, shapes and numbers by index are those of the file. */
static void parameters_are_read_by_index(void **state) {
    api *a = *state;
    const pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_model *model = NULL;
    pdessm_safetensors *file = NULL;
    char path[128];
    int64_t total = 0;
    snprintf(path, sizeof path, "%s/model.safetensors", a->folder);
    assert_ok(a, pdessm_model_create(a->device, &config, 0, &model));
    assert_ok(a, pdessm_model_init(model, 3));
    assert_ok(a, pdessm_model_save(model, path));
    assert_ok(a, pdessm_safetensors_open(a->ctx, path, &file));
    assert_int_equal(pdessm_model_tensors(model), pdessm_safetensors_count(file));
    for (int i = 0; i < pdessm_model_tensors(model); i++) {
        const pdessm_safetensors_entry *entry = NULL;
        int64_t dims[PDESSM_MAX_RANK], count = 1;
        const int rank = pdessm_model_tensor_shape(model, i, dims);
        assert_ok(a, pdessm_safetensors_expect(file, pdessm_model_tensor_name(model, i), rank, dims,
                                               &entry));
        for (int k = 0; k < rank; k++)
            count *= dims[k];
        float *kept = malloc((size_t)count * sizeof *kept),
              *read = malloc((size_t)count * sizeof *read);
        assert_ok(a, pdessm_safetensors_read_float(file, entry, kept));
        assert_ok(a, pdessm_model_tensor_read(model, i, read));
        assert_memory_equal(kept, read, (size_t)count * sizeof *read);
        free(kept);
        free(read);
        total += count;
    }
    assert_int_equal(pdessm_model_parameter_count(model), total);
    pdessm_safetensors_destroy(&file);
    pdessm_model_destroy(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(presets),
        api_test(json),
        api_test(absurd_json_is_refused),
        api_test(a_new_network_outputs_zero),
        api_test(coefficients_begin_as_specified),
        api_test(seeds_decide),
        api_test(a_file_gives_the_model_back),
        api_test(parameters_are_read_by_index),
        api_test(wrong_files_are_refused),
        api_test(memory_grows_with_the_grid),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
