/* SPDX-License-Identifier: MIT */
/* test_maps.c: maps against their definitions in float64, and there and back. */
#include <complex.h>

#include "map_fixture.h"

/* ------------------------------------------------------------------ definitions */

/* Mean and covariance of one class, or of all (label < 0), by the definition. */
static void moments(const set *s, int label, double *mean, double *covariance) {
    int n = 0;
    memset(mean, 0, D * sizeof *mean);
    memset(covariance, 0, D * D * sizeof *covariance);
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; (label < 0 || s->labels[i] == label) && k < D; k++) {
            mean[k] += (double)s->images[i * D + k];
            n += k == 0;
        }
    for (int k = 0; k < D; k++)
        mean[k] /= n;
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; (label < 0 || s->labels[i] == label) && k < D; k++)
            for (int j = 0; j < D; j++)
                covariance[k * D + j] += ((double)s->images[i * D + k] - mean[k]) *
                                         ((double)s->images[i * D + j] - mean[j]) / n;
}

static double mean_eigenvalue(const double *matrix) {
    double trace = 0;
    for (int k = 0; k < D; k++)
        trace += matrix[k * D + k];
    return trace / D;
}

/* The matrix of a map that is affine: its images of the mean plus unit vectors. */
static void probe(fixture *f, pdessm_precondition *map, int label, const double *mean, double *w) {
    float x[D], y[D];
    const int32_t labels[1] = {label};
    for (int k = 0; k < D; k++) {
        for (int i = 0; i < D; i++)
            x[i] = (float)(mean[i] + (i == k));
        assert_ok(f, pdessm_precondition_apply(map, 1, SIDE, SIDE, labels, x, y));
        for (int i = 0; i < D; i++)
            w[i * D + k] = (double)y[i];
    }
}

/* W is symmetric and W Sigma W = I, which decides W but for signs of eigenvalues; their sum is
 * the trace, and W^2 = Sigma^-1 alone would allow a smaller one. */
static void check_whitening(const double *w, const double *sigma) {
    static double half[D * D];
    double worst = 0;
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++) {
            double sum = 0;
            for (int k = 0; k < D; k++)
                sum += w[i * D + k] * sigma[k * D + j];
            half[i * D + j] = sum;
            assert_true(fabs(w[i * D + j] - w[j * D + i]) < 1e-5 * (1 + fabs(w[i * D + i])));
        }
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++) {
            double sum = 0;
            for (int k = 0; k < D; k++)
                sum += half[i * D + k] * w[k * D + j];
            worst = fmax(worst, fabs(sum - (i == j)));
        }
    print_message("W Sigma W - I: %.1e\n", worst);
    assert_true(worst < 1e-4); /* float32 pixels times gains of up to 100 */
}

static void whitens(void **state) {
    fixture *f = *state;
    static double mean[D], own[D * D], pooled[D * D], w[D * D];
    set *s = open_set(f);
    pdessm_precondition *map = fitted(f, s, PDESSM_PRECONDITION_WHITEN, 0);
    const pdessm_precondition_info *info = pdessm_precondition_get_info(map);
    assert_int_equal(info->classes, CLASSES);
    for (int label = 0; label < CLASSES; label++) {
        memset(pooled, 0, sizeof pooled);
        for (int k = 0; k < CLASSES; k++) { /* classes of equal size */
            moments(s, k, mean, own);
            for (int i = 0; i < D * D; i++)
                pooled[i] += own[i] / CLASSES;
        }
        moments(s, label, mean, own);
        for (int i = 0; i < D * D; i++)
            own[i] = (1 - info->shrinkage) * own[i] + info->shrinkage * pooled[i];
        const double floor = info->epsilon * mean_eigenvalue(own);
        for (int k = 0; k < D; k++)
            own[k * D + k] += floor;
        probe(f, map, label, mean, w);
        check_whitening(w, own);
        double trace = 0;
        for (int k = 0; k < D; k++)
            trace += w[k * D + k];
        assert_true(trace > 0.5 * D / sqrt(mean_eigenvalue(own)));
    }
    pdessm_precondition_destroy(&map);
    close_set(s);
}

static void whitens_all_alike(void **state) {
    fixture *f = *state;
    static double mean[D], own[D * D], w[D * D];
    set *s = open_set(f);
    pdessm_precondition *map = fitted(f, s, PDESSM_PRECONDITION_WHITEN, 1);
    moments(s, -1, mean, own);
    const double floor = 1e-3 * mean_eigenvalue(own);
    for (int k = 0; k < D; k++)
        own[k * D + k] += floor;
    probe(f, map, -1, mean, w);
    check_whitening(w, own);
    pdessm_precondition_destroy(&map);
    close_set(s);
}

/* Mean power of wave (my, mx) of one channel of one class, around the class's mean. */
static double power(const float *images, int label, int channel, int my, int mx) {
    double complex mean[SIDE * SIDE] = {0};
    double sum = 0;
    int n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = label; i < COUNT; i += CLASSES) {
            double complex wave = 0;
            for (int p = 0; p < SIDE * SIDE; p++) {
                double x = (double)images[i * D + channel * SIDE * SIDE + p];
                if (!pass)
                    mean[p] += x / (COUNT / CLASSES);
                wave += (x - mean[p]) *
                        cexp(-2 * M_PI * I * (my * (p / SIDE) + mx * (p % SIDE)) / SIDE);
            }
            sum += pass ? creal(wave * conj(wave)) / (SIDE * SIDE) : 0;
            n += pass;
        }
    return sum / n;
}

static void evens_out_spectra(void **state) {
    fixture *f = *state;
    static float mapped[COUNT * D];
    set *s = open_set(f);
    pdessm_precondition *map = fitted(f, s, PDESSM_PRECONDITION_SPECTRAL, 0);
    assert_ok(f, pdessm_precondition_apply(map, COUNT, SIDE, SIDE, s->labels, s->images, mapped));
    for (int label = 0; label < CLASSES; label++)
        for (int c = 0; c < CHANNELS; c++) {
            double typical = 0;
            for (int k = 0; k < SIDE * SIDE; k++)
                typical += power(s->images, label, c, k / SIDE, k % SIDE) / (SIDE * SIDE);
            for (int k = 0; k < SIDE * SIDE; k++) {
                double before = power(s->images, label, c, k / SIDE, k % SIDE);
                double after = power(mapped, label, c, k / SIDE, k % SIDE);
                double gain = fmin(1 / (before + 1e-3 * typical), 30.0 * 30 / typical);
                assert_true(fabs(after - gain * before) < 1e-4 * (gain * before + 1e-2));
            }
        }
    pdessm_precondition_destroy(&map);
    close_set(s);
}

/* ------------------------------------------------------------------ there and back */

static void inverts(void **state) {
    fixture *f = *state;
    set *s = open_set(f);
    for (int kind = 0; kind < PDESSM_PRECONDITION_KINDS; kind++)
        for (int pooled = 0; pooled < 2; pooled++) {
            /* Steps of a fixed size, in float32, where the others invert exactly. */
            const double bound = kind == PDESSM_PRECONDITION_FLOW ? 1e-3 : 3e-6;
            double rms = 1, most = 1;
            if (pooled && kind == PDESSM_PRECONDITION_FLOW)
                continue;
            pdessm_precondition *map = fitted(f, s, (pdessm_precondition_kind)kind, pooled);
            assert_ok(f, pdessm_precondition_round_trip(map, s->data, 0, &rms, &most));
            print_message("%s: there and back %.1e (rms), %.1e (largest)\n",
                          pdessm_precondition_name((pdessm_precondition_kind)kind), rms, most);
            assert_true(most < bound && rms <= most && most > 0);
            pdessm_precondition_destroy(&map);
        }
    close_set(s);
}

/* Grids of both parities, larger and smaller than the fitted one. */
static void spectral_takes_any_size(void **state) {
    static const int sizes[][2] = {{9, 12}, {12, 7}, {4, 3}, {1, 5}, {6, 6}};
    fixture *f = *state;
    set *s = open_set(f);
    pdessm_precondition *map = fitted(f, s, PDESSM_PRECONDITION_SPECTRAL, 0);
    const int32_t labels[2] = {2, 0};
    float x[2 * CHANNELS * 144], y[2 * CHANNELS * 144];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int n = 2 * CHANNELS * sizes[i][0] * sizes[i][1];
        double moved = 0, worst = 0;
        memcpy(x, s->images, (size_t)n * sizeof *x);
        assert_ok(f, pdessm_precondition_apply(map, 2, sizes[i][0], sizes[i][1], labels, x, y));
        for (int k = 0; k < n; k++)
            moved = fmax(moved, fabs((double)x[k] - (double)y[k]));
        assert_ok(f, pdessm_precondition_invert(map, 2, sizes[i][0], sizes[i][1], labels, y, y));
        for (int k = 0; k < n; k++)
            worst = fmax(worst, fabs((double)x[k] - (double)y[k]));
        assert_true(worst < 1e-5 && moved > 0.1);
    }
    pdessm_precondition_destroy(&map);
    close_set(s);
}

/* All classes in one call, as the data has them, against each class by itself; the null class too
 * where there is one. */
static void labels_in_any_order(void **state) {
    fixture *f = *state;
    set *s = open_set(f);
    static float all[COUNT * D], one[D];
    for (int kind = 0; kind < PDESSM_PRECONDITION_KINDS; kind++) {
        pdessm_precondition *map = fitted(f, s, (pdessm_precondition_kind)kind, 0);
        int32_t labels[COUNT];
        double moved = 0;
        memcpy(labels, s->labels, sizeof labels);
        if (pdessm_precondition_get_info(map)->has_null)
            labels[79] = labels[100] = CLASSES;
        assert_ok(f, pdessm_precondition_apply(map, COUNT, SIDE, SIDE, labels, s->images, all));
        for (int i = 0; i < COUNT; i += 79) {
            const int32_t other = (labels[i] + 1) % CLASSES;
            const float *x = s->images + i * D;
            assert_ok(f, pdessm_precondition_apply(map, 1, SIDE, SIDE, &labels[i], x, one));
            for (int k = 0; k < D; k++)
                assert_float_equal(one[k], all[i * D + k], 1e-5);
            assert_ok(f, pdessm_precondition_apply(map, 1, SIDE, SIDE, &other, x, one));
            for (int k = 0; k < D; k++)
                moved = fmax(moved, fabs((double)one[k] - (double)all[i * D + k]));
        }
        assert_true(moved > 1e-4); /* so the labels do matter */
        pdessm_precondition_destroy(&map);
    }
    close_set(s);
}

static void equal_to_itself_alone(void **state) {
    fixture *f = *state;
    set *s = open_set(f);
    const pdessm_precondition_kind kinds[] = {PDESSM_PRECONDITION_WHITEN,
                                              PDESSM_PRECONDITION_SPECTRAL};
    pdessm_precondition *map[6];
    for (int i = 0; i < 6; i++) /* each kind twice, and for all classes together */
        map[i] = fitted(f, s, kinds[i / 3], i % 3 == 2);
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 6; k++)
            assert_int_equal(pdessm_precondition_equal(map[i], map[k]),
                             i == k || (i / 3 == k / 3 && i % 3 < 2 && k % 3 < 2));
    for (int i = 0; i < 6; i++)
        pdessm_precondition_destroy(&map[i]);
    close_set(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        data_test(whitens),
        data_test(whitens_all_alike),
        data_test(evens_out_spectra),
        data_test(inverts),
        data_test(spectral_takes_any_size),
        data_test(labels_in_any_order),
        data_test(equal_to_itself_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
