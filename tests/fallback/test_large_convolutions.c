/* SPDX-License-Identifier: MIT */
/* test_large_convolutions.c: plain C writes large results past the caches, which the small cases of
 * the operator never reach; judged by its definition in double, on one thread and on three. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/random.h"
#include "device/device.h"
#include "fallback.h"

/* Whole vectors in two blocks of channels, an odd width, more than 8 MB. */
enum { BATCH = 2, HEIGHT = 53, WIDTH = 51, CHANNELS = 400, TAPS = 9 };
enum { COUNT = BATCH * HEIGHT * WIDTH * CHANNELS };

typedef struct tensors {
    float u[COUNT], y[COUNT], again[COUNT];
    float weight[CHANNELS * TAPS], bias[CHANNELS];
} tensors;

static void run(int threads, int backward, tensors *t, float *y) {
    const pdessm_fallback *f = pdessm_host_table();
    pdessm_pool *pool = pdessm_pool_create(threads);
    assert_non_null(pool);
    assert_true(pdessm_pool_reserve(
        pool, f->depthwise_conv_scratch(pool, BATCH, HEIGHT, WIDTH, CHANNELS, backward)));
    if (backward)
        f->depthwise_conv_backward(pool, BATCH, HEIGHT, WIDTH, CHANNELS, t->u, t->weight, t->u, y,
                                   0, NULL, 0, NULL, 0);
    else
        f->depthwise_conv_forward(pool, BATCH, HEIGHT, WIDTH, CHANNELS, t->u, t->weight, t->bias,
                                  y);
    pdessm_pool_destroy(&pool);
}

/* One element; the window turned by half a turn for the adjoint. */
static double expected(const tensors *t, int64_t at, int backward) {
    int64_t c = at % CHANNELS, j = at / CHANNELS % WIDTH, i = at / CHANNELS / WIDTH % HEIGHT;
    double sum = backward ? 0 : (double)t->bias[c];
    for (int64_t k = 0; k < TAPS; k++) {
        int64_t y = i + k / 3 - 1, x = j + k % 3 - 1;
        int64_t from = at + ((k / 3 - 1) * WIDTH + k % 3 - 1) * CHANNELS;
        if (y >= 0 && y < HEIGHT && x >= 0 && x < WIDTH)
            sum += (double)t->weight[c * TAPS + (backward ? TAPS - 1 - k : k)] * (double)t->u[from];
    }
    return sum;
}

static void large_results_are_right(void **state) {
    (void)state;
    tensors *t = aligned_alloc(64, (sizeof *t + 63) / 64 * 64);
    assert_non_null(t);
    for (int64_t i = 0; i < COUNT; i++)
        t->u[i] = (float)pdessm_uniform(1, PDESSM_RANDOM_CHECK, 0, 0, i) - 0.5f;
    for (int64_t i = 0; i < CHANNELS * TAPS; i++)
        t->weight[i] = (float)pdessm_normal(1, PDESSM_RANDOM_CHECK, 1, 0, i);
    for (int64_t i = 0; i < CHANNELS; i++)
        t->bias[i] = (float)pdessm_normal(1, PDESSM_RANDOM_CHECK, 2, 0, i);
    for (int backward = 0; backward < 2; backward++) {
        memset(t->y, 0xff, sizeof t->y); /* NaN */
        run(1, backward, t, t->y);
        run(3, backward, t, t->again);
        assert_memory_equal(t->y, t->again, sizeof t->y);
        /* Additions, rounding, the largest sum. */
        const double tolerance = 10 * 0x1p-24 * 20;
        for (int64_t i = 0; i < COUNT; i++)
            if (!(fabs((double)t->y[i] - expected(t, i, backward)) <= tolerance))
                fail_msg("element %lld is %g", (long long)i, (double)t->y[i]);
    }
    free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(large_results_are_right)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
