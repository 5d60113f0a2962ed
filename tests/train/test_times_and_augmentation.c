/* SPDX-License-Identifier: MIT */
/* test_times_and_augmentation.c: what a training step is shown: the laws of t against their closed
 * forms, mirrored and shifted images against their definition. */
#include "api.h"

#include "dataset/augment.h"
#include "train/trainer.h"

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
        pdessm_trainer_draw_batch(t, 0, BATCH);
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

/* ------------------------------------------------------------------ images */

enum { CHANNELS = 2, HEIGHT = 5, WIDTH = 4, PIXELS = 3 * API_SIDE * API_SIDE };

/* Pixel (y, x) of a channel, the border beyond. */
static float pixel(const float *image, int64_t c, int64_t y, int64_t x, float border) {
    int inside = y >= 0 && y < HEIGHT && x >= 0 && x < WIDTH;
    return inside ? image[(c * HEIGHT + y) * WIDTH + x] : border;
}

static void shifts_and_mirrors_are_what_they_say(void **state) {
    (void)state;
    const pdessm_image_extent extent = {CHANNELS, HEIGHT, WIDTH};
    float image[CHANNELS * HEIGHT * WIDTH], moved[CHANNELS * HEIGHT * WIDTH];
    for (int i = 0; i < CHANNELS * HEIGHT * WIDTH; i++)
        image[i] = (float)i;
    for (int64_t dy = -6; dy <= 6; dy++)
        for (int64_t dx = -6; dx <= 6; dx++) {
            memcpy(moved, image, sizeof image);
            pdessm_augment_shift(moved, extent, dy, dx, -9);
            for (int64_t c = 0; c < CHANNELS; c++)
                for (int64_t y = 0; y < HEIGHT; y++)
                    for (int64_t x = 0; x < WIDTH; x++)
                        assert_true(pixel(moved, c, y, x, 0) ==
                                    pixel(image, c, y - dy, x - dx, -9));
        }
    memcpy(moved, image, sizeof image);
    pdessm_augment_mirror(moved, extent);
    for (int64_t c = 0; c < CHANNELS; c++)
        for (int64_t y = 0; y < HEIGHT; y++)
            for (int64_t x = 0; x < WIDTH; x++)
                assert_true(pixel(moved, c, y, x, 0) == pixel(image, c, y, WIDTH - 1 - x, 0));
}

/* Of a batch's images each is the data's, moved by at most `shift` and mirrored or not; all moves
 * happen about equally often. */
static void a_batch_is_augmented_evenly(void **state) {
    enum { SHIFT = 1, WAYS = 2 * SHIFT + 1, BATCH = 20, STEPS = 100 };
    api *a = *state;
    const pdessm_image_extent extent = {3, API_SIDE, API_SIDE};
    int seen[WAYS * WAYS] = {0};
    float plain[PIXELS], changed[PIXELS];
    pdessm_train_options o = pdessm_train_defaults();
    o.batch = BATCH;
    o.flip = 1;
    o.shift = SHIFT;
    pdessm_trainer *t = begin(a, &o);
    for (t->step = 0; t->step < STEPS; t->step++) {
        pdessm_trainer_draw_batch(t, 0, BATCH);
        for (int i = 0; i < BATCH; i++) {
            int found = 0;
            pdessm_dataset_image(a->data, t->indices[i], plain);
            for (int way = 0; way < 2 * WAYS * WAYS && !found; way++) {
                int move = way % (WAYS * WAYS);
                memcpy(changed, plain, sizeof plain);
                if (way >= WAYS * WAYS)
                    pdessm_augment_mirror(changed, extent);
                pdessm_augment_shift(changed, extent, move / WAYS - SHIFT, move % WAYS - SHIFT, -1);
                found = memcmp(changed, t->images + i * PIXELS, sizeof changed) == 0;
                seen[move] += found;
            }
            assert_true(found);
        }
    }
    pdessm_trainer_destroy(&t);
    /* 2000 draws of 9 moves: 222 +- 14; a figure that looks the same after two moves counts for the
     * first. */
    for (int move = 0; move < WAYS * WAYS; move++)
        assert_in_range(seen[move], 222 - 70, 222 + 70);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(times_have_their_law),
        api_test(shifts_and_mirrors_are_what_they_say),
        api_test(a_batch_is_augmented_evenly),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
