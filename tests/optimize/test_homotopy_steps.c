/* SPDX-License-Identifier: MIT */
/* test_homotopy_steps.c: what the homotopy does step by step, from a record of every cloud: where
 * it lies, how wide it is, where the next one goes, what the budget pays for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pdessm/optimize.h>

#include "one_thread.h"

enum { D = 3, N = 32, MOST = 80 };

typedef struct cloud {
    double y[N * D], f[N];
    double best[D];             /* of all points before it */
    double after[D];            /* the first point of a descent that follows it */
    int descends;               /* whether one does */
    int64_t spent;              /* once it has been evaluated */
    pdessm_optimize_report say; /* what the progress callback heard of it */
} cloud;

typedef struct record {
    cloud of[MOST];
    int clouds, told;
    int64_t spent;
    double least, best[D];
} record;

static const double lower[D] = {-4, -3, -5}, upper[D] = {4, 5, 3};

/* A wide bowl of valleys around (1, -1, 0.5), with its gradient. */
static double valleys(const double *x, double *g) {
    static const double place[D] = {1, -1, 0.5};
    double f = 0;
    for (int j = 0; j < D; j++) {
        const double t = x[j] - place[j];
        f += t * t + 1 - cos(4 * t);
        if (g)
            g[j] = 2 * t + 4 * sin(4 * t);
    }
    return f;
}

static pdessm_status evaluate(void *user, int64_t n, const double *x, double *values,
                              double *gradients) {
    record *r = user;
    for (int64_t i = 0; i < n; i++)
        values[i] = valleys(x + i * D, gradients ? gradients + i * D : NULL);
    r->spent += gradients ? 2 * n : n;
    if (n > 1) {
        cloud *c = &r->of[r->clouds++];
        assert_true(r->clouds <= MOST && n == N);
        memcpy(c->y, x, sizeof c->y);
        memcpy(c->f, values, sizeof c->f);
        memcpy(c->best, r->best, sizeof c->best);
        c->spent = r->spent;
    } else if (r->clouds > 0 && !r->of[r->clouds - 1].descends) {
        r->of[r->clouds - 1].descends = 1;
        memcpy(r->of[r->clouds - 1].after, x, D * sizeof *x);
    }
    for (int64_t i = 0; i < n; i++)
        if (values[i] < r->least) {
            r->least = values[i];
            memcpy(r->best, x + i * D, sizeof r->best);
        }
    return PDESSM_OK;
}

static int listen(void *user, const pdessm_optimize_report *report) {
    record *r = user;
    if (r->told < r->clouds)
        r->of[r->told++].say = *report;
    return 0;
}

/* Narrow clouds, which never meet the box: their mean is their centre, since pairs cancel. */
static pdessm_optimize_options narrow(record *r, int64_t budget) {
    pdessm_optimize_options o = pdessm_optimize_defaults();
    memset(r, 0, sizeof *r);
    r->least = INFINITY;
    o.budget = budget;
    o.samples = N;
    o.sigma0 = 0.1;
    o.progress = listen;
    o.user = r;
    return o;
}

static pdessm_optimum search(record *r, pdessm_optimize_method method,
                             const pdessm_optimize_options *o) {
    const pdessm_objective f = {
        .dimension = D, .lower = lower, .upper = upper, .evaluate = evaluate, .user = r};
    double x[D] = {-2, 3, -3};
    pdessm_optimum found;
    assert_int_equal(pdessm_optimize(ctx, &f, method, o, x, &found), PDESSM_OK);
    assert_int_equal(r->told, r->clouds);
    assert_int_equal(r->spent, found.function_evaluations + found.gradient_evaluations);
    return found;
}

/* sum w_i y_i for weights softmax(-f / lambda), or equal ones for an infinite lambda. */
static void weighted_mean(const cloud *c, double lambda, double *ret) {
    double sum = 0, least = INFINITY;
    memset(ret, 0, D * sizeof *ret);
    for (int i = 0; i < N; i++)
        least = fmin(least, c->f[i]);
    for (int i = 0; i < N; i++) {
        const double w = isfinite(lambda) ? exp((least - c->f[i]) / lambda) : 1;
        sum += w;
        for (int j = 0; j < D; j++)
            ret[j] += w * c->y[i * D + j];
    }
    for (int j = 0; j < D; j++)
        ret[j] /= sum;
}

static void expect_near(const double *a, const double *b) {
    for (int j = 0; j < D; j++)
        if (fabs(a[j] - b[j]) > 1e-9)
            fail_msg("coordinate %d: %.12g, expected %.12g", j, a[j], b[j]);
}

/* Each cloud lies around the weighted mean of the one before, as wide as its schedule says. */
static void test_clouds_follow_the_weighted_mean(void **state) {
    static record r;
    (void)state;
    pdessm_optimize_options o = narrow(&r, 20 * N);
    search(&r, PDESSM_OPTIMIZE_PGHO_FREE, &o);
    assert_int_equal(r.clouds, 20);
    for (int k = 0; k < r.clouds; k++) {
        const cloud *c = &r.of[k];
        const double share = 1 - k / 20.0, sigma = 0.1 * share * share;
        double centre[D], expected[D] = {-2, 3, -3}, squares = 0;
        weighted_mean(c, INFINITY, centre);
        if (k > 0)
            weighted_mean(&r.of[k - 1], r.of[k - 1].say.lambda, expected);
        expect_near(centre, expected);
        assert_true(fabs(c->say.sigma - sigma) < 1e-12);
        assert_true(c->say.effective >= 0.1 - 1e-6 && c->say.effective <= 0.5 + 1e-6);
        for (int i = 0; i < N * D; i++) /* half of the box is 4 along all axes */
            squares += pow((c->y[i] - centre[i % D]) / (4 * sigma), 2);
        /* chi^2 of N / 2 * D numbers, twice over: 5 standard deviations. */
        assert_true(fabs(squares / (N * D) - 1) < 5 * sqrt(2.0 / (N / 2 * D)));
    }
}

/* With lambda towards 0 the next cloud lies around the best sample. */
static void test_lambda_to_zero_follows_the_best_sample(void **state) {
    static record r;
    (void)state;
    pdessm_optimize_options o = narrow(&r, 20 * N);
    o.rule = PDESSM_LAMBDA_SCHEDULE;
    o.lambda0 = 1e-200;
    const pdessm_optimum found = search(&r, PDESSM_OPTIMIZE_PGHO_FREE, &o);
    assert_true(fabs(found.effective_mean - 1.0 / N) < 1e-12);
    for (int k = 1; k < r.clouds; k++) {
        const cloud *before = &r.of[k - 1];
        double centre[D];
        int best = 0;
        for (int i = 1; i < N; i++)
            best = before->f[i] < before->f[best] ? i : best;
        weighted_mean(&r.of[k], INFINITY, centre);
        expect_near(centre, before->y + (ptrdiff_t)best * D);
    }
}

/* 300 evaluations are two thirds of 150 for each of 3 unknowns: that share pays for clouds. */
static void test_the_budget_pays_for_clouds_and_descents(void **state) {
    static record r;
    (void)state;
    pdessm_optimize_options o = narrow(&r, 300);
    o.restarts = 0;
    search(&r, PDESSM_OPTIMIZE_PGHO, &o);
    assert_int_equal(r.clouds, 200 / N);
    assert_true(r.of[r.clouds - 1].descends);
    o = narrow(&r, N + 3); /* too few for a share, enough for one level */
    search(&r, PDESSM_OPTIMIZE_PGHO, &o);
    assert_int_equal(r.clouds, 1);
    o = narrow(&r, 20 * N);
    o.polish = 0.5;
    o.restarts = 0;
    const pdessm_optimum found = search(&r, PDESSM_OPTIMIZE_PGHO, &o);
    assert_int_equal(r.clouds, 10);
    assert_int_equal(found.ending, PDESSM_ENDED_CONVERGED);
}

/* Each further descent begins at the weighted mean of one cloud as wide as the first, around the
 * best point seen. */
static void test_restarts_begin_around_the_best_point(void **state) {
    static record r;
    (void)state;
    pdessm_optimize_options o = narrow(&r, 1500);
    o.polish = 0.9;
    o.restarts = 2;
    const pdessm_optimum found = search(&r, PDESSM_OPTIMIZE_PGHO, &o);
    assert_int_equal(r.clouds, 4 + 2);
    assert_int_equal(found.ending, PDESSM_ENDED_CONVERGED);
    for (int k = 4; k < 6; k++) {
        double centre[D], mean[D];
        weighted_mean(&r.of[k], INFINITY, centre);
        expect_near(centre, r.of[k].best);
        assert_true(r.of[k].descends && r.of[k].say.sigma == 0.1);
        weighted_mean(&r.of[k], r.of[k].say.lambda, mean);
        expect_near(r.of[k].after, mean);
    }
}

static void test_restarts_leave_a_side_valley(void **state) {
    static record r;
    (void)state;
    pdessm_optimize_options o = narrow(&r, 1500);
    o.polish = 0.9;
    o.sigma0 = 0.2;
    o.restarts = 0;
    const double once = search(&r, PDESSM_OPTIMIZE_PGHO, &o).value;
    o = narrow(&r, 1500);
    o.polish = 0.9;
    o.sigma0 = 0.2;
    const pdessm_optimum found = search(&r, PDESSM_OPTIMIZE_PGHO, &o);
    assert_int_equal(found.ending, PDESSM_ENDED_BUDGET);
    assert_true(r.clouds > 6 && 1500 - r.spent < N + 2);
    if (!(once > 1 && found.value < 1e-9)) /* the deepest valley has 0, those beside it 2.2 */
        fail_msg("%g after one descent, %g after all", once, found.value);
}

/* The effective size over time is the mean in each part of the budget of what was told. */
static void test_effective_size_over_time(void **state) {
    static record r;
    double sum[PDESSM_OPTIMIZE_PARTS] = {0}, count[PDESSM_OPTIMIZE_PARTS] = {0}, least = 1, all = 0;
    (void)state;
    pdessm_optimize_options o = narrow(&r, 2000);
    o.polish = 0.3;
    o.restarts = 1;
    const pdessm_optimum found = search(&r, PDESSM_OPTIMIZE_PGHO, &o);
    assert_int_equal(r.clouds, 1400 / N + 1);
    for (int k = 0; k < r.clouds; k++) {
        const int part = (int)((r.of[k].spent - 1) * PDESSM_OPTIMIZE_PARTS / 2000);
        sum[part] += r.of[k].say.effective;
        count[part]++;
        all += r.of[k].say.effective;
        least = fmin(least, r.of[k].say.effective);
    }
    for (int i = 0; i < PDESSM_OPTIMIZE_PARTS; i++)
        assert_true(fabs(found.effective[i] - (count[i] > 0 ? sum[i] / count[i] : 0)) < 1e-12);
    assert_true(fabs(found.effective_mean - all / r.clouds) < 1e-12);
    assert_true(found.effective_least == least && found.effective[0] > 0);
    assert_true(found.effective[PDESSM_OPTIMIZE_PARTS - 1] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clouds_follow_the_weighted_mean),
        cmocka_unit_test(test_lambda_to_zero_follows_the_best_sample),
        cmocka_unit_test(test_the_budget_pays_for_clouds_and_descents),
        cmocka_unit_test(test_restarts_begin_around_the_best_point),
        cmocka_unit_test(test_restarts_leave_a_side_valley),
        cmocka_unit_test(test_effective_size_over_time),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
