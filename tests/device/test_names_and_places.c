/* SPDX-License-Identifier: MIT */
/* test_names_and_places.c: naming devices, tensors in two places at once, the profile. */
#include "api.h"

#include "device/device.h"

static void names(void **state) {
    static const char *const plain[] = {"cpu", "0"};
    api *a = *state;
    pdessm_device_info *list = NULL;
    pdessm_device *d = NULL;
    int count = 0, automatic = 0;
    assert_ok(a, pdessm_device_list(a->ctx, &list, &count));
    assert_true(count >= 1);
    assert_int_equal(list[0].kind, PDESSM_DEVICE_PLAIN_C);
    for (int i = 0; i < count; i++) {
        char name[32];
        assert_int_equal(list[i].index, i);
        assert_true(list[i].memory > 0 && list[i].largest_allocation > 0);
        automatic += list[i].is_auto;
        /* An OpenCL CPU is never chosen unless it is named. */
        assert_false(list[i].is_auto && list[i].kind == PDESSM_DEVICE_OPENCL_CPU);
        if (i == 0)
            continue;
        snprintf(name, sizeof name, "%d:%d", list[i].platform, list[i].device);
        assert_ok(a, pdessm_device_open(a->ctx, name, &d));
        assert_string_equal(pdessm_device_get_info(d)->name, list[i].name);
        pdessm_device_destroy(&d);
    }
    free(list);
    assert_int_equal(automatic, 1);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        assert_ok(a, pdessm_device_open(a->ctx, plain[i], &d));
        assert_int_equal(pdessm_device_get_info(d)->kind, PDESSM_DEVICE_PLAIN_C);
        pdessm_device_destroy(&d);
    }
    assert_refused(a, pdessm_device_open(a->ctx, "teapot", &d), PDESSM_ERROR_DEVICE,
                   "no device 'teapot'; there is 0 'cpu'");
    assert_refused(a, pdessm_device_open(a->ctx, "99", &d), PDESSM_ERROR_DEVICE, "99");
    assert_refused(a, pdessm_device_open(a->ctx, "7:7", &d), PDESSM_ERROR_DEVICE, "7:7");
    assert_null(d);
    pdessm_device_destroy(&d);
}

static void the_environment_names_too(void **state) {
    api *a = *state;
    pdessm_device *d = NULL;
    setenv("PDESSM_DEVICE", "teapot", 1);
    assert_refused(a, pdessm_device_open(a->ctx, NULL, &d), PDESSM_ERROR_DEVICE, "teapot");
    assert_ok(a, pdessm_device_open(a->ctx, "cpu", &d)); /* an argument wins */
    pdessm_device_destroy(&d);
    unsetenv("PDESSM_DEVICE");
    setenv("PDESSM_OPS", "host:teapot", 1);
    assert_refused(a, pdessm_device_open(a->ctx, "cpu", &d), PDESSM_ERROR_ARGUMENT, "teapot");
    unsetenv("PDESSM_OPS");
    setenv("PDESSM_GEMM", "teapot", 1);
    assert_refused(a, pdessm_device_open(a->ctx, "cpu", &d), PDESSM_ERROR_ARGUMENT,
                   "auto, own or cblas");
    unsetenv("PDESSM_GEMM");
}

/* A value that goes to and fro between host and device keeps its bits and is copied only when the
 * other side's copy is stale. */
static void copies_follow_who_wrote_last(void **state) {
    api *a = *state;
    const int64_t dims[] = {5, 7};
    pdessm_tensor *x = NULL, *y = NULL;
    float in[35], out[35];
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 2, dims, &x));
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 2, dims, &y));
    for (int i = 0; i < 35; i++)
        in[i] = sinf((float)i);
    assert_ok(a, pdessm_tensor_write(x, in));
    pdessm_call silu = {.op = PDESSM_OP_silu, .operand = {x, y}};
    for (int i = 0; i < 6; i++) { /* x on one side, y on the other, turn by turn */
        assert_ok(a, pdessm_device_route(a->device, i % 2 ? "host:silu" : ""));
        assert_ok(a, pdessm_dispatch(a->device, &silu));
        pdessm_tensor *last = silu.operand[0];
        silu.operand[0] = silu.operand[1];
        silu.operand[1] = last;
    }
    assert_ok(a, pdessm_tensor_read(silu.operand[0], out));
    for (int i = 0; i < 35; i++) {
        double expected = (double)in[i];
        for (int k = 0; k < 6; k++)
            expected /= 1 + exp(-expected);
        assert_true(fabs((double)out[i] - expected) < 1e-6);
    }
    assert_ok(a, pdessm_tensor_zero(x));
    assert_ok(a, pdessm_tensor_read(x, out));
    for (int i = 0; i < 35; i++)
        assert_true(out[i] == 0);
    pdessm_tensor_destroy(&x);
    pdessm_tensor_destroy(&y);
    pdessm_tensor_destroy(&y);
}

static void wrong_calls_are_refused(void **state) {
    api *a = *state;
    const int64_t four = 4, negative = -1, huge[] = {1 << 30, 1 << 30, 1 << 30};
    pdessm_tensor *x = NULL, *i = NULL, *none = NULL;
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 1, &four, &x));
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_INT32, 1, &four, &i));
    pdessm_call call = {.op = PDESSM_OP_silu, .operand = {x, NULL}};
    assert_refused(a, pdessm_dispatch(a->device, &call), PDESSM_ERROR_ARGUMENT,
                   "silu: operand y is missing");
    call.operand[0] = NULL;
    assert_refused(a, pdessm_dispatch(a->device, &call), PDESSM_ERROR_ARGUMENT, "operand x");
    call.operand[0] = i;
    assert_refused(a, pdessm_dispatch(a->device, &call), PDESSM_ERROR_ARGUMENT, "float32 expected");
    call = (pdessm_call){.op = PDESSM_OP_adamw, .pass = PDESSM_BACKWARD};
    assert_refused(a, pdessm_dispatch(a->device, &call), PDESSM_ERROR_UNSUPPORTED, "no gradient");
    assert_refused(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 1, &negative, &none),
                   PDESSM_ERROR_SHAPE, "extent 0");
    assert_refused(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 3, huge, &none),
                   PDESSM_ERROR_SHAPE, "extent");
    assert_refused(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 6, huge, &none),
                   PDESSM_ERROR_SHAPE, "rank 6");
    assert_null(none);
    pdessm_tensor_destroy(&x);
    pdessm_tensor_destroy(&i);
}

static void the_profile_counts(void **state) {
    api *a = *state;
    const int64_t n = 4096;
    pdessm_tensor *x = NULL, *y = NULL;
    pdessm_profile_row *rows = NULL;
    int count = 0;
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 1, &n, &x));
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 1, &n, &y));
    assert_ok(a, pdessm_tensor_zero(x));
    const pdessm_call gelu = {.op = PDESSM_OP_gelu, .operand = {x, y}};
    assert_ok(a, pdessm_dispatch(a->device, &gelu)); /* before: not counted */
    assert_ok(a, pdessm_device_profile_enable(a->device, 1));
    for (int i = 0; i < 3; i++)
        assert_ok(a, pdessm_dispatch(a->device, &gelu));
    assert_ok(a, pdessm_device_profile(a->device, &rows, &count));
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].name, "gelu");
    assert_string_equal(rows[0].pass, "forward");
    assert_string_equal(rows[0].place, api_on_cpu() ? "host" : "device");
    assert_int_equal(rows[0].calls, 3);
    assert_true(rows[0].seconds > 0 && rows[0].seconds < 10);
    assert_true(rows[0].bytes == 3 * 2 * 4 * (double)n);
    free(rows);
    pdessm_tensor_destroy(&x);
    pdessm_tensor_destroy(&y);
}

static void statuses_and_exit_codes(void **state) {
    static const struct {
        pdessm_status status;
        int code;
    } promised[] = {{PDESSM_OK, 0},
                    {PDESSM_ERROR_FAILED, 1},
                    {PDESSM_ERROR_ARGUMENT, 2},
                    {PDESSM_ERROR_DEVICE, 3},
                    {PDESSM_ERROR_FILE, 4},
                    {PDESSM_ERROR_CHECK, 5},
                    {PDESSM_ERROR_CANCELLED, 130}};
    (void)state;
    for (size_t i = 0; i < sizeof promised / sizeof *promised; i++) {
        assert_int_equal(pdessm_status_exit_code(promised[i].status), promised[i].code);
        assert_true(strlen(pdessm_status_text(promised[i].status)) > 3);
    }
    assert_non_null(pdessm_status_text((pdessm_status)999));
    pdessm_context *none = NULL;
    pdessm_context_destroy(&none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(names),
        api_test(the_environment_names_too),
        api_test(copies_follow_who_wrote_last),
        api_test(wrong_calls_are_refused),
        api_test(the_profile_counts),
        cmocka_unit_test(statuses_and_exit_codes),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
