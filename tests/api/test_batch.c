/* SPDX-License-Identifier: MIT */
/* test_batch.c: what a training step is shown: the laws of t against their closed forms. */
#include "api.h"

#include "drivers/trainer.h"

static pdessm_trainer *begin(api *a, const pdessm_train_options *o) {
    const pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_trainer *t = NULL;
    assert_ok(a, pdessm_trainer_create(a->device, a->data, &config, o, &t));
    return t;
}

/* ------------------------------------------------------------------ laws of t */

static double uniform_below(double t) {
    return t;
}

/* logit t is normal (0, 1). */
static double logit_normal_below(double t) {
    return 0.5 * erfc(-log(t / (1 - t)) / sqrt(2));
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov: the largest distance of the empirical law from the one given, times
 * sqrt(n), exceeds 1.95 once in a thousand; 1.36 once in twenty. */
static double distance_of_law(api *a, pdessm_time_law law, double (*below)(double)) {
    enum { BATCH = 50, STEPS = 400, N = BATCH * STEPS };
    static double times[N];
    pdessm_train_options o = pdessm_train_defaults();
    o.batch = BATCH;
    o.time_law = law;
    o.seed = 4;
    pdessm_trainer *t = begin(a, &o);
    for (t->step = 0; t->step < STEPS; t->step++) {
        pdessm_trainer_draw_batch(t, 0);
        for (int i = 0; i < BATCH; i++)
            times[t->step * BATCH + i] = (double)t->times[i];
    }
    pdessm_trainer_destroy(&t);
    qsort(times, N, sizeof *times, rising);
    double worst = 0;
    for (int i = 0; i < N; i++) {
        assert_true(times[i] >= 0 && times[i] <= 1);
        worst = fmax(worst, fabs(below(times[i]) - (double)i / N));
        worst = fmax(worst, fabs(below(times[i]) - (double)(i + 1) / N));
    }
    return worst * sqrt(N);
}

static void times_have_their_law(void **state) {
    api *a = *state;
    double uniform = distance_of_law(a, PDESSM_TIME_UNIFORM, uniform_below);
    double logit = distance_of_law(a, PDESSM_TIME_LOGIT_NORMAL, logit_normal_below);
    print_message("distance from the law: uniform %.2f, logit-normal %.2f\n", uniform, logit);
    assert_true(uniform < 1.95);
    assert_true(logit < 1.95);
    /* The test can tell them apart. */
    assert_true(distance_of_law(a, PDESSM_TIME_LOGIT_NORMAL, uniform_below) > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(times_have_their_law),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
