/* SPDX-License-Identifier: MIT */
/* choices.c: whatever value of whatever choice is taken, the result is that of plain C. Both forms
 * of kernels, where the device has kernels. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/device.h"
#include "device/tuning.h"

/* One operator at one small shape; inputs[i] of rank 0 is absent. */
typedef struct shape {
    pdessm_op op;
    int outputs;
    struct {
        int rank;
        int64_t dims[4];
    } tensor[4];
    double attribute;
} shape;

static const shape shapes[] = {
    {PDESSM_OP_spectral_filter, 1, {{4, {3, 8, 8, 10}}, {4, {8, 5, 10, 2}}, {4, {3, 8, 8, 10}}}, 0},
    {PDESSM_OP_linear, 1, {{2, {70, 33}}, {2, {130, 33}}, {1, {130}}, {2, {70, 130}}}, 1},
    {PDESSM_OP_attention, 2, {{3, {2, 40, 3 * 12}}, {3, {2, 40, 12}}, {3, {2, 2, 40}}}, 2},
};

typedef struct run {
    pdessm_device *device;
    pdessm_call call;
} run;

static void fill(float *x, int64_t n, uint32_t seed) {
    for (int64_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) * 0x1p-23f - 1.0f;
    }
}

static pdessm_tensor *make(pdessm_device *device, int rank, const int64_t *dims, uint32_t seed) {
    pdessm_tensor *t = NULL;
    assert_int_equal(pdessm_tensor_create(device, PDESSM_FLOAT32, rank, dims, &t), PDESSM_OK);
    int64_t n = pdessm_tensor_count(t);
    float *x = malloc((size_t)n * sizeof *x);
    fill(x, n, seed);
    assert_int_equal(pdessm_tensor_write(t, x), PDESSM_OK);
    free(x);
    return t;
}

static run begin(pdessm_device *device, const shape *s) {
    run r = {device, {.op = s->op, .attribute = {s->attribute}}};
    const char *letters = pdessm_op_get(s->op)->letters;
    for (int i = 0; letters[i]; i++) {
        r.call.operand[i] = make(device, s->tensor[i].rank, s->tensor[i].dims, 10 + (uint32_t)i);
        if (pdessm_letter_has_gradient(letters[i]))
            r.call.gradient[i] =
                make(device, s->tensor[i].rank, s->tensor[i].dims, 20 + (uint32_t)i);
    }
    return r;
}

static void end(run *r) {
    for (int i = 0; i < PDESSM_MAX_OPERANDS; i++) {
        pdessm_tensor_destroy(&r->call.operand[i]);
        pdessm_tensor_destroy(&r->call.gradient[i]);
    }
}

static double difference(const pdessm_tensor *a, const pdessm_tensor *b) {
    size_t n = (size_t)pdessm_tensor_count(a);
    float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
    double worst = 0, largest = 0;
    assert_int_equal(pdessm_tensor_read((pdessm_tensor *)a, x), PDESSM_OK);
    assert_int_equal(pdessm_tensor_read((pdessm_tensor *)b, y), PDESSM_OK);
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)x[i] - (double)y[i]);
        worst = d <= worst ? worst : isnan(d) ? INFINITY : d;
        largest = fmax(largest, fabs((double)y[i]));
    }
    free(x);
    free(y);
    return worst / largest;
}

/* Runs both and compares what the pass computes; statistics are an operator's own business. */
static void assert_same(run *a, run *b, const char *what) {
    const char *letters = pdessm_op_get(a->call.op)->letters;
    b->call.pass = a->call.pass;
    assert_int_equal(pdessm_dispatch(a->device, &a->call), PDESSM_OK);
    assert_int_equal(pdessm_dispatch(b->device, &b->call), PDESSM_OK);
    if (a->device->on_host[a->call.op][a->call.pass])
        fail_msg("%s: the device refused it", what);
    for (int i = 0; letters[i]; i++) {
        int output = strchr("wW", letters[i]) != NULL, back = a->call.pass == PDESSM_BACKWARD;
        if (letters[i] == 's' || output == back)
            continue;
        double d = back ? difference(a->call.gradient[i], b->call.gradient[i])
                        : difference(a->call.operand[i], b->call.operand[i]);
        if (!(d < 2e-5))
            fail_msg("%s: operand %d differs by %.1e", what, i, d);
    }
}

static int try_values(run *a, run *b, int choice) {
    const pdessm_choice *c = &pdessm_op_get(a->call.op)->descriptor->tunable->choice[choice];
    pdessm_device *d = a->device;
    pdessm_site site = {&a->call, d->backend ? &d->info : NULL, d->backend ? NULL : &d->host,
                        d->tuning};
    int tried = 0;
    for (const int64_t *v = c->candidate; *v; v++) {
        char what[160];
        if (!c->applies(&site, *v))
            continue;
        snprintf(what, sizeof what, "%s %s, %s = %s", pdessm_op_get(a->call.op)->name,
                 a->call.pass == PDESSM_FORWARD ? "forward" : "backward", c->name,
                 pdessm_tuning_value_text(a->call.op, choice, *v).text);
        assert_int_equal(pdessm_tuning_set(d->tuning, &a->call, choice, *v, 1), PDESSM_OK);
        assert_int_equal(pdessm_choose(&site, choice), *v);
        assert_same(a, b, what);
        assert_int_equal(pdessm_tuning_set(d->tuning, &a->call, choice, 0, 1), PDESSM_OK);
        tried++;
    }
    return tried;
}

static int try_all(pdessm_context *ctx, const char *device_name) {
    pdessm_device *device = NULL, *reference = NULL;
    int tried = 0;
    assert_int_equal(pdessm_device_open(ctx, device_name, &device), PDESSM_OK);
    assert_int_equal(pdessm_device_open(ctx, "cpu", &reference), PDESSM_OK);
    if (!device->backend)
        assert_int_equal(pdessm_device_find_blas(device), PDESSM_OK);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        run a = begin(device, &shapes[i]), b = begin(reference, &shapes[i]);
        for (int pass = 0; pass < 2; pass++) {
            a.call.pass = (pdessm_pass)pass;
            int choices = pdessm_op_get(a.call.op)->descriptor->tunable->count;
            for (int choice = 0; choice < choices; choice++)
                tried += try_values(&a, &b, choice);
        }
        end(&a);
        end(&b);
    }
    pdessm_device_destroy(&device);
    pdessm_device_destroy(&reference);
    return tried;
}

static void every_value_gives_the_same(void **state) {
    (void)state;
    const char *name = getenv("PDESSM_TEST_DEVICE");
    pdessm_context *ctx = NULL;
    name = name && *name ? name : "cpu";
    setenv("PDESSM_TUNING", "off", 1);
    setenv("PDESSM_CLBLAST", "off", 1); /* its first product compiles for long */
    assert_int_equal(pdessm_context_create(NULL, &ctx), PDESSM_OK);
    if (strcmp(name, "cpu") == 0) {
        assert_true(try_all(ctx, name) >= 2);
    } else {
        setenv("PDESSM_KERNEL_FORM", "cpu", 1);
        assert_true(try_all(ctx, name) >= 20);
        setenv("PDESSM_KERNEL_FORM", "gpu", 1);
        assert_true(try_all(ctx, name) >= 40);
    }
    pdessm_context_destroy(&ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_value_gives_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
