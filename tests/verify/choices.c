/* SPDX-License-Identifier: MIT */
/* choices.c: whatever value of whatever choice is taken, the result is that of plain C. Both forms
 * of kernels, where the device has kernels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/tuning.h"
#include "verify/verify.h"

/* Small calls of the operators that leave something open. */
static const struct {
    pdessm_op op;
    pdessm_case_size size;
    double attribute; /* parts of linear, heads of attention */
} shapes[] = {
    {PDESSM_OP_spectral_filter, {PDESSM_CASE_NETWORK, 3, 8, 8, 10}, 0},
    {PDESSM_OP_linear, {PDESSM_CASE_NETWORK, 70, 1, 1, 33, 130}, 1},
    {PDESSM_OP_attention, {PDESSM_CASE_NETWORK, 2, 5, 8, 12}, 2},
};

static pdessm_opcall begin(pdessm_device *device, int i) {
    pdessm_opcall o = pdessm_opcall_begin(device, shapes[i].op);
    pdessm_case k;
    pdessm_case_draw(shapes[i].op, &shapes[i].size, 10, &k);
    k.attribute[0] = shapes[i].attribute;
    assert_int_equal(pdessm_case_operands(&k, &o), PDESSM_OK);
    assert_int_equal(pdessm_case_gradients(&k, &o), PDESSM_OK);
    return o;
}

/* Runs both and compares what the pass computes. */
static void assert_same(pdessm_opcall *a, pdessm_opcall *b, const char *what) {
    double error = 0;
    assert_int_equal(pdessm_opcall_run(a, a->call.pass), PDESSM_OK);
    assert_int_equal(pdessm_opcall_run(b, a->call.pass), PDESSM_OK);
    if (a->device->on_host[a->call.op][a->call.pass])
        fail_msg("%s: the device refused it", what);
    assert_int_equal(pdessm_opcall_compare(a, b, &error), PDESSM_OK);
    if (!(error < 2e-5))
        fail_msg("%s: results differ by %.1e", what, error);
}

static int try_values(pdessm_opcall *a, pdessm_opcall *b, int choice) {
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
    for (int i = 0; i < (int)(sizeof shapes / sizeof *shapes); i++) {
        pdessm_opcall a = begin(device, i), b = begin(reference, i);
        for (int pass = 0; pass < 2; pass++) {
            a.call.pass = (pdessm_pass)pass;
            int choices = pdessm_op_get(a.call.op)->descriptor->tunable->count;
            for (int choice = 0; choice < choices; choice++)
                tried += try_values(&a, &b, choice);
        }
        pdessm_opcall_end(&a);
        pdessm_opcall_end(&b);
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
