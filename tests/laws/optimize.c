/* SPDX-License-Identifier: MIT */
/* optimize.c: the built-in problems: a device and plain C agree, gradients are those of the values,
 * the drawn truth is as good as it is said to be, and a search finds it on either. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "optimize/problem.h"

enum { POINTS = 5, MOST = 64 };

static const char *const names[] = {
    "ackley",          "rastrigin", "griewank",   "levy",         "alpine1",
    "styblinski-tang", "schwefel",  "sparse-log", "sparse-ratio", "cdr"};
enum { NAMES = sizeof names / sizeof *names };

typedef struct fixture {
    pdessm_context *ctx;
    pdessm_device *device, *plain;
} fixture;

static int open_devices(void **state) {
    static fixture f;
    const char *name = getenv("PDESSM_TEST_DEVICE");
    if (pdessm_context_create(NULL, &f.ctx) != PDESSM_OK ||
        pdessm_device_open(f.ctx, name ? name : "cpu", &f.device) != PDESSM_OK ||
        pdessm_device_open(f.ctx, "cpu", &f.plain) != PDESSM_OK) {
        fprintf(stderr, "%s\n", f.ctx ? pdessm_context_error(f.ctx) : "out of memory");
        return -1;
    }
    *state = &f;
    return 0;
}

static int close_devices(void **state) {
    fixture *f = *state;
    pdessm_device_destroy(&f->device);
    pdessm_device_destroy(&f->plain);
    pdessm_context_destroy(&f->ctx);
    return 0;
}

static void ok(const fixture *f, pdessm_status status) {
    if (status != PDESSM_OK)
        fail_msg("%s", pdessm_context_error(f->ctx));
}

static pdessm_problem_options small(void) {
    pdessm_problem_options o = pdessm_problem_defaults();
    o.dimension = 12;
    o.measurements = 9;
    o.nonzeros = 3;
    o.grid = 16;
    o.seed = 4;
    return o;
}

static pdessm_problem *make(const fixture *f, pdessm_device *device, const char *name) {
    const pdessm_problem_options o = small();
    pdessm_problem *p = NULL;
    ok(f, pdessm_problem_create(device, name, &o, &p));
    return p;
}

static void values(const fixture *f, const pdessm_problem *p, int64_t n, const double *x, double *v,
                   double *g) {
    const pdessm_objective *o = pdessm_problem_objective(p);
    ok(f, o->evaluate(o->user, n, x, v, g));
}

/* POINTS random points of the box, one after the other. */
static void draw(const pdessm_problem *p, double *x) {
    const pdessm_objective *o = pdessm_problem_objective(p);
    for (int64_t i = 0; i < POINTS * o->dimension; i++) {
        const double share = pdessm_uniform(9, PDESSM_RANDOM_CHECK, 0, 0, i);
        const int64_t j = i % o->dimension;
        x[i] = (double)(float)(o->lower[j] + share * (o->upper[j] - o->lower[j]));
    }
}

static double largest(int64_t n, const double *x) {
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

static void device_and_plain_c_agree(void **state) {
    const fixture *f = *state;
    for (int i = 0; i < NAMES; i++) {
        pdessm_problem *a = make(f, f->device, names[i]), *b = make(f, f->plain, names[i]);
        double x[POINTS * MOST], v[2][POINTS], g[2][POINTS * MOST];
        const int64_t d = pdessm_problem_objective(a)->dimension;
        draw(a, x);
        values(f, a, POINTS, x, v[0], g[0]);
        values(f, b, POINTS, x, v[1], g[1]);
        for (int k = 0; k < POINTS; k++)
            assert_true(fabs(v[0][k] - v[1][k]) <= 2e-5 * largest(POINTS, v[1]));
        for (int64_t k = 0; k < POINTS * d; k++)
            assert_true(fabs(g[0][k] - g[1][k]) <= 2e-4 * largest(POINTS * d, g[1]));
        pdessm_problem_destroy(&a);
        pdessm_problem_destroy(&b);
    }
}

/* A batch is its points one by one; a point's gradient is that of its own value: a central
 * difference, whose steps are long for float32's sake, meets it to a few per cent of the largest.
 */
static void batches_and_gradients(void **state) {
    const fixture *f = *state;
    for (int i = 0; i < NAMES; i++) {
        pdessm_problem *p = make(f, f->device, names[i]);
        const pdessm_objective *o = pdessm_problem_objective(p);
        double x[POINTS * MOST], v[POINTS], g[POINTS * MOST], single, other[MOST];
        draw(p, x);
        values(f, p, POINTS, x, v, g);
        const double scale = largest(POINTS * o->dimension, g);
        for (int k = 0; k < POINTS; k++) {
            double *at = x + k * o->dimension;
            values(f, p, 1, at, &single, other);
            assert_true(fabs(single - v[k]) <= 2e-5 * (1 + fabs(v[k])));
            for (int64_t j = 0; j < o->dimension; j++) {
                const double h = 1e-4 * (o->upper[j] - o->lower[j]), here = at[j];
                double up, down;
                at[j] = here + h;
                values(f, p, 1, at, &up, NULL);
                at[j] = here - h;
                values(f, p, 1, at, &down, NULL);
                at[j] = here;
                if (fabs((up - down) / (2 * h) - g[k * o->dimension + j]) > 0.03 * scale)
                    fail_msg("%s: gradient %g, difference %g", names[i], g[k * o->dimension + j],
                             (up - down) / (2 * h));
            }
        }
        pdessm_problem_destroy(&p);
    }
}

static void truth_is_the_least(void **state) {
    const fixture *f = *state;
    for (int i = 0; i < NAMES; i++) {
        pdessm_problem *p = make(f, f->device, names[i]);
        double v;
        values(f, p, 1, p->truth, &v, NULL);
        const pdessm_problem_score score = pdessm_problem_judge(p, p->truth, v);
        assert_true(score.recovered && score.relative_error == 0 && score.shift_error == 0);
        if (strcmp(names[i], "cdr") == 0) /* 256 squares of noise: 5 standard deviations */
            assert_true(fabs(v / score.least_value - 1) < 5 * sqrt(2.0 / 256));
        else if (!strstr(names[i], "sparse"))
            assert_true(fabs(v) < 1e-3);
        else
            assert_true(score.support_f1 == 1);
        pdessm_problem_destroy(&p);
    }
}

/* A device rounds in its own way, so paths part; both end at the optimum. */
static void search_ends_at_the_truth(void **state) {
    const fixture *f = *state;
    pdessm_problem *p = make(f, f->device, "ackley");
    pdessm_optimize_options o = pdessm_optimize_defaults();
    pdessm_optimum r;
    double x[MOST];
    o.budget = 6000;
    pdessm_problem_start(p, 0, x);
    ok(f, pdessm_optimize(f->ctx, pdessm_problem_objective(p), PDESSM_OPTIMIZE_PGHO, &o, x, &r));
    assert_true(r.value < 1e-3);
    for (int j = 0; j < 12; j++)
        assert_true(fabs(x[j] - p->truth[j]) < 1e-3);
    pdessm_problem_destroy(&p);
}

static void wrong_options(void **state) {
    const fixture *f = *state;
    pdessm_problem_options o = small();
    pdessm_problem *p = NULL;
    assert_int_equal(pdessm_problem_create(f->device, "everest", &o, &p), PDESSM_ERROR_ARGUMENT);
    assert_non_null(strstr(pdessm_context_error(f->ctx), "styblinski-tang"));
    o.dimension = 0;
    assert_int_equal(pdessm_problem_create(f->device, "levy", &o, &p), PDESSM_ERROR_ARGUMENT);
    o = small();
    o.nonzeros = 13;
    assert_int_equal(pdessm_problem_create(f->device, "sparse-log", &o, &p), PDESSM_ERROR_ARGUMENT);
    o = small();
    o.shift = 0.6;
    assert_int_equal(pdessm_problem_create(f->device, "cdr", &o, &p), PDESSM_ERROR_ARGUMENT);
    assert_null(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_and_plain_c_agree),
        cmocka_unit_test(batches_and_gradients),
        cmocka_unit_test(truth_is_the_least),
        cmocka_unit_test(search_ends_at_the_truth),
        cmocka_unit_test(wrong_options),
    };
    return cmocka_run_group_tests(tests, open_devices, close_devices);
}
