/* SPDX-License-Identifier: MIT */
/* test_filter_threads.c: the plain spectral filter cuts its work by the number of threads; its
 * results must not tell how. PDESSM_DEVICE plays no part. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/random.h"
#include "device/device.h"
#include "fallback.h"

/* Five pairs of vectors of 16 channels, the last one not full: one thread takes a block of channels
 * with all its images in turn, more threads share them. */
enum { BATCH = 13, HEIGHT = 6, WIDTH = 10, CHANNELS = 140 };
enum { IMAGE = HEIGHT * WIDTH * CHANNELS, SYMBOL = HEIGHT * (WIDTH / 2 + 1) * CHANNELS * 2 };

static float u[BATCH * IMAGE], dy[BATCH * IMAGE], symbol[SYMBOL];

static void fill(float *x, int64_t n, uint32_t stream) {
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)pdessm_normal(1, PDESSM_RANDOM_CHECK, stream, 0, i);
}

static int set_up(void **state) {
    (void)state;
    fill(u, BATCH * IMAGE, 0);
    fill(dy, BATCH * IMAGE, 1);
    fill(symbol, SYMBOL, 2);
    return 0;
}

struct results {
    float du[BATCH * IMAGE], dsymbol[SYMBOL];
};

/* Images first .. first + images - 1. */
static void run_backward(int threads, int64_t first, int64_t images, int add_symbol,
                         struct results *ret) {
    const pdessm_fallback *f = pdessm_host_table();
    pdessm_pool *pool = pdessm_pool_create(threads);
    int workers = pdessm_pool_workers(pool);
    assert_true(pdessm_pool_reserve(
        pool, f->spectral_filter_scratch(images, HEIGHT, WIDTH, CHANNELS, 1, workers)));
    f->spectral_filter_backward(pool, images, HEIGHT, WIDTH, CHANNELS, u + first * IMAGE, symbol,
                                dy + first * IMAGE, ret->du + first * IMAGE, ret->dsymbol, 0,
                                add_symbol);
    pdessm_pool_destroy(&pool);
}

static void threads_change_nothing(void **state) {
    (void)state;
    struct results *one = calloc(1, sizeof *one), *more = calloc(1, sizeof *more);
    for (int add = 0; add < 2; add++) {
        run_backward(1, 0, BATCH, add, one);
        for (int threads = 2; threads <= 7; threads += 5) {
            if (add)
                run_backward(threads, 0, BATCH, 0, more);
            run_backward(threads, 0, BATCH, add, more);
            assert_memory_equal(one, more, sizeof *one);
        }
    }
    free(more);
    free(one);
}

/* The images of a batch one by one, each adding to the gradient of the symbol. */
static void batch_is_the_sum_of_its_images(void **state) {
    (void)state;
    struct results *all = calloc(1, sizeof *all), *each = calloc(1, sizeof *each);
    run_backward(1, 0, BATCH, 0, all);
    for (int64_t i = 0; i < BATCH; i++)
        run_backward(1, i, 1, i > 0, each);
    for (int64_t i = 0; i < BATCH * IMAGE; i++)
        assert_true(fabsf(all->du[i] - each->du[i]) <= 1e-5f);
    float size = 0, worst = 0;
    for (int64_t i = 0; i < SYMBOL; i++) {
        size = fmaxf(size, fabsf(all->dsymbol[i]));
        worst = fmaxf(worst, fabsf(all->dsymbol[i] - each->dsymbol[i]));
    }
    assert_true(size > 1 && worst <= BATCH * 1.2e-7f * size);
    free(each);
    free(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(batch_is_the_sum_of_its_images),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
