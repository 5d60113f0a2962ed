/* SPDX-License-Identifier: MIT */
/* test_tuning.c: choices are stored, read back, and refused when their file is damaged. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#include "device/device.h"
#include "device/tuning.h"

enum { GEMM, OWN = 1, CBLAS = 2 }; /* as src/ops/linear.c numbers them */

typedef struct fixture {
    pdessm_context *ctx;
    pdessm_device *device;
    pdessm_tensor *x, *weight, *y;
    pdessm_call call;
    char folder[64];
    int warnings;
    char last[512];
} fixture;

static void listen(void *user, pdessm_log_level level, const char *text) {
    fixture *f = user;
    f->warnings += level == PDESSM_LOG_WARNING;
    snprintf(f->last, sizeof f->last, "%s", text);
}

static void open_device(fixture *f) {
    f->warnings = 0;
    assert_int_equal(pdessm_device_open(f->ctx, "cpu", &f->device), PDESSM_OK);
    const int64_t x[] = {30, 20}, weight[] = {40, 20}, y[] = {30, 40};
    pdessm_tensor_create(f->device, PDESSM_FLOAT32, 2, x, &f->x);
    pdessm_tensor_create(f->device, PDESSM_FLOAT32, 2, weight, &f->weight);
    pdessm_tensor_create(f->device, PDESSM_FLOAT32, 2, y, &f->y);
    f->call = (pdessm_call){.op = PDESSM_OP_linear, .operand = {f->x, f->weight, NULL, f->y}};
}

static void close_device(fixture *f) {
    pdessm_tensor_destroy(&f->x);
    pdessm_tensor_destroy(&f->weight);
    pdessm_tensor_destroy(&f->y);
    pdessm_device_destroy(&f->device);
}

static int setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/pdessm-tuning-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    setenv("PDESSM_CACHE_DIR", f->folder, 1);
    setenv("PDESSM_ISA", "base", 1);
    unsetenv("PDESSM_TUNING");
    unsetenv("PDESSM_GEMM");
    pdessm_context_options options = {.threads = 1, .log = listen, .log_user = f};
    pdessm_context_create(&options, &f->ctx);
    open_device(f);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    fixture *f = *state;
    int was_there;
    char tuning[128];
    pdessm_tuning_clear(f->device->tuning, &was_there);
    close_device(f);
    pdessm_context_destroy(&f->ctx);
    snprintf(tuning, sizeof tuning, "%s/tuning", f->folder);
    rmdir(tuning);
    rmdir(f->folder);
    free(f);
    return 0;
}

/* What the device would choose; with the other value as its standard, so that an answer shows where
 * it comes from. */
static int64_t chosen(fixture *f, int64_t standard) {
    struct pdessm_blas *some = (struct pdessm_blas *)f; /* only looked at for being there */
    pdessm_host host = {
        .blas = some, .blas_is_standard = standard == CBLAS, .tuning = f->device->host.tuning};
    pdessm_site site = {&f->call, NULL, &host, host.tuning};
    return pdessm_choose(&site, GEMM);
}

static void store(fixture *f, int64_t value) {
    assert_int_equal(pdessm_tuning_set(f->device->tuning, &f->call, GEMM, value, 1.5), PDESSM_OK);
    assert_int_equal(pdessm_tuning_save(f->device->tuning), PDESSM_OK);
}

static void reopen(fixture *f) {
    close_device(f);
    open_device(f);
}

static void test_round_trip(void **state) {
    fixture *f = *state;
    assert_int_equal(chosen(f, CBLAS), CBLAS);
    assert_int_equal(chosen(f, OWN), OWN);
    store(f, OWN);
    reopen(f);
    assert_int_equal(f->warnings, 0);
    assert_int_equal(pdessm_tuning_count(f->device->tuning), 1);
    const pdessm_tuned *e = pdessm_tuning_get(f->device->tuning, 0);
    assert_string_equal(pdessm_tuning_class_text(e->extent).text, "32x64x32");
    assert_true(e->gain == 1.5);
    assert_int_equal(chosen(f, CBLAS), OWN);
    f->call.pass = PDESSM_BACKWARD; /* another pass, another entry */
    assert_int_equal(chosen(f, CBLAS), CBLAS);
}

static void test_zero_removes(void **state) {
    fixture *f = *state;
    store(f, OWN);
    assert_int_equal(pdessm_tuning_set(f->device->tuning, &f->call, GEMM, 0, 1), PDESSM_OK);
    assert_int_equal(chosen(f, CBLAS), CBLAS);
    assert_int_equal(pdessm_tuning_count(f->device->tuning), 0);
}

/* A value that cannot be used here, for there is no CBLAS, gives way to the standard. */
static void test_inapplicable(void **state) {
    fixture *f = *state;
    store(f, CBLAS);
    pdessm_host host = {.tuning = f->device->tuning};
    pdessm_site site = {&f->call, NULL, &host, host.tuning};
    assert_int_equal(pdessm_choose(&site, GEMM), OWN);
}

static void test_environment(void **state) {
    fixture *f = *state;
    store(f, OWN);
    setenv("PDESSM_TUNING", "off", 1);
    reopen(f);
    assert_int_equal(chosen(f, CBLAS), CBLAS);
    unsetenv("PDESSM_TUNING");
    setenv("PDESSM_GEMM", "own", 1); /* stands above what was measured */
    reopen(f);
    assert_null(f->device->host.tuning);
    unsetenv("PDESSM_GEMM");
}

static void overwrite(const char *path, const char *text, long bytes) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, (size_t)bytes, file), bytes);
    fclose(file);
}

/* Every prefix of a good file, and the file with each byte changed, is a good file or a warning;
 * nothing of a damaged one is used. */
static void test_damage(void **state) {
    fixture *f = *state;
    char text[1024], path[512];
    store(f, OWN);
    snprintf(path, sizeof path, "%s", pdessm_tuning_path(f->device->tuning));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    long size = (long)fread(text, 1, sizeof text, file), damaged = 0;
    fclose(file);
    for (long cut = 0; cut < size; cut++, damaged++) {
        overwrite(path, text, cut);
        reopen(f);
        assert_int_equal(f->warnings, 1);
        assert_non_null(strstr(f->last, path));
        assert_int_equal(pdessm_tuning_count(f->device->tuning), 0);
    }
    assert_true(damaged > 80);
    for (long at = 0; at < size; at++) {
        char kept = text[at];
        text[at] = '#';
        overwrite(path, text, size);
        reopen(f);
        assert_int_equal(pdessm_tuning_count(f->device->tuning) + f->warnings, 1);
        text[at] = kept;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zero_removes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_inapplicable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
