/* SPDX-License-Identifier: MIT */
/* test_lbfgs_cmaes.c: L-BFGS and CMA-ES by known least values, L-BFGS also at the sides of the box.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pdessm/optimize.h>

#include "one_thread.h"

/* Rosenbrock's valley, and by every further coordinate 50 (x - 3)^2. */
static pdessm_status valley(void *user, int64_t n, const double *x, double *values,
                            double *gradients) {
    const int64_t d = *(const int64_t *)user;
    for (int64_t i = 0; i < n; i++, x += d) {
        const double a = x[0], b = x[1], t = b - a * a;
        values[i] = 100 * t * t + (1 - a) * (1 - a);
        if (gradients) {
            gradients[i * d] = -400 * a * t - 2 * (1 - a);
            gradients[i * d + 1] = 200 * t;
        }
        for (int64_t j = 2; j < d; j++) {
            values[i] += 50 * (x[j] - 3) * (x[j] - 3);
            if (gradients)
                gradients[i * d + j] = 100 * (x[j] - 3);
        }
    }
    return PDESSM_OK;
}

static pdessm_optimum search(pdessm_optimize_method method, int64_t d, double side, int64_t budget,
                             double *x) {
    const double low[4] = {-side, -side, -side, -side}, high[4] = {side, side, side, side};
    const pdessm_objective f = {
        .dimension = d, .lower = low, .upper = high, .evaluate = valley, .user = &d};
    pdessm_optimize_options o = pdessm_optimize_defaults();
    pdessm_optimum r;
    o.budget = budget;
    assert_int_equal(pdessm_optimize(ctx, &f, method, &o, x, &r), PDESSM_OK);
    return r;
}

/* SciPy 1.x needs 46 values with gradients from here. */
static void test_lbfgs_walks_the_valley(void **state) {
    double x[2] = {-1.2, 1};
    (void)state;
    const pdessm_optimum r = search(PDESSM_OPTIMIZE_LBFGS, 2, 5, 160, x);
    assert_true(r.value < 1e-14 && fabs(x[0] - 1) < 1e-6 && fabs(x[1] - 1) < 1e-6);
}

/* Two coordinates end at a side of the box; the walk along it is as short as without them. */
static void test_lbfgs_walks_along_a_side(void **state) {
    double x[4] = {-1.2, 1, 0, -1};
    (void)state;
    const pdessm_optimum r = search(PDESSM_OPTIMIZE_LBFGS, 4, 1.5, 200, x);
    assert_true(x[2] == 1.5 && x[3] == 1.5);
    if (!(r.value - 225 < 1e-9 && fabs(x[0] - 1) < 1e-5 && fabs(x[1] - 1) < 1e-5))
        fail_msg("%.12g at %g %g", r.value, x[0], x[1]);
}

/* Where all coordinates are held there is nothing to do. */
static void test_lbfgs_ends_in_a_corner(void **state) {
    double x[4] = {0.1, 0.1, 0.3, 0.3};
    const double low[2] = {0, 0}, high[2] = {0.5, 0.25};
    int64_t d = 2;
    const pdessm_objective f = {
        .dimension = 2, .lower = low, .upper = high, .evaluate = valley, .user = &d};
    pdessm_optimize_options o = pdessm_optimize_defaults();
    pdessm_optimum r;
    (void)state;
    o.budget = 100;
    assert_int_equal(pdessm_optimize(ctx, &f, PDESSM_OPTIMIZE_LBFGS, &o, x, &r), PDESSM_OK);
    assert_true(fabs(x[0] - 0.5) < 1e-7 && fabs(x[1] - 0.25) < 1e-7); /* its least value: 1/4 */
    assert_true(fabs(r.value - 0.25) < 1e-10);
}

static void test_cmaes_walks_the_valley(void **state) {
    double x[2] = {-1.2, 1};
    (void)state;
    const pdessm_optimum r = search(PDESSM_OPTIMIZE_CMAES, 2, 5, 3000, x);
    assert_true(r.value < 1e-10);
    assert_int_equal(r.ending, PDESSM_ENDED_CONVERGED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lbfgs_walks_the_valley),
        cmocka_unit_test(test_lbfgs_walks_along_a_side),
        cmocka_unit_test(test_lbfgs_ends_in_a_corner),
        cmocka_unit_test(test_cmaes_walks_the_valley),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
