/* SPDX-License-Identifier: MIT */
/* test_eigen.c: eigenvectors of symmetric matrices, against what defines them. */
#include "data_fixture.h"

#include <math.h>

#include "core/random.h"
#include "numeric/eigen.h"

enum { MOST = 65 };

/* Normal entries, so that eigenvalues of both signs occur. */
static void draw(int n, double *a) {
    for (int i = 0; i < n; i++)
        for (int j = i; j < n; j++) {
            double x = pdessm_normal(11, PDESSM_RANDOM_CHECK, (uint32_t)n, (uint32_t)i, j);
            a[i * n + j] = a[j * n + i] = x;
        }
}

static double dot(const double *a, const double *b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* A v = l v, rows orthonormal, values ascending: to n eps |A|. */
static void defines(void **state) {
    fixture *f = *state;
    static const int sizes[] = {1, 2, 3, 17, MOST};
    static double a[MOST * MOST], v[MOST * MOST], l[MOST];
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        int n = sizes[k];
        draw(n, a);
        memcpy(v, a, sizeof *a * (size_t)(n * n));
        assert_int_equal(pdessm_symmetric_eigen(f->ctx, n, v, l), PDESSM_OK);
        double size = 2 * sqrt((double)n) + 2, bound = n * 1e-15 * size;
        for (int i = 0; i < n; i++) {
            assert_true(i == 0 || l[i] >= l[i - 1]);
            for (int j = 0; j < n; j++) {
                double av = dot(a + j * n, v + i * n, n);
                assert_true(fabs(av - l[i] * v[i * n + j]) < bound);
                assert_true(fabs(dot(v + i * n, v + j * n, n) - (i == j)) < bound);
            }
        }
    }
}

/* Only the upper triangle is read; a known answer with distinct rows, so that rows and columns
 * cannot be swapped unseen. */
static void known_answer(void **state) {
    fixture *f = *state;
    double a[4] = {2, 1, 1e9, 5}, l[2];
    double root = sqrt(13.0) / 2, low[2] = {3.5 - root, 3.5 + root};
    assert_int_equal(pdessm_symmetric_eigen(f->ctx, 2, a, l), PDESSM_OK);
    for (int i = 0; i < 2; i++) {
        assert_true(fabs(l[i] - low[i]) < 1e-14);
        assert_true(fabs(a[2 * i + 1] / a[2 * i] - (low[i] - 2)) < 1e-13);
    }
}

static void refusals(void **state) {
    fixture *f = *state;
    double a[4] = {1, NAN, NAN, 1}, l[2];
    assert_int_equal(pdessm_symmetric_eigen(f->ctx, 2, a, l), PDESSM_ERROR_NUMERIC);
    assert_non_null(strstr(pdessm_context_error(f->ctx), "not finite"));
    assert_int_equal(pdessm_symmetric_eigen(f->ctx, 0, a, l), PDESSM_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defines, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(known_answer, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(refusals, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
