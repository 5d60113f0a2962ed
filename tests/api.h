/* SPDX-License-Identifier: MIT */
/* api.h: what the tests of the library's interface share: a context that keeps its messages, the
 * device that PDESSM_TEST_DEVICE names (plain C if none), a folder, a small network, some images.
 * It includes public headers only; what has to look behind them is done in api.c. */
#ifndef PDESSM_TESTS_API_H
#define PDESSM_TESTS_API_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <pdessm/fit.h>
#include <pdessm/pdessm.h>
#include <pdessm/train.h>

enum { API_SIDE = 8, API_IMAGES = 24 };

typedef struct api {
    pdessm_context *ctx;
    pdessm_device *device;
    pdessm_dataset *data;
    char folder[64];
    char log[8192]; /* all warnings, one a line */
    int warnings;
} api;

/* Removes a folder and all that it holds. */
pdessm_status api_remove_tree(pdessm_context *ctx, const char *path);

static inline void api_keep_warning(void *user, pdessm_log_level level, const char *text) {
    api *a = user;
    size_t used = strlen(a->log);
    if (level != PDESSM_LOG_WARNING)
        return;
    a->warnings++;
    snprintf(a->log + used, sizeof a->log - used, "%s\n", text);
}

#define assert_ok(a, call)                                                                         \
    do {                                                                                           \
        pdessm_status status_ = (call);                                                            \
        if (status_ != PDESSM_OK)                                                                  \
            fail_msg("%s: %s: %s", #call, pdessm_status_text(status_),                             \
                     pdessm_context_error((a)->ctx));                                              \
    } while (0)

/* The call fails that way, with a message of one line that holds `text`. */
#define assert_refused(a, call, code, text)                                                        \
    do {                                                                                           \
        assert_int_equal((call), (code));                                                          \
        const char *message_ = pdessm_context_error((a)->ctx);                                     \
        if (!strstr(message_, (text)) || strchr(message_, '\n'))                                   \
            fail_msg("message \"%s\" lacks \"%s\" or has two lines", message_, (text));            \
    } while (0)

static inline const char *api_device_name(void) {
    const char *name = getenv("PDESSM_TEST_DEVICE");
    return name && *name ? name : "cpu";
}

static inline int api_on_cpu(void) {
    return strcmp(api_device_name(), "cpu") == 0;
}

static inline void api_open(api *a, int threads) {
    const pdessm_context_options options = {
        .threads = threads, .log = api_keep_warning, .log_user = a};
    const pdessm_dataset_options images = {
        .height = API_SIDE, .width = API_SIDE, .channels = 3, .limit = API_IMAGES, .seed = 5};
    assert_int_equal(pdessm_context_create(&options, &a->ctx), PDESSM_OK);
    assert_ok(a, pdessm_device_open(a->ctx, api_device_name(), &a->device));
    assert_ok(a, pdessm_dataset_open(a->ctx, "shapes", &images, &a->data));
}

static inline void api_close(api *a) {
    pdessm_dataset_destroy(&a->data);
    pdessm_device_destroy(&a->device);
    pdessm_context_destroy(&a->ctx);
}

static inline int api_setup(void **state) {
    api *a = calloc(1, sizeof *a);
    if (!a)
        return 1;
    *state = a;
    snprintf(a->folder, sizeof a->folder, "/tmp/pdessm-api-XXXXXX");
    if (!mkdtemp(a->folder))
        return 1;
    api_open(a, 2);
    return 0;
}

static inline int api_teardown(void **state) {
    api *a = *state;
    pdessm_status status = api_remove_tree(a->ctx, a->folder);
    api_close(a);
    free(a);
    return status != PDESSM_OK;
}

#define api_test(name) cmocka_unit_test_setup_teardown(name, api_setup, api_teardown)

/* ------------------------------------------------------------------ models */

static inline pdessm_config api_config(pdessm_mixer mixer) {
    return (pdessm_config){.mixer = mixer,
                           .width = 16,
                           .depth = 2,
                           .heads = 2,
                           .patch = 2,
                           .expand = 1,
                           .states = 3,
                           .image_size = {API_SIDE, API_SIDE},
                           .channels = 3,
                           .num_classes = 10,
                           .b_max = 0.25};
}

/* Every parameter away from its start, so that no gradient is zero only because a layer begins at
 * zero: matrices of deviation about 1/2 sqrt(inputs), the rest moved by 0.2. */
void api_perturb(pdessm_context *ctx, pdessm_model *model, uint64_t seed);

/* Normal numbers, others for each stream. */
void api_fill(api *a, pdessm_tensor *t, uint32_t stream);

/* One parameter by its name, which has to exist; released with free(). */
float *api_parameter(api *a, pdessm_model *model, const char *name, int64_t *ret_count);
void api_set_parameter(api *a, pdessm_model *model, const char *name, const float *values);

/* All parameters (gradients != 0: their gradients) one after the other; released with free(). */
float *api_read_all(pdessm_context *ctx, pdessm_model *model, int gradients, int64_t *ret_count);

/* A small trainer, with weights that no gradient is zero for. */
static inline pdessm_trainer *api_begin(api *a, pdessm_mixer mixer, const pdessm_train_options *o) {
    pdessm_config config = api_config(mixer);
    pdessm_trainer *t = NULL;
    config.depth = 1;
    config.states = 2;
    assert_ok(a, pdessm_trainer_create(a->device, a->data, &config, o, &t));
    api_perturb(a->ctx, pdessm_trainer_model(t), 3);
    return t;
}

/* Of two fresh trainers of one kind, one takes 9 steps, the other 4, a break and 5 more: the same
 * weights, to the last bit. Destroys both. */
static inline void api_assert_resumes(api *a, pdessm_trainer *whole, pdessm_trainer *broken,
                                      const pdessm_train_options *options) {
    char *newest = NULL;
    int64_t n = 0;
    for (int i = 0; i < 9; i++)
        assert_ok(a, pdessm_trainer_step(whole));
    for (int i = 0; i < 4; i++)
        assert_ok(a, pdessm_trainer_step(broken));
    assert_ok(a, pdessm_trainer_save(broken, a->folder, 0));
    pdessm_trainer_destroy(&broken);
    assert_ok(a, pdessm_checkpoint_newest(a->ctx, a->folder, &newest));
    assert_ok(a, pdessm_trainer_resume(a->device, a->data, newest, options, &broken));
    free(newest);
    for (int i = 0; i < 5; i++)
        assert_ok(a, pdessm_trainer_step(broken));
    float *expected = api_read_all(a->ctx, pdessm_trainer_model(whole), 0, &n);
    float *got = api_read_all(a->ctx, pdessm_trainer_model(broken), 0, &n);
    assert_memory_equal(expected, got, (size_t)n * sizeof *got);
    free(expected);
    free(got);
    pdessm_trainer_destroy(&whole);
    pdessm_trainer_destroy(&broken);
}

/* ------------------------------------------------------------------ files */

/* A whole file; released with free(). */
static inline char *api_read_file(const char *path, size_t *ret_size) {
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is missing", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *ret_size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*ret_size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *ret_size, file), *ret_size);
    fclose(file);
    return bytes;
}

/* Both folders hold the same checkpoint, to the last bit of model, average and moments. */
static inline void api_assert_same_checkpoint(const char *one, const char *other, int step) {
    static const char *const names[] = {"model", "ema", "optimizer"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[2][256];
        size_t size[2];
        snprintf(path[0], sizeof path[0], "%s/step-%08d/%s.safetensors", one, step, names[i]);
        snprintf(path[1], sizeof path[1], "%s/step-%08d/%s.safetensors", other, step, names[i]);
        char *bytes[2] = {api_read_file(path[0], &size[0]), api_read_file(path[1], &size[1])};
        if (size[0] != size[1] || memcmp(bytes[0], bytes[1], size[0]) != 0)
            fail_msg("%s and %s differ", path[0], path[1]);
        free(bytes[0]);
        free(bytes[1]);
    }
}

/* ------------------------------------------------------------------ numbers */

/* max |a - b| / max |b|; infinite when a holds something that is not a number. */
static inline double api_distance(const float *a, const float *b, int64_t n) {
    double worst = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        if (!(d <= worst))
            worst = isfinite(d) ? d : (double)INFINITY;
        largest = fmax(largest, fabs((double)b[i]));
    }
    return worst / fmax(largest, 1e-30);
}

#define assert_close(a, b, n, tolerance)                                                           \
    do {                                                                                           \
        double distance_ = api_distance((a), (b), (n));                                            \
        if (!(distance_ <= (tolerance)))                                                           \
            fail_msg("%s and %s differ by %.3g of the largest, allowed %.3g", #a, #b, distance_,   \
                     (double)(tolerance));                                                         \
    } while (0)

#endif
