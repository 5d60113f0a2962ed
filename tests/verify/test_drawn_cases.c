/* SPDX-License-Identifier: MIT */
/* test_drawn_cases.c: every operator draws calls that it accepts, of any seed and for any network,
 * the same ones each time; what is drawn reaches the ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "verify/verify.h"

enum { SEEDS = 200, MOST_NUMBERS = 1 << 16 };

/* The shapes of a case; fails where the operator refuses it. */
static void accept(pdessm_context *ctx, const pdessm_case *k, pdessm_shape *shape) {
    const char *letters = pdessm_op_get(k->op)->letters;
    if (pdessm_case_shapes(ctx, k, shape) != PDESSM_OK)
        fail_msg("seed %llu: %s", (unsigned long long)k->seed, pdessm_context_error(ctx));
    for (int i = 0; letters[i]; i++) {
        if (shape[i].rank == 0 && !pdessm_letter_is_optional(letters[i]))
            fail_msg("%s: operand %d is missing", pdessm_op_get(k->op)->name, i);
        for (int d = 0; d < shape[i].rank; d++)
            assert_true(shape[i].dims[d] >= 1);
    }
}

static void hostile_calls_are_accepted(void **state) {
    pdessm_shape shape[PDESSM_MAX_OPERANDS];
    for (int op = 0; op < PDESSM_OP_COUNT; op++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            pdessm_case k, again;
            if (!pdessm_op_get((pdessm_op)op)->descriptor->draw)
                fail_msg("%s draws no calls", pdessm_op_get((pdessm_op)op)->name);
            pdessm_case_draw((pdessm_op)op, NULL, seed, &k);
            pdessm_case_draw((pdessm_op)op, NULL, seed, &again);
            accept(*state, &k, shape);
            assert_string_equal(pdessm_case_describe(&k).text, pdessm_case_describe(&again).text);
            assert_true(k.condition >= 1 && k.step > 0 && k.period == 0);
        }
}

static void networks_of_any_size_are_accepted(void **state) {
    static const pdessm_case_size sizes[] = {
        {PDESSM_CASE_NETWORK, 64, 16, 16, 384, 1536}, {PDESSM_CASE_NETWORK, 1, 1, 1, 4, 1},
        {PDESSM_CASE_NETWORK, 3, 5, 7, 10, 6},        {PDESSM_CASE_NETWORK, 2, 1, 3, 64, 3},
        {PDESSM_CASE_NETWORK, 1, 128, 96, 768, 768},
    };
    pdessm_shape shape[PDESSM_MAX_OPERANDS];
    for (int op = 0; op < PDESSM_OP_COUNT; op++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            pdessm_case k, other;
            pdessm_case_draw((pdessm_op)op, &sizes[i], 1, &k);
            pdessm_case_draw((pdessm_op)op, &sizes[i], 2, &other);
            accept(*state, &k, shape);
            assert_true(shape[k.copied].rank > 0 && k.period > 0);
            assert_string_equal(pdessm_case_describe(&k).text, pdessm_case_describe(&other).text);
        }
}

static void extents_reach_the_ends(void **state) {
    (void)state;
    pdessm_case k = {.seed = 3};
    int seen[41] = {0}, beside_powers = 0, elsewhere = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t n = pdessm_draw_extent(&k, 0, 1, 40);
        assert_true(n >= 1 && n <= 40);
        seen[n]++;
    }
    for (int n = 1; n <= 40; n++)
        assert_true(seen[n] > 0);
    for (int n = 16; n <= 32; n *= 2) {
        beside_powers += seen[n - 1] + seen[n] + seen[n + 1];
        elsewhere += seen[n - 4] + seen[n - 3] + seen[n - 2];
    }
    assert_true(seen[1] > 100 && seen[40] > 100 && beside_powers > elsewhere + 50);
    k.kind = PDESSM_CASE_NETWORK;
    assert_int_equal(pdessm_draw_extent(&k, 77, 1, 40), 77);
}

/* What start, column and reverse promise (ops.h), for rings and for patterns drawn pair by pair. */
static void patterns_are_symmetric(void **state) {
    static int32_t start[512], column[MOST_NUMBERS], reverse[MOST_NUMBERS];
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        pdessm_case k;
        pdessm_case_draw(PDESSM_OP_spmm, NULL, seed, &k);
        const int64_t nodes = k.pattern.nodes, edges = k.operand[3].dims[0];
        assert_true(nodes + 1 <= 512 && edges <= MOST_NUMBERS);
        pdessm_case_numbers(&k, 2, nodes + 1, start);
        pdessm_case_numbers(&k, 3, edges, column);
        pdessm_case_numbers(&k, 4, edges, reverse);
        assert_true(start[0] == 0 && start[nodes] == edges);
        for (int32_t i = 0; i < nodes; i++)
            for (int32_t e = start[i]; e < start[i + 1]; e++) {
                const int32_t j = column[e], back = reverse[e];
                assert_true(j >= 0 && j < nodes && back >= start[j] && back < start[j + 1]);
                assert_true(column[back] == i && reverse[back] == e);
            }
    }
}

static void tolerance_follows_the_roundoff(void **state) {
    (void)state;
    const pdessm_case few = {.terms = 1, .condition = 1}, many = {.terms = 1000, .condition = 2};
    assert_true(pdessm_tolerance(&few, PDESSM_FORWARD, PDESSM_FLOAT_ROUNDOFF) == 32 * 0x1p-24);
    assert_true(pdessm_tolerance(&few, PDESSM_BACKWARD, PDESSM_FLOAT_ROUNDOFF) == 320 * 0x1p-24);
    assert_true(pdessm_tolerance(&many, PDESSM_FORWARD, PDESSM_FLOAT_ROUNDOFF) == 4e-5);
    assert_true(pdessm_tolerance(&many, PDESSM_BACKWARD, PDESSM_FLOAT_ROUNDOFF) == 4e-4);
    assert_true(pdessm_tolerance(&many, PDESSM_FORWARD, 0x1p-11) == 4e-5 * 0x1p13);
}

static int open_context(void **state) {
    return pdessm_context_create(NULL, (pdessm_context **)state) != PDESSM_OK;
}

static int close_context(void **state) {
    pdessm_context_destroy((pdessm_context **)state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_calls_are_accepted),
        cmocka_unit_test(networks_of_any_size_are_accepted),
        cmocka_unit_test(extents_reach_the_ends),
        cmocka_unit_test(patterns_are_symmetric),
        cmocka_unit_test(tolerance_follows_the_roundoff),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
