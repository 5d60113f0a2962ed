/* SPDX-License-Identifier: MIT */
/* test_wrong_gemm.c: with a BLAS or CLBlast that computes wrong products, preloaded (wrong_gemm.c),
 * training gives what our own products give, and says once that the library is not used. */
#include "api.h"

enum { STEPS = 3 };

static float *train(api *a, int64_t *ret_count) {
    pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_train_options o = pdessm_train_defaults();
    pdessm_train_report report;
    pdessm_trainer *t = NULL;
    config.width = 96; /* products from 96 on are the wrong ones */
    config.heads = 3;
    o.batch = 8;
    o.warmup = 0;
    assert_ok(a, pdessm_trainer_create(a->device, a->data, &config, &o, &t));
    for (int i = 0; i < STEPS; i++)
        assert_ok(a, pdessm_trainer_step(t));
    assert_ok(a, pdessm_trainer_report(t, &report));
    assert_int_equal(report.bad_steps, 0);
    float *values = api_read_all(a->ctx, pdessm_trainer_model(t), 0, ret_count);
    pdessm_trainer_destroy(&t);
    return values;
}

static void wrong_products_are_not_used(void **state) {
    (void)state;
    api with = {0}, without = {0};
    int64_t n = 0;
    setenv("PDESSM_GEMM", api_on_cpu() ? "cblas" : "own", 1);
    setenv("PDESSM_CLBLAST", "on", 1);
    api_open(&with, 2);
    float *got = train(&with, &n);
    setenv("PDESSM_GEMM", "own", 1);
    setenv("PDESSM_CLBLAST", "off", 1);
    api_open(&without, 2);
    float *expected = train(&without, &n);
    print_message("%s", with.log);
    assert_memory_equal(got, expected, (size_t)n * sizeof *got);
    assert_int_equal(with.warnings, 1);
    assert_non_null(strstr(with.log, api_on_cpu() ? "wrong products" : "CLBlast computes a wrong"));
    assert_int_equal(without.warnings, 0);
    api_close(&with);
    api_close(&without);
    free(got);
    free(expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(wrong_products_are_not_used)};
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
