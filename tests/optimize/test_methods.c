/* SPDX-License-Identifier: MIT */
/* test_methods.c: the weighted cloud by its identities, every method by what it promises about
 * budget, box and failure. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "one_thread.h"
#include "optimize/cloud.h"
#include "optimize/search.h"

enum { D = 3, N = 400 };

static double normal(uint32_t stream, int64_t i) {
    return pdessm_normal(3, PDESSM_RANDOM_CHECK, stream, 0, i);
}

/* ------------------------------------------------------------------ the cloud */

/* f(y) = sum cos(3 y) + y^2/2, bumpy enough that weights matter. */
static double bumpy(const double *y, double *g) {
    double f = 0;
    for (int j = 0; j < D; j++) {
        f += cos(3 * y[j]) + 0.5 * y[j] * y[j];
        if (g)
            g[j] = -3 * sin(3 * y[j]) + y[j];
    }
    return f;
}

/* F of this very cloud: -lambda log mean exp(-f / lambda). */
static double soft_minimum(const double *x, double sigma, double lambda, const double *z) {
    double sum = 0;
    for (int i = 0; i < N; i++) {
        double y[D];
        for (int j = 0; j < D; j++)
            y[j] = x[j] + sigma * z[i * D + j];
        sum += exp(-bumpy(y, NULL) / lambda);
    }
    return -lambda * log(sum / N);
}

static void test_gradient_is_that_of_the_soft_minimum(void **state) {
    (void)state;
    const double x[D] = {0.3, -0.7, 1.1}, sigma = 0.4, lambda = 0.8, h = 1e-5;
    double z[N * D], y[D], f[N], g[N * D], w[N], mean[D];
    for (int i = 0; i < N * D; i++)
        z[i] = normal(0, i);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < D; j++)
            y[j] = x[j] + sigma * z[i * D + j];
        f[i] = bumpy(y, g + i * D);
    }
    assert_true(pdessm_cloud_weights(N, f, lambda, w) < 0.9 * N);
    pdessm_cloud_mean(N, D, w, g, mean);
    for (int j = 0; j < D; j++) {
        double up[D], down[D];
        memcpy(up, x, sizeof up);
        memcpy(down, x, sizeof down);
        up[j] += h;
        down[j] -= h;
        double slope =
            (soft_minimum(up, sigma, lambda, z) - soft_minimum(down, sigma, lambda, z)) / (2 * h);
        assert_true(fabs(mean[j] - slope) < 1e-8);
    }
}

/* f = a y^2 / 2 has F' = a x / (1 + a sigma^2 / lambda) in closed form; both forms of the gradient
 * meet it within 5 of their own standard errors, which 200,000 samples make small. */
static void test_both_forms_agree_with_a_closed_form(void **state) {
    (void)state;
    enum { MANY = 200000 };
    const double a = 3, x = 0.9, sigma = 0.5, lambda = 0.7;
    const double exact = a * x / (1 + a * sigma * sigma / lambda);
    double *f = malloc(MANY * sizeof *f), *w = malloc(MANY * sizeof *w);
    double with_gradient = 0, without = 0, error_with = 0, error_without = 0;
    assert_non_null(f);
    assert_non_null(w);
    for (int i = 0; i < MANY; i++) {
        double y = x + sigma * normal(1, i);
        f[i] = 0.5 * a * y * y;
    }
    pdessm_cloud_weights(MANY, f, lambda, w);
    for (int i = 0; i < MANY; i++) {
        const double z = normal(1, i), y = x + sigma * z;
        with_gradient += w[i] * a * y;
        without -= lambda / sigma * w[i] * z;
        error_with += w[i] * w[i] * (a * y - exact) * (a * y - exact);
        error_without += w[i] * w[i] * (lambda / sigma * z + exact) * (lambda / sigma * z + exact);
    }
    assert_true(fabs(with_gradient - exact) < 5 * sqrt(error_with));
    assert_true(fabs(without - exact) < 5 * sqrt(error_without));
    assert_true(5 * sqrt(error_with) < 0.05 * exact && 5 * sqrt(error_without) < 0.05 * exact);
    free(f);
    free(w);
}

static void test_weights_at_the_ends(void **state) {
    (void)state;
    const double values[5] = {3, 1, INFINITY, 2, 1.5};
    double w[5], rows[5] = {10, 20, 30, 40, 50}, mean;
    assert_true(fabs(pdessm_cloud_weights(5, values, INFINITY, w) - 4) < 1e-12);
    assert_true(w[2] == 0 && fabs(w[0] - 0.25) < 1e-15);
    assert_true(pdessm_cloud_weights(5, values, 0, w) == 1);
    pdessm_cloud_mean(5, 1, w, rows, &mean);
    assert_true(mean == 20);
    /* By hand: e^0, e^-1, e^-0.5 and e^-2 over their sum. */
    double sum = 1 + exp(-1) + exp(-0.5) + exp(-2);
    pdessm_cloud_weights(5, values, 1, w);
    assert_true(fabs(w[0] - exp(-2) / sum) < 1e-15 && fabs(w[4] - exp(-0.5) / sum) < 1e-15);
    assert_true(pdessm_cloud_weights(2, (double[]){INFINITY, INFINITY}, 1, w) == 0);
}

static void test_lambda_follows_the_effective_size(void **state) {
    (void)state;
    double values[64], w[64];
    for (int i = 0; i < 64; i++)
        values[i] = 1e3 * fabs(normal(2, i));
    for (double lambda = 1e-6; lambda < 1e9; lambda *= 100) {
        double found = pdessm_cloud_lambda(64, values, lambda, 6.4, 32, w);
        double size = pdessm_cloud_weights(64, values, found, w);
        assert_true(size > 6.4 * (1 - 1e-6) && size < 32 * (1 + 1e-6));
        if (found != lambda) /* moved no further than it must */
            assert_true(fabs(size - 6.4) < 1e-3 || fabs(size - 32) < 1e-3);
    }
    for (int i = 0; i < 64; i++)
        values[i] = 7; /* no lambda makes these differ */
    assert_true(isfinite(pdessm_cloud_lambda(64, values, 1, 6.4, 32, w)));
}

/* The numbers that a search draws: normal, and in pairs whose sum is exactly 0. */
static void test_cloud_is_unbiased(void **state) {
    (void)state;
    enum { ROWS = 4000 };
    static double z[ROWS * D];
    const pdessm_optimize_options options = pdessm_optimize_defaults();
    pdessm_search s = {.ctx = ctx, .options = &options, .d = D};
    pdessm_search_normal(&s, ROWS / 2, z);
    pdessm_cloud_antithetic(ROWS, D, z);
    for (int j = 0; j < D; j++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < ROWS / 2; i++) {
            sum += z[i * D + j] + z[(i + ROWS / 2) * D + j];
            squares += z[i * D + j] * z[i * D + j] / (ROWS / 2);
        }
        assert_true(sum == 0);
        /* z^2 has variance 2: 5 standard errors. */
        assert_true(fabs(squares - 1) < 5 * sqrt(2.0 / (ROWS / 2)));
    }
    double again[D];
    pdessm_search_normal(&s, 1, again);
    assert_true(again[0] != z[0]); /* a separate stream */
}

/* ------------------------------------------------------------------ methods */

typedef struct spy {
    int64_t values, gradients, outside;
    int nan_share; /* 0: none, 1: where x[0] < 0, 2: everywhere */
} spy;

static const double lower[D] = {-4, -3, -5}, upper[D] = {4, 5, 3};
/* Where f is least, off the centre. */
static const double place[D] = {1, -1, 0.5};

static pdessm_status evaluate(void *user, int64_t n, const double *x, double *values,
                              double *gradients) {
    spy *s = user;
    s->values += n;
    s->gradients += gradients ? n : 0;
    for (int64_t i = 0; i < n; i++) {
        double f = 0;
        for (int j = 0; j < D; j++) {
            const double t = x[i * D + j] - place[j];
            s->outside += x[i * D + j] < lower[j] || x[i * D + j] > upper[j];
            f += t * t + 1 - cos(4 * t);
            if (gradients)
                gradients[i * D + j] = 2 * t + 4 * sin(4 * t);
        }
        if (s->nan_share == 2 || (s->nan_share == 1 && x[i * D] < 0))
            f = NAN;
        values[i] = f;
    }
    return PDESSM_OK;
}

static pdessm_status search(spy *s, pdessm_optimize_method method,
                            const pdessm_optimize_options *options, double x[D],
                            pdessm_optimum *ret) {
    const pdessm_objective f = {
        .dimension = D, .lower = lower, .upper = upper, .evaluate = evaluate, .user = s};
    return pdessm_optimize(ctx, &f, method, options, x, ret);
}

static void test_methods_keep_their_promises(void **state) {
    (void)state;
    for (int m = 0; m < PDESSM_OPTIMIZE_COUNT; m++) {
        pdessm_optimize_options o = pdessm_optimize_defaults();
        double x[2][D] = {{3, 3, -4}, {3, 3, -4}}, at_x;
        pdessm_optimum r[2];
        o.budget = 3001;
        for (int k = 0; k < 2; k++) {
            spy s = {0}, again = {0};
            assert_int_equal(search(&s, (pdessm_optimize_method)m, &o, x[k], &r[k]), PDESSM_OK);
            assert_int_equal(s.values, r[k].function_evaluations);
            assert_int_equal(s.gradients, r[k].gradient_evaluations);
            assert_true(s.values + s.gradients <= o.budget);
            assert_int_equal(s.outside, 0);
            assert_true(evaluate(&again, 1, x[k], &at_x, NULL) == PDESSM_OK);
            assert_true(at_x == r[k].value); /* the point and the value belong together */
        }
        assert_memory_equal(x[0], x[1], sizeof x[0]);
        assert_memory_equal(&r[0].value, &r[1].value, sizeof r[0].value);
        const int global = m != PDESSM_OPTIMIZE_GD && m != PDESSM_OPTIMIZE_ADAM &&
                           m != PDESSM_OPTIMIZE_GH && m != PDESSM_OPTIMIZE_PGHO_GRADIENT &&
                           m != PDESSM_OPTIMIZE_CMAES;
        if (global && !(r[0].value < 1e-2))
            fail_msg("%s ends at %g", pdessm_optimize_name((pdessm_optimize_method)m), r[0].value);
    }
}

static void test_points_that_are_not_finite(void **state) {
    (void)state;
    for (int m = 0; m < PDESSM_OPTIMIZE_COUNT; m++) {
        const char *name = pdessm_optimize_name((pdessm_optimize_method)m);
        pdessm_optimize_options o = pdessm_optimize_defaults();
        double x[D] = {3, 3, -4}, y[D] = {3, 3, -4};
        pdessm_optimum r = {0};
        spy s = {.nan_share = 1}, all = {.nan_share = 2};
        o.budget = 3000;
        assert_int_equal(search(&s, (pdessm_optimize_method)m, &o, x, &r), PDESSM_OK);
        assert_true(isfinite(r.value) && x[0] >= 0);
        if (m == PDESSM_OPTIMIZE_PGHO && (r.not_finite == 0 || r.value > 1e-2))
            fail_msg("%s: %g with %d lost", name, r.value, (int)r.not_finite);
        assert_int_equal(search(&all, (pdessm_optimize_method)m, &o, y, &r), PDESSM_ERROR_NUMERIC);
        assert_int_equal(r.ending, PDESSM_ENDED_FAILED);
        assert_int_equal(r.not_finite, all.values);
        assert_true(isinf(r.value) && y[0] == 3);
    }
}

/* Equal weights are what lambda = infinity gives. */
static void test_lambda_to_infinity_is_the_classical_homotopy(void **state) {
    (void)state;
    for (int step = PDESSM_STEP_PLAIN; step <= PDESSM_STEP_ADAM; step++) {
        pdessm_optimize_options o = pdessm_optimize_defaults();
        double x[3][D] = {{3, 3, -4}, {3, 3, -4}, {3, 3, -4}};
        pdessm_optimum r;
        spy s = {0};
        o.budget = 2000;
        o.polish = 0; /* which would bring different paths to the same end */
        o.step = (pdessm_homotopy_step)step;
        assert_int_equal(search(&s, PDESSM_OPTIMIZE_GH, &o, x[0], &r), PDESSM_OK);
        o.rule = PDESSM_LAMBDA_SCHEDULE;
        assert_int_equal(search(&s, PDESSM_OPTIMIZE_PGHO_GRADIENT, &o, x[1], &r), PDESSM_OK);
        o.lambda0 = 1e200;
        assert_int_equal(search(&s, PDESSM_OPTIMIZE_PGHO_GRADIENT, &o, x[2], &r), PDESSM_OK);
        assert_true(r.effective_least == 1);
        assert_memory_equal(x[0], x[2], sizeof x[0]);
        assert_true(memcmp(x[0], x[1], sizeof x[0]) != 0);
    }
}

static int stop(void *user, const pdessm_optimize_report *report) {
    return report->function_evaluations >= *(int64_t *)user;
}

static void test_cancelling_keeps_the_best(void **state) {
    (void)state;
    for (int m = 0; m < PDESSM_OPTIMIZE_COUNT; m++) {
        pdessm_optimize_options o = pdessm_optimize_defaults();
        double x[D] = {3, 3, -4};
        int64_t after = 10;
        pdessm_optimum r = {0};
        spy s = {0};
        o.progress = stop;
        o.user = &after;
        assert_int_equal(search(&s, (pdessm_optimize_method)m, &o, x, &r), PDESSM_ERROR_CANCELLED);
        assert_int_equal(r.ending, PDESSM_ENDED_CANCELLED);
        assert_true(isfinite(r.value) && r.function_evaluations < o.budget / 2);
    }
}

static void test_bad_input(void **state) {
    (void)state;
    pdessm_optimize_options o = pdessm_optimize_defaults();
    double x[D] = {3, 3, -4}, outside[D] = {9, 0, 0};
    const double flipped[D] = {-5, 5, 3};
    pdessm_optimum r;
    pdessm_optimize_method method;
    spy s = {0};
    pdessm_objective f = {
        .dimension = D, .lower = lower, .upper = upper, .evaluate = evaluate, .user = &s};
    assert_int_equal(pdessm_optimize_find(ctx, "magic", &method), PDESSM_ERROR_ARGUMENT);
    assert_non_null(strstr(pdessm_context_error(ctx), "cmaes"));
    assert_int_equal(pdessm_optimize_find(ctx, "gh", &method), PDESSM_OK);
    assert_int_equal(method, PDESSM_OPTIMIZE_GH);
    assert_int_equal(pdessm_optimize(ctx, &f, method, &o, outside, &r), PDESSM_ERROR_ARGUMENT);
    f.dimension = 0;
    assert_int_equal(pdessm_optimize(ctx, &f, method, &o, x, &r), PDESSM_ERROR_ARGUMENT);
    f.dimension = D;
    f.upper = flipped;
    assert_int_equal(pdessm_optimize(ctx, &f, method, &o, x, &r), PDESSM_ERROR_ARGUMENT);
    assert_non_null(strstr(pdessm_context_error(ctx), "box is empty"));
    f.upper = upper;
    f.values_only = 1;
    assert_int_equal(pdessm_optimize(ctx, &f, method, &o, x, &r), PDESSM_ERROR_ARGUMENT);
    assert_int_equal(pdessm_optimize(ctx, &f, PDESSM_OPTIMIZE_PGHO, &o, x, &r),
                     PDESSM_ERROR_ARGUMENT);
    assert_int_equal(pdessm_optimize(ctx, &f, PDESSM_OPTIMIZE_PGHO_FREE, &o, x, &r), PDESSM_OK);
    o.budget = 100; /* less than a cloud of this size */
    o.samples = 1000;
    assert_int_equal(pdessm_optimize(ctx, &f, PDESSM_OPTIMIZE_PGHO_FREE, &o, x, &r),
                     PDESSM_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient_is_that_of_the_soft_minimum),
        cmocka_unit_test(test_both_forms_agree_with_a_closed_form),
        cmocka_unit_test(test_weights_at_the_ends),
        cmocka_unit_test(test_lambda_follows_the_effective_size),
        cmocka_unit_test(test_cloud_is_unbiased),
        cmocka_unit_test(test_methods_keep_their_promises),
        cmocka_unit_test(test_points_that_are_not_finite),
        cmocka_unit_test(test_lambda_to_infinity_is_the_classical_homotopy),
        cmocka_unit_test(test_cancelling_keeps_the_best),
        cmocka_unit_test(test_bad_input),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
