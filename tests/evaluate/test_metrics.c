/* SPDX-License-Identifier: MIT */
/* test_metrics.c: the metrics as functions of arrays: small cases by hand, products of rows against
 * their definition, cancelling, what is refused. tests/cli/test_eval.py has the distributions. */
#include "data_fixture.h"

#include <math.h>

#include <pdessm/evaluate.h>

#include "core/random.h"
#include "device/panels.h"
#include "evaluate/metrics.h"

#define assert_near(value, expected, tolerance)                                                    \
    do {                                                                                           \
        const double value_ = (value), expected_ = (expected);                                     \
        if (!(fabs(value_ - expected_) <= (tolerance)))                                            \
            fail_msg("%s is %.12g, expected %.12g", #value, value_, expected_);                    \
    } while (0)

static double number(int64_t i, int64_t k) {
    return pdessm_normal(7, PDESSM_RANDOM_CHECK, 0, (uint32_t)i, k);
}

/* ------------------------------------------------------------------ products of rows */

typedef struct grid {
    int64_t columns;
    double *value;
    int *times; /* how often each place was seen */
} grid;

static void keep(void *user, const pdessm_tile *t) {
    grid *g = user;
    for (int64_t r = 0; r < t->rows; r++)
        for (int64_t c = 0; c < t->columns; c++) {
            const int64_t at = (t->row + r) * g->columns + t->column + c;
            g->value[at] = t->value[r * t->stride + c];
            g->times[at]++;
        }
}

static pdessm_panels *make_panels(fixture *f, int64_t rows, int64_t columns, int64_t salt) {
    double *x = malloc((size_t)(rows * columns) * sizeof *x);
    pdessm_panels *panels = NULL;
    assert_non_null(x);
    for (int64_t i = 0; i < rows * columns; i++)
        x[i] = number(salt + i / columns, i % columns);
    const pdessm_matrix m = {
        .rows = rows, .columns = columns, .row_step = columns, .column_step = 1, .full = x};
    assert_ok(f, pdessm_panels_create(f->ctx, &m, &panels));
    free(x);
    return panels;
}

static void check_products(fixture *f, int64_t m, int64_t n, int64_t depth, pdessm_tile_kind kind,
                           int upper) {
    pdessm_panels *a = make_panels(f, m, depth, 0), *b = make_panels(f, n, depth, 1000);
    grid g = {n, calloc((size_t)(m * n), sizeof(double)), calloc((size_t)(m * n), sizeof(int))};
    const pdessm_watch nobody = {0};
    assert_non_null(g.value);
    assert_non_null(g.times);
    assert_ok(f, pdessm_panels_visit(f->ctx, a, b, kind, upper, keep, &g, &nobody));
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            if (upper && i > j && !g.times[i * n + j])
                continue;
            assert_int_equal(g.times[i * n + j], 1);
            for (int64_t k = 0; k < depth; k++) {
                double x = number(i, k), y = number(1000 + j, k);
                sum += kind == PDESSM_TILE_PRODUCTS ? x * y : (x - y) * (x - y);
            }
            assert_near(g.value[i * n + j], sum, 1e-11 * (double)depth);
        }
    free(g.value);
    free(g.times);
    pdessm_panels_destroy(&a);
    pdessm_panels_destroy(&b);
}

static void products_of_rows(void **state) {
    fixture *f = *state;
    const int64_t shapes[][3] = {
        {1, 1, 1}, {16, 16, 128}, {17, 3, 129}, {65, 300, 5}, {130, 257, 40}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int upper = 0; upper < 2; upper++) {
            const int64_t *d = shapes[s];
            check_products(f, d[0], d[1], d[2], PDESSM_TILE_PRODUCTS, upper);
            check_products(f, d[0], d[1], d[2], PDESSM_TILE_DISTANCES, upper);
        }
}

/* ------------------------------------------------------------------ by hand */

/* The covariance of {-1, 1} is 2 with count - 1; a variance of 8 beside it. */
static void frechet_in_one_dimension(void **state) {
    fixture *f = *state;
    const float x[] = {-2 + 3, 2 + 3}, r[] = {-1, 1};
    const pdessm_points samples = {2, 1, x}, reference = {2, 1, r};
    const pdessm_metric_options options = pdessm_metric_defaults();
    double d = 0;
    assert_ok(f, pdessm_metric_frechet(f->ctx, &samples, &reference, &options, &d));
    assert_near(d, 9 + (sqrt(8) - sqrt(2)) * (sqrt(8) - sqrt(2)), 1e-12);
}

/* On a line every direction is +-1, so this is the distance of quantiles: 0, 0, 3 against 1, 2
 * differ by 1 on [0, 1/2], by 2 on [1/2, 2/3], by 1 on [2/3, 1]. */
static void transport_between_unequal_counts(void **state) {
    fixture *f = *state;
    const float x[] = {3, 0, 0}, r[] = {2, 1};
    const pdessm_points samples = {3, 1, x}, reference = {2, 1, r};
    const pdessm_metric_options options = pdessm_metric_defaults();
    double d = 0;
    assert_ok(f, pdessm_metric_sliced_wasserstein(f->ctx, &samples, &reference, &options, &d));
    assert_near(d * d, 0.5 * 1 + 4.0 / 6 + 1.0 / 3, 1e-12);
    assert_ok(f, pdessm_metric_sliced_wasserstein(f->ctx, &reference, &samples, &options, &d));
    assert_near(d * d, 0.5 * 1 + 4.0 / 6 + 1.0 / 3, 1e-12);
}

/* With k = 1 the reference 0, 1, 10 reaches 1, 1, 9; the samples 0.5, 30, 31 reach 29.5, 1, 1. */
static void neighbours_on_a_line(void **state) {
    fixture *f = *state;
    const float x[] = {0.5f, 30, 31}, r[] = {0, 1, 10};
    const pdessm_points samples = {3, 1, x}, reference = {3, 1, r};
    pdessm_metric_options options = pdessm_metric_defaults();
    pdessm_pair_metrics found;
    options.neighbours = 1;
    assert_ok(f, pdessm_metric_pairs(f->ctx, &samples, &reference, &options, &found));
    assert_near(found.precision, 1.0 / 3, 0);
    assert_near(found.recall, 1, 0);
    assert_near(found.bandwidth, 9, 1e-12); /* of 1, 9, 10 */
    options.neighbours = 2;                 /* 0 and 1 reach 10 and 9, 10 reaches 10 */
    assert_ok(f, pdessm_metric_pairs(f->ctx, &reference, &samples, &options, &found));
    assert_near(found.precision, 1, 0);
    assert_near(found.recall, 1.0 / 3, 0);
}

/* Axes are eigenvectors; the lowest quarter is the first axis. */
static void recovery_along_an_axis(void **state) {
    fixture *f = *state;
    float x[16 * 4] = {0}, r[16 * 4] = {0};
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 4; k++) {
            r[i * 4 + k] = (float)(1 + k) * (i >> k & 1 ? 1.0f : -1.0f);
            x[i * 4 + k] = r[i * 4 + k] * (k == 0 ? 0.5f : 3.0f) + 7;
        }
    const pdessm_points samples = {16, 4, x}, reference = {16, 4, r};
    const pdessm_metric_options options = pdessm_metric_defaults();
    pdessm_recovery found;
    assert_ok(f,
              pdessm_metric_recovery(f->ctx, &reference, &samples, &reference, &options, &found));
    assert_int_equal(found.eigenvectors, 1);
    assert_near(found.ratio, 0.25, 1e-9);
    assert_near(found.median, 0.25, 1e-9);
}

/* ------------------------------------------------------------------ the whole */

enum { COUNT = 40, SIDE = 4 };

static void draw_images(float *ret, int64_t salt) {
    for (int64_t i = 0; i < COUNT * SIDE * SIDE; i++)
        ret[i] = (float)(0.3 * number(salt + i / (SIDE * SIDE), i % (SIDE * SIDE)));
}

typedef struct watched {
    int calls, stop_at;
    double last;
} watched;

static int look_on(void *user, double share) {
    watched *w = user;
    assert_true(share >= w->last && share <= 1);
    w->last = share;
    return ++w->calls == w->stop_at;
}

static void progress_and_cancelling(void **state) {
    fixture *f = *state;
    float x[COUNT * SIDE * SIDE], r[COUNT * SIDE * SIDE];
    watched w = {0};
    pdessm_metric_options options = pdessm_metric_defaults();
    pdessm_evaluation found = {0};
    draw_images(x, 0);
    draw_images(r, 500);
    const pdessm_image_set samples = {
        .count = COUNT, .channels = 1, .height = SIDE, .width = SIDE, .images = x};
    pdessm_image_set reference = samples;
    reference.images = r;
    options.progress = look_on;
    options.user = &w;
    assert_ok(f, pdessm_evaluate(f->ctx, &samples, &reference, &options, &found));
    assert_true(w.calls > 20);
    const int calls = w.calls;
    pdessm_evaluation_release(&found);
    for (int stop = 1; stop <= calls; stop += 5) {
        w = (watched){.stop_at = stop};
        assert_fails(f, pdessm_evaluate(f->ctx, &samples, &reference, &options, &found),
                     PDESSM_ERROR_CANCELLED, "interrupted");
        assert_int_equal(w.calls, stop);
        assert_null(found.spectrum);
    }
}

static void wrong_arguments(void **state) {
    fixture *f = *state;
    float x[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const pdessm_points four = {4, 3, x}, six = {6, 2, x}, one = {1, 3, x};
    pdessm_metric_options options = pdessm_metric_defaults();
    pdessm_pair_metrics pairs;
    double d;
    assert_fails(f, pdessm_metric_frechet(f->ctx, &four, &six, &options, &d), PDESSM_ERROR_SHAPE,
                 "3 numbers, reference of 2");
    assert_fails(f, pdessm_metric_frechet(f->ctx, &one, &four, &options, &d), PDESSM_ERROR_ARGUMENT,
                 "1 points, expected at least 2");
    assert_fails(f, pdessm_metric_pairs(f->ctx, &four, &four, &options, &pairs),
                 PDESSM_ERROR_ARGUMENT, "4 points, expected at least 6");
    options.neighbours = 0;
    assert_fails(f, pdessm_metric_pairs(f->ctx, &four, &four, &options, &pairs),
                 PDESSM_ERROR_ARGUMENT, "0 neighbours");
    x[7] = (float)NAN;
    assert_fails(f, pdessm_metric_sliced_wasserstein(f->ctx, &four, &four, &options, &d),
                 PDESSM_ERROR_NUMERIC, "number 1 of point 2 is not finite");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        data_test(products_of_rows),
        data_test(frechet_in_one_dimension),
        data_test(transport_between_unequal_counts),
        data_test(neighbours_on_a_line),
        data_test(recovery_along_an_axis),
        data_test(progress_and_cancelling),
        data_test(wrong_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
