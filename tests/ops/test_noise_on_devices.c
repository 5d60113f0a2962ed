/* SPDX-License-Identifier: MIT */
/* test_noise_on_devices.c: the counter-based noise: the generator's published answers, its moments,
 * and the same numbers on every device and in every batch. */
#include "api.h"

#include "core/random.h"
#include "ops/calls.h"

static const uint64_t SEED = 0x123456789abcdef0u;

/* Known answers of philox4x32-10 that its authors publish with Random123. */
static void philox_known_answers(void **state) {
    static const struct {
        uint32_t counter[4], key[2], expected[4];
    } answers[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        uint32_t c[4];
        memcpy(c, answers[i].counter, sizeof c);
        pdessm_philox_rounds(c, answers[i].key[0], answers[i].key[1]);
        assert_memory_equal(c, answers[i].expected, sizeof c);
    }
}

static float *normals(api *a, pdessm_purpose purpose, int64_t step, int64_t first, int64_t batch,
                      int64_t elements) {
    const int64_t dims[] = {batch, elements};
    pdessm_tensor *t = NULL;
    float *values = malloc((size_t)(batch * elements) * sizeof *values);
    assert_non_null(values);
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 2, dims, &t));
    assert_ok(a, pdessm_call_normal(a->device, SEED, purpose, step, first, t));
    assert_ok(a, pdessm_tensor_read(t, values));
    pdessm_tensor_destroy(&t);
    return values;
}

/* Against the generator in double, which is the same on every machine. */
static void devices_agree_with_double(void **state) {
    api *a = *state;
    enum { BATCH = 5, ELEMENTS = 1003 };
    float *values = normals(a, PDESSM_RANDOM_NOISE, 7, 3, BATCH, ELEMENTS);
    for (int b = 0; b < BATCH; b++)
        for (int e = 0; e < ELEMENTS; e++) {
            double expected = pdessm_normal(SEED, PDESSM_RANDOM_NOISE, 7, (uint32_t)(3 + b), e);
            double got = (double)values[b * ELEMENTS + e];
            if (!(fabs(got - expected) < 2e-6 * fmax(1, fabs(expected))))
                fail_msg("sample %d, element %d: %.9g, expected %.9g", 3 + b, e, got, expected);
        }
    free(values);
}

static void a_sample_does_not_depend_on_its_batch(void **state) {
    api *a = *state;
    enum { ELEMENTS = 777 };
    float *all = normals(a, PDESSM_RANDOM_SAMPLE, 0, 0, 6, ELEMENTS);
    float *some = normals(a, PDESSM_RANDOM_SAMPLE, 0, 4, 2, ELEMENTS);
    assert_memory_equal(all + 4 * ELEMENTS, some, 2 * ELEMENTS * sizeof *some);
    float *other = normals(a, PDESSM_RANDOM_SAMPLE, 1, 4, 2, ELEMENTS);
    assert_memory_not_equal(other, some, 2 * ELEMENTS * sizeof *some);
    free(other);
    other = normals(a, PDESSM_RANDOM_NOISE, 0, 4, 2, ELEMENTS);
    assert_memory_not_equal(other, some, 2 * ELEMENTS * sizeof *some);
    free(all);
    free(some);
    free(other);
}

/* Within five standard errors of a standard normal's moments; no neighbour resembles another. */
static void moments(void **state) {
    api *a = *state;
    enum { BATCH = 64, ELEMENTS = 16384 };
    const double n = (double)BATCH * ELEMENTS;
    double sum[5] = {0}, neighbour = 0, pair = 0, across = 0;
    float *v = normals(a, PDESSM_RANDOM_NOISE, 0, 0, BATCH, ELEMENTS);
    for (int i = 0; i < BATCH * ELEMENTS; i++) {
        double x = (double)v[i];
        for (int k = 1; k <= 4; k++)
            sum[k] += pow(x, k);
        neighbour += x * (double)v[(i + 1) % (BATCH * ELEMENTS)];
        pair += x * (double)v[i ^ 1] / 2;
        across += x * (double)v[(i + ELEMENTS) % (BATCH * ELEMENTS)];
    }
    free(v);
    static const double expected[] = {0, 0, 1, 0, 3}, variance[] = {0, 1, 2, 15, 96};
    for (int k = 1; k <= 4; k++) {
        double error = fabs(sum[k] / n - expected[k]) / sqrt(variance[k] / n);
        if (error > 5)
            fail_msg("moment %d is %.5f: %.1f standard errors off", k, sum[k] / n, error);
    }
    assert_true(fabs(neighbour / n) < 5 / sqrt(n));
    assert_true(fabs(2 * pair / n) < 5 * sqrt(2 / n));
    assert_true(fabs(across / n) < 5 / sqrt(n));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),
        api_test(devices_agree_with_double),
        api_test(a_sample_does_not_depend_on_its_batch),
        api_test(moments),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
