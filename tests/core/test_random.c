/* SPDX-License-Identifier: MIT */
/* test_random.c: Philox against Random123's known answers, and what is made of its words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/random.h"
#include "device/device.h"

/* The three lines of Random123's kat_vectors for philox4x32 with 10 rounds. */
static void known_answers(void **state) {
    (void)state;
    static const uint32_t counter[3][4] = {{0, 0, 0, 0},
                                           {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                                           {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    static const uint32_t key[3][2] = {{0, 0}, {0xffffffff, 0xffffffff}, {0xa4093822, 0x299f31d0}};
    static const uint32_t answer[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                          {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                          {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    for (int i = 0; i < 3; i++) {
        uint32_t c[4] = {counter[i][0], counter[i][1], counter[i][2], counter[i][3]};
        pdessm_philox_rounds(c, key[i][0], key[i][1]);
        assert_memory_equal(c, answer[i], sizeof c);
        uint64_t seed = (uint64_t)key[i][1] << 32 | key[i][0];
        pdessm_philox(seed, (pdessm_purpose)counter[i][0], counter[i][1], counter[i][2],
                      counter[i][3], c);
        assert_memory_equal(c, answer[i], sizeof c);
    }
}

static void streams_keep_apart(void **state) {
    (void)state;
    double base = pdessm_uniform(7, PDESSM_RANDOM_NOISE, 3, 2, 5);
    assert_true(base != pdessm_uniform(8, PDESSM_RANDOM_NOISE, 3, 2, 5));
    assert_true(base != pdessm_uniform(7, PDESSM_RANDOM_TIME, 3, 2, 5));
    assert_true(base != pdessm_uniform(7, PDESSM_RANDOM_NOISE, 4, 2, 5));
    assert_true(base != pdessm_uniform(7, PDESSM_RANDOM_NOISE, 3, 1, 5));
    assert_true(base != pdessm_uniform(7, PDESSM_RANDOM_NOISE, 3, 2, 4));
    assert_true(base == pdessm_uniform(7, PDESSM_RANDOM_NOISE, 3, 2, 5));
}

/* Means of n draws lie within 5 standard errors. */
static void moments(void **state) {
    (void)state;
    enum { N = 100000 };
    double u1 = 0, u2 = 0, z1 = 0, z2 = 0, z4 = 0;
    for (int64_t i = 0; i < N; i++) {
        double u = pdessm_uniform(1, PDESSM_RANDOM_CHECK, 0, 0, i) - 0.5;
        double z = pdessm_normal(1, PDESSM_RANDOM_CHECK, 1, 0, i);
        u1 += u / N;
        u2 += u * u / N;
        z1 += z / N;
        z2 += z * z / N;
        z4 += z * z * z * z / N;
    }
    assert_true(fabs(u1) < 5 * sqrt(1.0 / 12 / N) && fabs(u2 - 1.0 / 12) < 5 * sqrt(1.0 / 180 / N));
    assert_true(fabs(z1) < 5 * sqrt(1.0 / N) && fabs(z2 - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(z4 - 3) < 5 * sqrt(96.0 / N));
}

static void below_stays_below_and_reaches_all(void **state) {
    (void)state;
    int seen[7] = {0};
    for (int64_t i = 0; i < 7000; i++) {
        uint32_t k = pdessm_below(2, PDESSM_RANDOM_ORDER, 0, 0, i, 7);
        assert_true(k < 7);
        seen[k]++;
    }
    for (int k = 0; k < 7; k++) /* 1000 +- 5 standard deviations */
        assert_in_range(seen[k], 854, 1146);
    assert_int_equal(pdessm_below(2, PDESSM_RANDOM_ORDER, 0, 0, 0, 1), 0);
}

/* The operator's numbers are pdessm_normal's, wherever a batch begins. */
static void operator_agrees(void **state) {
    (void)state;
    enum { BATCH = 3, SIZE = 1030, FIRST = 40 };
    const int64_t dims[] = {BATCH, SIZE};
    float y[BATCH * SIZE];
    pdessm_context *ctx = NULL;
    pdessm_device *device = NULL;
    pdessm_tensor *tensor = NULL;
    assert_int_equal(pdessm_context_create(NULL, &ctx), PDESSM_OK);
    assert_int_equal(pdessm_device_open(ctx, "cpu", &device), PDESSM_OK);
    assert_int_equal(pdessm_tensor_create(device, PDESSM_FLOAT32, 2, dims, &tensor), PDESSM_OK);
    const pdessm_call call = {.op = PDESSM_OP_philox_normal,
                              .operand = {tensor},
                              .attribute = {5, 6, PDESSM_RANDOM_SAMPLE, 9, FIRST}};
    assert_int_equal(pdessm_dispatch(device, &call), PDESSM_OK);
    assert_int_equal(pdessm_tensor_read(tensor, y), PDESSM_OK);
    for (uint32_t b = 0; b < BATCH; b++)
        for (int64_t i = 0; i < SIZE; i++)
            assert_true(fabs((double)y[b * SIZE + i] - pdessm_normal((uint64_t)6 << 32 | 5,
                                                                     PDESSM_RANDOM_SAMPLE, 9,
                                                                     FIRST + b, i)) < 4e-6);
    pdessm_tensor_destroy(&tensor);
    pdessm_device_destroy(&device);
    pdessm_context_destroy(&ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),   cmocka_unit_test(streams_keep_apart),
        cmocka_unit_test(moments),         cmocka_unit_test(below_stays_below_and_reaches_all),
        cmocka_unit_test(operator_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
