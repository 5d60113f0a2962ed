/* SPDX-License-Identifier: MIT */
/* test_mixer_variants.c: the baselines and options of a mixer, and classifiers: what they add to a
 * file or take out of it, how they begin, and what does not go together. */
#include "api.h"

#include "model/model.h"

#define BLOCK0 "blocks.0."

static pdessm_model *make(api *a, const pdessm_config *config) {
    pdessm_model *m = NULL;
    assert_ok(a, pdessm_model_create(a->device, config, 0, &m));
    assert_ok(a, pdessm_model_init(m, 4));
    return m;
}

static int has(pdessm_model *m, const char *name) {
    return pdessm_model_find(m, name) != NULL;
}

/* ------------------------------------------------------------------ configurations */

static const char minimal[] =
    "{\"mixer\": \"pde\", \"width\": 16, \"depth\": 3, \"heads\": 2, \"patch\": 2, \"expand\": 1, "
    "\"states\": 3, \"solution\": \"evolve\", \"image_size\": [8, 8], \"channels\": 3, "
    "\"num_classes\": 10, \"reference_grid\": [4, 4]";

static pdessm_status parse(api *a, const char *more, pdessm_config *ret) {
    char text[1024];
    snprintf(text, sizeof text, "%s%s}", minimal, more);
    return pdessm_config_from_json(a->ctx, text, ret);
}

static void absent_keys_mean_the_defaults(void **state) {
    api *a = *state;
    pdessm_config c, preset;
    assert_ok(a, parse(a, "", &c));
    assert_ok(a, pdessm_config_preset(a->ctx, "pde-nano/4", &preset));
    const pdessm_config *both[] = {&c, &preset};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(both[i]->task, PDESSM_TASK_VELOCITY);
        assert_true(!both[i]->no_gate && !both[i]->no_convection && !both[i]->no_reaction &&
                    !both[i]->no_skip);
        assert_int_equal(both[i]->local, PDESSM_LOCAL_NONE);
        assert_int_equal(both[i]->padding, PDESSM_PADDING_PERIODIC);
        assert_int_equal(both[i]->attention_layers, 0);
        assert_int_equal(both[i]->prior, PDESSM_PRIOR_NONE);
    }
}

static void options_survive_a_file(void **state) {
    api *a = *state;
    pdessm_config c, again;
    char *text = NULL;
    assert_ok(a, parse(a,
                       ", \"task\": \"classify\", \"no_gate\": 1, \"no_convection\": 1, "
                       "\"no_reaction\": 1, "
                       "\"no_skip\": 1, \"local\": \"conv3x3\", \"padding\": \"zero\", "
                       "\"attention_layers\": 2",
                       &c));
    assert_int_equal(c.task, PDESSM_TASK_CLASSIFY);
    assert_int_equal(c.no_gate + c.no_convection + c.no_reaction + c.no_skip, 4);
    assert_int_equal(c.local, PDESSM_LOCAL_CONV3X3);
    assert_int_equal(c.padding, PDESSM_PADDING_ZERO);
    assert_int_equal(c.attention_layers, 2);
    assert_ok(a, pdessm_config_to_json(a->ctx, &c, &text));
    assert_ok(a, pdessm_config_from_json(a->ctx, text, &again));
    free(text);
    assert_memory_equal(&again, &c, sizeof c);
}

static void absurd_options_are_refused(void **state) {
    static const char *const absurd[][2] = {
        {", \"task\": \"draw\"", "task"},
        {", \"task\": 1", "task"},
        {", \"no_gate\": 2", "no_gate"},
        {", \"no_gate\": true", "no_gate"},
        {", \"local\": \"conv5x5\"", "local"},
        {", \"padding\": \"mirror\"", "padding"},
        {", \"prior\": \"uniform\"", "prior"},
        {", \"task\": \"classify\", \"prior\": \"gaussian\"", "task velocity"},
        {", \"attention_layers\": 4", "attention_layers"},
        {", \"attention_layers\": -1", "attention_layers"},
    };
    api *a = *state;
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        pdessm_config c;
        assert_refused(a, parse(a, absurd[i][0], &c), PDESSM_ERROR_FILE, absurd[i][1]);
    }
    pdessm_config heads = api_config(PDESSM_MIXER_PDE);
    heads.heads = 3; /* of no use before there is attention */
    assert_ok(a, pdessm_config_check(a->ctx, &heads));
    heads.attention_layers = 1;
    assert_refused(a, pdessm_config_check(a->ctx, &heads), PDESSM_ERROR_ARGUMENT, "heads");
}

static void options_of_one_mixer_are_refused_with_another(void **state) {
    api *a = *state;
    for (int mixer = PDESSM_MIXER_ATTENTION; mixer <= PDESSM_MIXER_CONV; mixer++) {
        const pdessm_config plain = api_config((pdessm_mixer)mixer);
        pdessm_config c[] = {plain, plain, plain, plain, plain, plain, plain};
        c[0].no_convection = c[1].no_reaction = c[2].no_skip = 1;
        c[3].padding = PDESSM_PADDING_ZERO;
        c[4].no_gate = 1;
        c[5].local = PDESSM_LOCAL_CONV3X3;
        c[6].attention_layers = 1;
        for (int i = 0; i < 7; i++)
            if (i < 4 || mixer == PDESSM_MIXER_ATTENTION)
                assert_refused(a, pdessm_config_check(a->ctx, &c[i]), PDESSM_ERROR_ARGUMENT,
                               "does not go with the mixer");
            else
                assert_ok(a, pdessm_config_check(a->ctx, &c[i]));
    }
}

/* ------------------------------------------------------------------ parameters */

static void what_is_left_out_has_no_parameters(void **state) {
    api *a = *state;
    pdessm_config c = api_config(PDESSM_MIXER_PDE);
    pdessm_model *m = make(a, &c);
    int64_t all = pdessm_model_parameter_count(m), inner = c.width, terms = inner * c.states;
    assert_int_equal(pdessm_model_find(m, BLOCK0 "mixer.in_proj.weight")->dims[0], 2 * inner);
    pdessm_model_destroy(&m);
    c.no_gate = c.no_convection = c.no_reaction = c.no_skip = 1;
    m = make(a, &c);
    assert_int_equal(pdessm_model_find(m, BLOCK0 "mixer.in_proj.weight")->dims[0], inner);
    assert_false(has(m, BLOCK0 "mixer.pde.convection"));
    assert_false(has(m, BLOCK0 "mixer.pde.reaction"));
    assert_false(has(m, BLOCK0 "mixer.pde.skip"));
    assert_true(has(m, BLOCK0 "mixer.pde.diffusion") && has(m, BLOCK0 "mixer.pde.weight"));
    assert_int_equal(all - pdessm_model_parameter_count(m),
                     c.depth * (inner * (c.width + 1) + 3 * terms + inner));
    pdessm_model_destroy(&m);
}

static void attention_layers_stand_in_the_middle_of_their_parts(void **state) {
    static const struct {
        int depth, layers;
        const char *where; /* one letter for each block */
    } cases[] = {
        {4, 1, "..a."}, {4, 2, ".a.a"}, {6, 2, ".a..a."}, {5, 5, "aaaaa"}, {5, 0, "....."}};
    api *a = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pdessm_config c = api_config(PDESSM_MIXER_PDE);
        c.depth = cases[i].depth;
        c.attention_layers = cases[i].layers;
        pdessm_model *m = make(a, &c);
        for (int block = 0; block < c.depth; block++) {
            char name[64];
            snprintf(name, sizeof name, "blocks.%d.attn.qkv.weight", block);
            assert_int_equal(has(m, name), cases[i].where[block] == 'a');
            snprintf(name, sizeof name, "blocks.%d.mixer.pde.diffusion", block);
            assert_int_equal(has(m, name), cases[i].where[block] == '.');
        }
        pdessm_model_destroy(&m);
    }
}

static float *values(api *a, pdessm_model *m, const char *name, int64_t *ret_count) {
    pdessm_parameter *p = pdessm_model_find(m, name);
    if (!p)
        fail_msg("no parameter %s", name);
    *ret_count = pdessm_tensor_count(&p->value);
    float *v = malloc((size_t)*ret_count * sizeof *v);
    assert_non_null(v);
    assert_ok(a, pdessm_tensor_read(&p->value, v));
    return v;
}

/* A local convolution changes nothing at first; a filter nearly nothing; a window is one in the
 * middle, give or take a third. */
static void operators_begin_near_the_identity(void **state) {
    api *a = *state;
    pdessm_config c = api_config(PDESSM_MIXER_FILTER);
    int64_t n;
    c.local = PDESSM_LOCAL_CONV3X3;
    pdessm_model *m = make(a, &c);
    float *v = values(a, m, BLOCK0 "mixer.local.weight", &n);
    assert_int_equal(n, 9 * c.width);
    for (int64_t i = 0; i < n; i++)
        assert_true(v[i] == (float)(i % 9 == 4));
    free(v);
    v = values(a, m, BLOCK0 "mixer.filter.symbol", &n);
    assert_int_equal(n, API_SIDE / 2 * (API_SIDE / 4 + 1) * c.width * 2);
    double square = 0;
    for (int64_t i = 0; i < n; i++)
        square += pow((double)v[i] - (double)(i % 2 == 0), 2);
    assert_true(fabs(sqrt(square / (double)n) / 0.02 - 1) < 5 / sqrt(2 * (double)n));
    free(v);
    pdessm_model_destroy(&m);
    c = api_config(PDESSM_MIXER_CONV);
    m = make(a, &c);
    v = values(a, m, BLOCK0 "mixer.conv.weight", &n);
    double largest = 0;
    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)v[i] - (double)(i % 9 == 4)));
    assert_true(largest <= 1.0 / 3 && largest > 0.3);
    free(v);
    pdessm_model_destroy(&m);
}

/* Each is one group of the optimiser: no weight decay, a separate learning rate. */
static void groups_are_what_the_optimiser_expects(void **state) {
    static const struct {
        pdessm_mixer mixer;
        const char *name;
        pdessm_group group;
    } known[] = {
        {PDESSM_MIXER_FILTER, BLOCK0 "mixer.filter.symbol", PDESSM_GROUP_FREE},
        {PDESSM_MIXER_CONV, BLOCK0 "mixer.conv.weight", PDESSM_GROUP_FREE},
        {PDESSM_MIXER_CONV, BLOCK0 "mixer.local.bias", PDESSM_GROUP_FREE},
        {PDESSM_MIXER_PDE, BLOCK0 "mixer.local.weight", PDESSM_GROUP_FREE},
        {PDESSM_MIXER_PDE, BLOCK0 "mixer.pde.skip", PDESSM_GROUP_PDE},
        {PDESSM_MIXER_PDE, "condition", PDESSM_GROUP_PLAIN},
        {PDESSM_MIXER_PDE, "classifier.weight", PDESSM_GROUP_WEIGHTS},
        {PDESSM_MIXER_PDE, "classifier.bias", PDESSM_GROUP_PLAIN},
    };
    api *a = *state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        pdessm_config c = api_config(known[i].mixer);
        c.local = PDESSM_LOCAL_CONV3X3;
        c.task = PDESSM_TASK_CLASSIFY;
        pdessm_model *m = make(a, &c);
        assert_true(has(m, known[i].name));
        assert_int_equal(pdessm_model_find(m, known[i].name)->group, known[i].group);
        assert_false(has(m, "y_embedder.embedding_table.weight"));
        assert_false(has(m, "final_layer.linear.weight"));
        pdessm_model_destroy(&m);
    }
}

/* The velocity of two images and times t from a network that has not learned yet. */
static void first_velocity(api *a, pdessm_prior prior, int64_t count, const float *x,
                           const float *t, float *ret) {
    pdessm_config c = api_config(PDESSM_MIXER_PDE);
    c.prior = prior;
    const int64_t image[] = {2, c.channels, API_SIDE, API_SIDE};
    assert_int_equal(count, image[0] * image[1] * image[2] * image[3]);
    pdessm_model *m = make(a, &c);
    pdessm_tape *tape = NULL;
    assert_ok(a, pdessm_tape_create(a->device, &tape));
    pdessm_tensor *in = pdessm_tape_input(tape, PDESSM_FLOAT32, 4, image);
    pdessm_tensor *times = pdessm_tape_input(tape, PDESSM_FLOAT32, 1, image);
    pdessm_tensor *labels = pdessm_tape_input(tape, PDESSM_INT32, 1, image);
    pdessm_tensor *v = pdessm_model_velocity(m, tape, in, times, labels);
    pdessm_tape_output(tape, v);
    assert_ok(a, pdessm_tape_plan(tape, NULL));
    assert_ok(a, pdessm_tensor_write(in, x));
    assert_ok(a, pdessm_tensor_write(times, t));
    assert_ok(a, pdessm_tensor_write(labels, (const int32_t[]){0, 1}));
    assert_ok(a, pdessm_tape_forward(tape));
    assert_ok(a, pdessm_tensor_read(v, ret));
    pdessm_tape_destroy(&tape);
    pdessm_model_destroy(&m);
}

/* Training begins at zero, or at the velocity (2t - 1) / ((1 - t)^2 + t^2) x_t of normal data. */
static void a_prior_is_where_training_begins(void **state) {
    enum { COUNT = 2 * 3 * API_SIDE * API_SIDE };
    static const float t[] = {0.0F, 0.75F};
    static const double gain[] = {-1, 0.5 / 0.625};
    api *a = *state;
    float x[COUNT], v[COUNT];
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)sin(1.0 + i);
    first_velocity(a, PDESSM_PRIOR_NONE, COUNT, x, t, v);
    for (int i = 0; i < COUNT; i++)
        assert_true(v[i] == 0);
    first_velocity(a, PDESSM_PRIOR_GAUSSIAN, COUNT, x, t, v);
    for (int i = 0; i < COUNT; i++)
        assert_true(fabs((double)v[i] - gain[i / (COUNT / 2)] * (double)x[i]) < 1e-6);
}

/* ------------------------------------------------------------------ refusals */

/* Records the velocity, or else the logits, of two images; the status of the tape. */
static pdessm_status record(api *a, pdessm_model *m, int velocity, int64_t side) {
    const int64_t image[] = {2, 3, side, side};
    pdessm_tape *tape = NULL;
    assert_ok(a, pdessm_tape_create(a->device, &tape));
    pdessm_tensor *x = pdessm_tape_input(tape, PDESSM_FLOAT32, 4, image);
    pdessm_tensor *t = pdessm_tape_input(tape, PDESSM_FLOAT32, 1, image);
    pdessm_tensor *y = pdessm_tape_input(tape, PDESSM_INT32, 1, image);
    pdessm_tape_output(tape, velocity ? pdessm_model_velocity(m, tape, x, t, y)
                                      : pdessm_model_logits(m, tape, x, NULL));
    pdessm_status status = pdessm_tape_plan(tape, NULL);
    pdessm_tape_destroy(&tape);
    return status;
}

static void a_model_does_only_its_task(void **state) {
    api *a = *state;
    pdessm_config c = api_config(PDESSM_MIXER_PDE);
    pdessm_model *m = make(a, &c);
    assert_ok(a, record(a, m, 1, API_SIDE));
    assert_refused(a, record(a, m, 0, API_SIDE), PDESSM_ERROR_ARGUMENT, "classify");
    pdessm_model_destroy(&m);
    c.task = PDESSM_TASK_CLASSIFY;
    m = make(a, &c);
    assert_ok(a, record(a, m, 0, API_SIDE));
    assert_ok(a, record(a, m, 0, 2 * API_SIDE));
    assert_refused(a, record(a, m, 1, API_SIDE), PDESSM_ERROR_ARGUMENT, "classifier");
    pdessm_model_destroy(&m);
}

static void a_free_filter_belongs_to_its_grid(void **state) {
    api *a = *state;
    for (int mixer = 0; mixer <= PDESSM_MIXER_CONV; mixer++) {
        const pdessm_config c = api_config((pdessm_mixer)mixer);
        pdessm_model *m = make(a, &c);
        assert_ok(a, record(a, m, 1, API_SIDE));
        if (mixer == PDESSM_MIXER_FILTER)
            assert_refused(a, record(a, m, 1, 2 * API_SIDE), PDESSM_ERROR_SHAPE, "token grid");
        else
            assert_ok(a, record(a, m, 1, 2 * API_SIDE));
        pdessm_model_destroy(&m);
    }
}

static void a_classifier_needs_less_memory_than_its_twin(void **state) {
    api *a = *state;
    pdessm_config c = api_config(PDESSM_MIXER_PDE);
    pdessm_memory_estimate train, sample, twin;
    assert_ok(a, pdessm_memory_to_train(a->ctx, &c, 4, &twin));
    c.task = PDESSM_TASK_CLASSIFY;
    assert_ok(a, pdessm_memory_to_train(a->ctx, &c, 4, &train));
    assert_ok(a, pdessm_memory_to_sample(a->ctx, &c, 4, &sample));
    assert_true(train.parameters < twin.parameters && train.total < twin.total);
    assert_true(sample.total < train.total && sample.flops > 0 && train.flops > 2 * sample.flops);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(absent_keys_mean_the_defaults),
        api_test(options_survive_a_file),
        api_test(absurd_options_are_refused),
        api_test(options_of_one_mixer_are_refused_with_another),
        api_test(what_is_left_out_has_no_parameters),
        api_test(attention_layers_stand_in_the_middle_of_their_parts),
        api_test(operators_begin_near_the_identity),
        api_test(groups_are_what_the_optimiser_expects),
        api_test(a_prior_is_where_training_begins),
        api_test(a_model_does_only_its_task),
        api_test(a_free_filter_belongs_to_its_grid),
        api_test(a_classifier_needs_less_memory_than_its_twin),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
