/* SPDX-License-Identifier: MIT */
/* test_least_cost_pairs.c: pairings of least cost: against all permutations where they can be
 * tried, by the certificate of the prices where they cannot. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/random.h"
#include "numeric/assignment.h"

enum { LARGEST = 256 };

/* Costs of trial number `trial`: normal, or whole numbers below 4 so that most are equal. */
static void draw(uint32_t trial, int64_t n, int equal, double *cost) {
    for (int64_t i = 0; i < n * n; i++)
        cost[i] = equal ? (double)pdessm_below(3, PDESSM_RANDOM_CHECK, 1, trial, i, 4)
                        : 10 * pdessm_normal(3, PDESSM_RANDOM_CHECK, 0, trial, i);
}

/* The least cost over all ways to give rows row .. n - 1 the columns not taken yet. */
static double try_all(const double *cost, int64_t n, int64_t row, unsigned taken) {
    double best = row == n ? 0 : (double)INFINITY;
    for (int64_t j = 0; row < n && j < n; j++)
        if (!(taken >> j & 1))
            best = fmin(best, cost[row * n + j] + try_all(cost, n, row + 1, taken | 1u << j));
    return best;
}

/* The cost of the pairing, which has to use every column once. */
static double cost_of(const pdessm_assignment *a, const double *cost) {
    char used[LARGEST] = {0};
    double sum = 0;
    for (int64_t i = 0; i < a->n; i++) {
        int32_t j = a->column_of[i];
        assert_in_range(j, 0, a->n - 1);
        assert_int_equal(used[j], 0);
        used[j] = 1;
        sum += cost[i * a->n + j];
    }
    return sum;
}

/* Prices below every cost, whose sum is the pairing's cost: by duality no pairing is cheaper. */
static void check_certificate(const pdessm_assignment *a, const double *cost, double slack) {
    double bound = 0;
    for (int64_t i = 0; i < a->n; i++) {
        bound += a->row_price[i] + a->column_price[i];
        for (int64_t j = 0; j < a->n; j++)
            assert_true(a->row_price[i] + a->column_price[j] <= cost[i * a->n + j] + slack);
    }
    assert_true(fabs(bound - cost_of(a, cost)) <= slack * (double)a->n);
}

static pdessm_context *context(void) {
    pdessm_context *ctx = NULL;
    assert_int_equal(pdessm_context_create(NULL, &ctx), PDESSM_OK);
    return ctx;
}

static void small_ones_beat_every_permutation(void **state) {
    (void)state;
    pdessm_context *ctx = context();
    double cost[49];
    for (int64_t n = 1; n <= 7; n++) {
        pdessm_assignment *a = NULL;
        assert_int_equal(pdessm_assignment_create(ctx, n, &a), PDESSM_OK);
        for (uint32_t trial = 0; trial < 60; trial++) {
            draw(trial * 8 + (uint32_t)n, n, trial % 2, cost);
            pdessm_assignment_solve(a, cost);
            assert_true(fabs(cost_of(a, cost) - try_all(cost, n, 0, 0)) < 1e-12 * 100);
            check_certificate(a, cost, 1e-12 * 100);
        }
        pdessm_assignment_destroy(&a);
        assert_null(a);
    }
    pdessm_context_destroy(&ctx);
}

/* Squared distances of points, as the coupling of noise and images has them: a batch as in
 * training, and a larger one; the certificate proves them, a random pairing is worse. */
static void large_ones_carry_their_proof(void **state) {
    (void)state;
    pdessm_context *ctx = context();
    double *cost = malloc(sizeof *cost * LARGEST * LARGEST);
    assert_non_null(cost);
    for (int64_t n = 64; n <= LARGEST; n *= 4) {
        pdessm_assignment *a = NULL;
        assert_int_equal(pdessm_assignment_create(ctx, n, &a), PDESSM_OK);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) {
                double distance = 0;
                for (int64_t k = 0; k < 8; k++)
                    distance += pow(pdessm_normal(4, PDESSM_RANDOM_CHECK, 0, (uint32_t)i, k) -
                                        pdessm_uniform(4, PDESSM_RANDOM_CHECK, 1, (uint32_t)j, k),
                                    2);
                cost[i * n + j] = distance;
            }
        double identity = 0;
        for (int64_t i = 0; i < n; i++)
            identity += cost[i * n + i];
        pdessm_assignment_solve(a, cost);
        check_certificate(a, cost, 1e-11);
        assert_true(cost_of(a, cost) < 0.9 * identity);
        pdessm_assignment_destroy(&a);
    }
    free(cost);
    pdessm_context_destroy(&ctx);
}

/* A hidden permutation whose edges are free is found, from whatever was solved before. */
static void a_planted_pairing_is_found(void **state) {
    (void)state;
    enum { N = 97 };
    static double cost[N * N];
    pdessm_context *ctx = context();
    pdessm_assignment *a = NULL;
    assert_int_equal(pdessm_assignment_create(ctx, N, &a), PDESSM_OK);
    for (int64_t factor = 2; factor < 9; factor++) { /* N is prime: i -> factor i permutes */
        draw((uint32_t)factor, N, 1, cost);
        for (int64_t i = 0; i < N; i++)
            for (int64_t j = 0; j < N; j++)
                cost[i * N + j] += j == factor * i % N ? -4 : 0.5;
        pdessm_assignment_solve(a, cost);
        for (int64_t i = 0; i < N; i++)
            assert_int_equal(a->column_of[i], factor * i % N);
    }
    pdessm_assignment_destroy(&a);
    pdessm_context_destroy(&ctx);
}

static void sizes_are_checked(void **state) {
    (void)state;
    pdessm_context *ctx = context();
    pdessm_assignment *a = NULL;
    assert_int_equal(pdessm_assignment_create(ctx, 0, &a), PDESSM_ERROR_ARGUMENT);
    assert_int_equal(pdessm_assignment_create(ctx, 1 << 15, &a), PDESSM_ERROR_ARGUMENT);
    assert_null(a);
    pdessm_assignment_destroy(&a);
    pdessm_context_destroy(&ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_ones_beat_every_permutation),
        cmocka_unit_test(large_ones_carry_their_proof),
        cmocka_unit_test(a_planted_pairing_is_found),
        cmocka_unit_test(sizes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
