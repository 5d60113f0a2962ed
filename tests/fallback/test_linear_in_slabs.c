/* SPDX-License-Identifier: MIT */
/* test_linear_in_slabs.c: fully connected layers of plain C over so many rows that gradients of
 * weights are summed in slabs: against sums in double, and the same bits with any number of
 * threads. */
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
#include "linear.h"

/* Widths on both sides of what is packed (128), of a register tile, and of a task's columns (384);
 * rows in one slab, in slabs that are not equal, and in a block more than a whole number. */
static const struct shape {
    int64_t rows, inputs, outputs, parts;
} shapes[] = {
    {512, 5, 3, 1},      {1024, 96, 96, 1},   {1500, 128, 120, 2}, {2049, 130, 33, 1},
    {1100, 400, 15, 3},  {1025, 17, 390, 1},  {600, 770, 40, 1},   {4096, 20, 300, 2},
    {1300, 600, 700, 1}, {700, 1024, 600, 1},
};

typedef struct layer {
    const struct shape *s;
    float *x, *dy, *weight, *bias; /* the last two: gradients */
} layer;

static float *numbers(int64_t n, uint32_t stream) {
    float *x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)pdessm_normal(1, PDESSM_RANDOM_CHECK, stream, 0, i);
    return x;
}

static layer begin(const struct shape *s) {
    return (layer){.s = s,
                   .x = numbers(s->rows * s->inputs, 0),
                   .dy = numbers(s->rows * s->outputs, 1),
                   .weight = numbers(s->inputs * s->outputs, 2),
                   .bias = numbers(s->outputs, 3)};
}

static void end(layer *l) {
    free(l->x);
    free(l->dy);
    free(l->weight);
    free(l->bias);
}

static void run(layer *l, int threads, int add) {
    const struct shape *s = l->s;
    const pdessm_fallback *f = pdessm_host_table();
    pdessm_pool *pool = pdessm_pool_create(threads);
    const pdessm_linear_job job = {
        .m = s->rows, .n = s->outputs, .k = s->inputs, .parts = s->parts, .x = l->x};
    assert_true(pdessm_pool_reserve(pool, f->linear_scratch(&job, 1)));
    f->linear_backward(
        pool, &job, l->dy,
        &(pdessm_linear_gradients){
            .weight = l->weight, .bias = l->bias, .add_weight = add, .add_bias = add});
    pdessm_pool_destroy(&pool);
}

/* dy lies as [parts][rows][outputs / parts]. */
static float dy_at(const layer *l, int64_t row, int64_t output) {
    int64_t width = l->s->outputs / l->s->parts;
    return l->dy[(output / width * l->s->rows + row) * width + output % width];
}

/* Sums of many products of normal numbers: 1e-7 of the root of the sum of squares, by far, if
 * partial sums stay short. */
static void near(float got, double sum, double squares) {
    assert_true(fabs((double)got - sum) <= 3e-7 * sqrt(squares) * 10);
}

static void gradients_are_right(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int add = 0; add < 2; add++) {
            layer l = begin(&shapes[i]), before = begin(&shapes[i]);
            run(&l, 3, add);
            /* Every row of weights, in columns that walk through all tiles. */
            for (int64_t o = 0; o < l.s->outputs; o++) {
                int64_t k = (o * 37 + 11) % l.s->inputs, at = o * l.s->inputs + k;
                double weight = add ? (double)before.weight[at] : 0,
                       bias = add ? (double)before.bias[o] : 0;
                double squares = 1, bias_squares = 1;
                for (int64_t r = 0; r < l.s->rows; r++) {
                    double dy = (double)dy_at(&l, r, o),
                           product = dy * (double)l.x[r * l.s->inputs + k];
                    weight += product;
                    squares += product * product;
                    bias += dy;
                    bias_squares += dy * dy;
                }
                near(l.weight[at], weight, squares);
                near(l.bias[o], bias, bias_squares);
            }
            end(&l);
            end(&before);
        }
}

static void threads_change_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        layer one = begin(&shapes[i]), more = begin(&shapes[i]);
        run(&one, 1, 0);
        for (int threads = 2; threads <= 7; threads += 5) {
            run(&more, threads, 0);
            assert_memory_equal(one.weight, more.weight,
                                sizeof(float) * (size_t)(one.s->inputs * one.s->outputs));
            assert_memory_equal(one.bias, more.bias, sizeof(float) * (size_t)one.s->outputs);
        }
        end(&one);
        end(&more);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_right),
        cmocka_unit_test(threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
