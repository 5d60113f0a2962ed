/* SPDX-License-Identifier: MIT */
/* test_nearest_points.c: nearest points against a search through all, and what is kept of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/random.h"
#include "graphs/neighbours.h"

enum { POINTS = 300, DIMENSION = 5, NEAREST = 4 };

static pdessm_context *context(void) {
    pdessm_context *ctx = NULL;
    const pdessm_context_options options = {.threads = 2};
    assert_int_equal(pdessm_context_create(&options, &ctx), PDESSM_OK);
    return ctx;
}

/* Small integers: many are equally near, and some are equal. */
static void draw(float *x) {
    for (int i = 0; i < POINTS * DIMENSION; i++)
        x[i] = (float)pdessm_below(1, PDESSM_RANDOM_CHECK, 0, 0, i, 4);
}

static double distance(const float *x, int i, int j) {
    double sum = 0;
    for (int c = 0; c < DIMENSION; c++)
        sum += (double)(x[i * DIMENSION + c] - x[j * DIMENSION + c]) *
               (double)(x[i * DIMENSION + c] - x[j * DIMENSION + c]);
    return sum;
}

/* Is j before k in the list of i? */
static int before(const float *x, int i, int j, int k) {
    const double a = distance(x, i, j), b = distance(x, i, k);
    return a < b || (a == b && j < k);
}

static void expect_nearest(const float *x, const int32_t *near) {
    for (int i = 0; i < POINTS; i++)
        for (int r = 0; r < NEAREST; r++) {
            const int j = near[i * NEAREST + r];
            int nearer = 0;
            assert_in_range(j, 0, POINTS - 1);
            assert_int_not_equal(j, i);
            for (int k = 0; k < POINTS; k++)
                nearer += k != i && k != j && before(x, i, k, j);
            assert_int_equal(nearer, r);
        }
}

static void they_are_the_nearest(void **state) {
    (void)state;
    pdessm_context *ctx = context();
    float x[POINTS * DIMENSION];
    int32_t near[POINTS * NEAREST];
    const pdessm_watch nobody = {0};
    draw(x);
    assert_int_equal(pdessm_neighbours(ctx, POINTS, DIMENSION, x, NEAREST, &nobody, near),
                     PDESSM_OK);
    expect_nearest(x, near);
    assert_int_equal(pdessm_neighbours(ctx, 3, DIMENSION, x, 3, &nobody, near),
                     PDESSM_ERROR_ARGUMENT);
    pdessm_context_destroy(&ctx);
}

static int cancel(void *user, double share) {
    (void)share;
    ++*(int *)user;
    return 1;
}

/* The one file of a folder, to path. */
static void only_file(const char *folder, char *path, size_t size) {
    DIR *d = opendir(folder);
    int files = 0;
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.') {
            files++;
            snprintf(path, size, "%s/%s", folder, e->d_name);
        }
    closedir(d);
    assert_int_equal(files, 1);
}

/* The second call finds a file, which a cancelled one would not; a damaged one is made again. */
static void they_are_kept(void **state) {
    (void)state;
    pdessm_context *ctx = context();
    char folder[] = "/tmp/pdessm-neighbours-XXXXXX", graphs[64], path[512];
    float x[POINTS * DIMENSION];
    int32_t first[POINTS * NEAREST], near[POINTS * NEAREST];
    int calls = 0;
    const pdessm_watch nobody = {0}, impatient = {cancel, &calls, 0, 1};
    assert_non_null(mkdtemp(folder));
    setenv("PDESSM_CACHE_DIR", folder, 1);
    draw(x);
#define kept(watch, to)                                                                            \
    pdessm_neighbours_cached(ctx, "test", POINTS, DIMENSION, x, NEAREST, watch, to)
    assert_int_equal(kept(&impatient, near), PDESSM_ERROR_CANCELLED);
    assert_int_equal(kept(&nobody, first), PDESSM_OK);
    calls = 0;
    assert_int_equal(kept(&impatient, near), PDESSM_OK);
    assert_int_equal(calls, 0);
    assert_memory_equal(near, first, sizeof near);
    snprintf(graphs, sizeof graphs, "%s/graphs", folder);
    only_file(graphs, path, sizeof path);
    assert_int_equal(truncate(path, 1000), 0);
    assert_int_equal(kept(&nobody, near), PDESSM_OK);
    assert_memory_equal(near, first, sizeof near);
    x[7] += 1; /* other points: another file */
    assert_int_equal(kept(&impatient, near), PDESSM_ERROR_CANCELLED);
    unlink(path);
    rmdir(graphs);
    rmdir(folder);
    pdessm_context_destroy(&ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_the_nearest),
        cmocka_unit_test(they_are_kept),
    };
    return cmocka_run_group_tests_name("neighbours", tests, NULL, NULL);
}
