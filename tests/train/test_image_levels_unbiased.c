/* SPDX-License-Identifier: MIT */
/* test_image_levels_unbiased.c: the mean of the multiscale gradient estimator is the gradient at
 * full resolution, by a statistical test that a wrong estimator fails. */
#include "api.h"

#include "core/random.h"
#include "train/trainer.h"

/* One along which full and coarse gradients differ most, the others at random. */
enum { DIRECTIONS = 6 };

typedef struct moments {
    double mean[DIRECTIONS], error[DIRECTIONS]; /* standard error of the mean */
} moments;

static pdessm_train_options at(pdessm_resolution resolution, int batch, uint64_t seed) {
    pdessm_train_options o = pdessm_train_defaults();
    o.resolution = resolution;
    o.levels = resolution == PDESSM_RESOLUTION_FULL ? 1 : 2;
    o.level_steps[1] = 1000; /* coarse-to-fine: coarse alone */
    o.batch = batch;
    o.rate = 0; /* the weights stay */
    o.seed = seed;
    return o;
}

/* Adds sign times the mean gradient of `steps` steps to sum. */
static void add_mean(api *a, const pdessm_train_options *o, int steps, double sign, double *sum) {
    pdessm_trainer *t = api_begin(a, PDESSM_MIXER_PDE, o);
    for (int s = 0; s < steps; s++) {
        int64_t n;
        assert_ok(a, pdessm_trainer_step(t));
        float *g = api_read_all(a->ctx, t->model, 1, &n);
        for (int64_t i = 0; i < n; i++)
            sum[i] += sign * (double)g[i] / steps;
        free(g);
    }
    pdessm_trainer_destroy(&t);
}

/* Moments of the gradients of `steps` steps along the directions. */
static moments project(api *a, const pdessm_train_options *o, int steps, const double *first) {
    pdessm_trainer *t = api_begin(a, PDESSM_MIXER_PDE, o);
    moments m = {0};
    for (int s = 0; s < steps; s++) {
        int64_t n;
        assert_ok(a, pdessm_trainer_step(t));
        float *g = api_read_all(a->ctx, t->model, 1, &n);
        for (int d = 0; d < DIRECTIONS; d++) {
            double along = 0;
            for (int64_t i = 0; i < n; i++)
                along +=
                    (double)g[i] *
                    (d == 0 ? first[i] : pdessm_normal(1, PDESSM_RANDOM_CHECK, 1, (uint32_t)d, i));
            m.mean[d] += along / steps;
            m.error[d] += along * along / steps;
        }
        free(g);
    }
    for (int d = 0; d < DIRECTIONS; d++)
        m.error[d] = sqrt((m.error[d] - m.mean[d] * m.mean[d]) / (steps - 1));
    pdessm_trainer_destroy(&t);
    return m;
}

static double farthest(const moments *x, const moments *y) {
    double worst = 0;
    for (int d = 0; d < DIRECTIONS; d++)
        worst = fmax(worst, fabs(x->mean[d] - y->mean[d]) / hypot(x->error[d], y->error[d]));
    return worst;
}

/* Six directions within 4.5 standard errors: a right estimator would fail for 4e-5 of all seeds.
 * The gradient of the coarse level, which is what the estimator's mean would lean to if a sign or a
 * difference were wrong, is more than 10 away. */
static void the_mean_is_that_of_the_full_gradient(void **state) {
    api *a = *state;
    const pdessm_train_options full = at(PDESSM_RESOLUTION_FULL, 16, 22);
    const pdessm_train_options mge = at(PDESSM_RESOLUTION_MGE, 8, 21);
    const pdessm_train_options coarse = at(PDESSM_RESOLUTION_COARSE_TO_FINE, 8, 23);
    const pdessm_train_options other_full = at(PDESSM_RESOLUTION_FULL, 16, 24);
    const pdessm_train_options other_coarse = at(PDESSM_RESOLUTION_COARSE_TO_FINE, 8, 25);
    pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_model *model = NULL;
    assert_ok(a, pdessm_model_create(a->device, &config, 0, &model));
    double *first = calloc((size_t)pdessm_model_parameter_count(model), sizeof *first);
    assert_non_null(first);
    pdessm_model_destroy(&model);
    add_mean(a, &other_full, 60, 1, first);
    add_mean(a, &other_coarse, 60, -1, first);
    const moments expected = project(a, &full, 200, first), got = project(a, &mge, 200, first);
    const moments wrong = project(a, &coarse, 100, first);
    free(first);
    if (!(farthest(&got, &expected) < 4.5))
        fail_msg("the mean is %.1f standard errors off", farthest(&got, &expected));
    if (!(farthest(&wrong, &expected) > 10))
        fail_msg("a wrong mean is only %.1f standard errors off", farthest(&wrong, &expected));
}

int main(void) {
    const struct CMUnitTest tests[] = {api_test(the_mean_is_that_of_the_full_gradient)};
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
