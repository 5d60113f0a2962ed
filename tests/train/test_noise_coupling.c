/* SPDX-License-Identifier: MIT */
/* test_noise_coupling.c: which noise goes with which image: optimal transport within a batch
 * against all permutations in float64, and the noise of pairs against that of sampling. */
#include "api.h"

#include <sys/stat.h>

#include "train/trainer.h"

enum { PIXELS = 3 * API_SIDE * API_SIDE, MOST = 8 };

static pdessm_trainer *begin(api *a, pdessm_coupling coupling, int batch, int accumulate) {
    const pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_train_options o = pdessm_train_defaults();
    pdessm_trainer *t = NULL;
    o.steps = 12;
    o.batch = batch;
    o.accumulate = accumulate;
    o.warmup = 3;
    o.seed = 11;
    o.pair_seed = 77;
    o.coupling = coupling;
    assert_ok(a, pdessm_trainer_create(a->device, a->data, &config, &o, &t));
    return t;
}

/* The noise of the last run of the tape; released with free(). */
static float *read_noise(api *a, pdessm_trainer *t) {
    float *noise = malloc((size_t)t->options.batch * PIXELS * sizeof *noise);
    assert_non_null(noise);
    assert_ok(a, pdessm_tensor_read(t->tape[0].noise[0], noise));
    return noise;
}

static double squared_distance(const float *x, const float *z) {
    double sum = 0;
    for (int i = 0; i < PIXELS; i++)
        sum += ((double)x[i] - (double)z[i]) * ((double)x[i] - (double)z[i]);
    return sum;
}

/* The least sum over all ways to give images i .. n - 1 the noise not taken yet. */
static double try_all(const float *images, const float *noise, int n, int i, unsigned taken) {
    double best = i == n ? 0 : (double)INFINITY;
    for (int j = 0; i < n && j < n; j++)
        if (!(taken >> j & 1))
            best = fmin(best, squared_distance(images + i * PIXELS, noise + j * PIXELS) +
                                  try_all(images, noise, n, i + 1, taken | 1u << j));
    return best;
}

/* Sum over the batch as it stands. */
static double cost_of(const float *images, const float *noise, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += squared_distance(images + i * PIXELS, noise + i * PIXELS);
    return sum;
}

/* Each row of `noise` is another row of `drawn`, to the last bit. Returns how many have moved. */
static int count_moved(const float *noise, const float *drawn, int n) {
    char used[MOST] = {0};
    int moved = 0;
    for (int i = 0; i < n; i++) {
        int j = 0;
        while (j < n && memcmp(noise + i * PIXELS, drawn + j * PIXELS, PIXELS * sizeof *noise) != 0)
            j++;
        assert_true(j < n);
        assert_int_equal(used[j], 0);
        used[j] = 1;
        moved += j != i;
    }
    return moved;
}

static void transport_is_optimal(void **state) {
    enum { BATCH = 6 };
    api *a = *state;
    pdessm_trainer *independent = begin(a, PDESSM_COUPLING_INDEPENDENT, BATCH, 1);
    pdessm_trainer *coupled = begin(a, PDESSM_COUPLING_OT, BATCH, 1);
    int moved = 0;
    for (int step = 0; step < 8; step++) {
        assert_ok(a, pdessm_trainer_step(independent));
        assert_ok(a, pdessm_trainer_step(coupled));
        float *drawn = read_noise(a, independent), *noise = read_noise(a, coupled);
        const float *images = coupled->images;
        assert_memory_equal(images, independent->images, BATCH * PIXELS * sizeof *images);
        assert_memory_equal(coupled->labels, independent->labels, BATCH * sizeof(int32_t));
        moved += count_moved(noise, drawn, BATCH);
        double least = try_all(images, drawn, BATCH, 0, 0);
        /* Products are of float32: a tie to their rounding may be settled either way. */
        assert_true(cost_of(images, noise, BATCH) <= least * (1 + 1e-6));
        free(drawn);
        free(noise);
    }
    assert_true(moved > BATCH); /* else nothing was asked of the transport */
    pdessm_trainer_destroy(&independent);
    pdessm_trainer_destroy(&coupled);
}

static void transport_goes_on_after_a_break(void **state) {
    api *a = *state;
    pdessm_trainer *whole = begin(a, PDESSM_COUPLING_OT, 4, 2);
    const pdessm_train_options o = whole->options;
    api_assert_resumes(a, whole, begin(a, PDESSM_COUPLING_OT, 4, 2), &o);
}

/* Not-a-number among the images: the noise stays where it is, nothing hangs. */
static void numbers_that_are_not_finite_do_no_harm(void **state) {
    enum { BATCH = 5 };
    api *a = *state;
    const int64_t dims[] = {BATCH, 7};
    const int32_t *partner = NULL;
    float values[BATCH * 7];
    pdessm_tensor *x = NULL, *z = NULL;
    pdessm_matcher *m = NULL;
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 2, dims, &x));
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 2, dims, &z));
    assert_ok(a, pdessm_matcher_create(a->device, BATCH, &m));
    for (int i = 0; i < BATCH * 7; i++)
        values[i] = (float)(i * 5 % 9);
    assert_ok(a, pdessm_tensor_write(z, values));
    values[17] = NAN;
    assert_ok(a, pdessm_tensor_write(x, values));
    assert_ok(a, pdessm_matcher_match(m, x, z, &partner));
    for (int i = 0; i < BATCH; i++)
        assert_int_equal(partner[i], i);
    pdessm_matcher_destroy(&m);
    pdessm_tensor_destroy(&x);
    pdessm_tensor_destroy(&z);
}

/* A new network's velocity is zero, so sampling gives its noise back: the noise of a pair is
 * exactly that, under the image's number in the data. */
static void pairs_get_the_noise_of_sampling(void **state) {
    enum { BATCH = 5 };
    api *a = *state;
    static float drawn[API_IMAGES * PIXELS];
    pdessm_sample_options sampling = pdessm_sample_defaults();
    pdessm_trainer *t = begin(a, PDESSM_COUPLING_PAIRS, BATCH, 1);
    sampling.seed = t->options.pair_seed;
    sampling.steps = 1;
    sampling.batch = 7;
    assert_ok(a, pdessm_sample(pdessm_trainer_model(t), &sampling, API_IMAGES, NULL, drawn, NULL));
    int out_of_place = 0;
    for (int step = 0; step < 6; step++) {
        assert_ok(a, pdessm_trainer_step(t));
        float *noise = read_noise(a, t);
        for (int i = 0; i < BATCH; i++) {
            int64_t image = t->indices[i];
            out_of_place += image != i;
            assert_memory_equal(noise + i * PIXELS, drawn + image * PIXELS, PIXELS * sizeof *noise);
        }
        free(noise);
    }
    assert_true(out_of_place > BATCH);
    pdessm_trainer_destroy(&t);
}

static void flips_of_pairs_are_refused(void **state) {
    api *a = *state;
    const pdessm_config config = api_config(PDESSM_MIXER_PDE);
    pdessm_train_options o = pdessm_train_defaults();
    pdessm_trainer *t = NULL;
    o.coupling = PDESSM_COUPLING_PAIRS;
    o.flip = 1;
    assert_refused(a, pdessm_trainer_create(a->device, a->data, &config, &o, &t),
                   PDESSM_ERROR_ARGUMENT, "flips and shifts");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(transport_is_optimal),
        api_test(transport_goes_on_after_a_break),
        api_test(numbers_that_are_not_finite_do_no_harm),
        api_test(pairs_get_the_noise_of_sampling),
        api_test(flips_of_pairs_are_refused),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
