/* SPDX-License-Identifier: MIT */
/* test_beyond_the_harness.c: what the harness of tests/ops cannot see: sums that do not depend on
 * the number of threads, operators in place, indices outside of a table, steps that do not count,
 * messages. PDESSM_DEVICE names the device; plain C without it. */
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

/* ------------------------------------------------------------------ threads */

enum { BATCH = 2, TOKENS = 3000, CHANNELS = 70, ALL = BATCH * TOKENS * CHANNELS };

static float *numbers(int64_t n, uint32_t stream) {
    float *x = malloc((size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)pdessm_normal(1, PDESSM_RANDOM_CHECK, stream, 0, i);
    return x;
}

struct results {
    float shift[BATCH * CHANNELS], scale[BATCH * CHANNELS], gate[BATCH * CHANNELS], b[CHANNELS];
    float loss, state[8];
};

static void run_sums(int threads, const float *x, const float *dy, struct results *ret) {
    const pdessm_fallback *f = pdessm_host_table();
    pdessm_pool *pool = pdessm_pool_create(threads);
    float *y = malloc(ALL * sizeof *y), *stats = malloc(2 * BATCH * TOKENS * sizeof *stats);
    size_t norm = f->layer_norm_scratch(pool, BATCH, TOKENS, CHANNELS);
    size_t residual = f->residual_scratch(pool, BATCH, TOKENS, CHANNELS);
    size_t add = f->add_scratch(pool, (int64_t)BATCH * TOKENS, CHANNELS);
    memset(ret, 0, sizeof *ret);
    assert_true(pdessm_pool_reserve(pool, norm) && pdessm_pool_reserve(pool, residual) &&
                pdessm_pool_reserve(pool, add));
    f->layer_norm_forward(pool, BATCH, TOKENS, CHANNELS, x, x, x, y, stats);
    f->layer_norm_backward(pool, BATCH, TOKENS, CHANNELS, x, x, stats, dy, y, 0, ret->shift, 0,
                           ret->scale, 0);
    f->residual_backward(pool, BATCH, TOKENS, CHANNELS, x, x, dy, NULL, 0, ret->gate, 0, y, 0);
    f->add_backward(pool, (int64_t)BATCH * TOKENS, CHANNELS, dy, NULL, 0, ret->b, 0);
    f->mse_loss_forward(pool, ALL, x, dy, &ret->loss);
    f->grad_norm_forward(pool, ALL, x, &ret->loss, 1.0f, ret->state);
    free(stats);
    free(y);
    pdessm_pool_destroy(&pool);
}

static void threads_change_nothing(void **state) {
    (void)state;
    float *x = numbers(ALL, 0), *dy = numbers(ALL, 1);
    struct results one, more;
    run_sums(1, x, dy, &one);
    for (int threads = 2; threads <= 7; threads += 5) {
        run_sums(threads, x, dy, &more);
        assert_memory_equal(&one, &more, sizeof one);
    }
    free(dy);
    free(x);
}

/* ------------------------------------------------------------------ what the symbol leaves out */

/* Modes that diffusion has wiped out are not computed; a coefficient that is no number must show
 * all the same, or a run that has gone wrong would continue. */
static void no_number_hides_in_the_symbol(void **state) {
    enum { C = 64, SIZE = 32, MODES = SIZE * (SIZE / 2 + 1) };
    (void)state;
    float diffusion[3 * C], convection[2 * C] = {0}, reaction[C] = {0}, weight[C], skip[C] = {0};
    float *symbol = malloc(sizeof(float) * MODES * C * 2);
    const pdessm_fallback *f = pdessm_host_table();
    pdessm_pool *pool = pdessm_pool_create(1);
    pdessm_cdr cdr = {C, 1, SIZE, SIZE, 0, diffusion, convection, reaction, weight, skip};
    assert_true(pdessm_pool_reserve(pool, f->cdr_symbol_scratch(1, SIZE)));
    for (int bad = 0; bad < 4; bad++) {
        int64_t wrong = 0;
        for (int c = 0; c < C; c++) {
            diffusion[3 * c] = diffusion[3 * c + 2] = 0.5f;
            diffusion[3 * c + 1] = 0.0f;
            weight[c] = 1.0f;
            reaction[c] = convection[2 * c] = 0.0f;
        }
        *(float *[]){&diffusion[3 * 20], &diffusion[3 * 20 + 2], &reaction[20],
                     &convection[2 * 20]}[bad] = NAN;
        f->cdr_symbol_forward(pool, &cdr, symbol);
        for (int64_t i = 0; i < MODES * C * 2; i++)
            wrong += !isfinite(symbol[i]) && i / 2 % C == 20;
        assert_true(wrong > 0);
        assert_true(fabsf(symbol[2 * 5] - 1.0f) < 1e-6f); /* the mean of another channel */
        assert_true(fabsf(symbol[2 * (8 * C + 5)]) < 1e-9f);
    }
    pdessm_pool_destroy(&pool);
    free(symbol);
}

/* ------------------------------------------------------------------ one device for the rest */

typedef struct fixture {
    pdessm_context *ctx;
    pdessm_device *device;
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    const char *name = getenv("PDESSM_DEVICE");
    return pdessm_context_create(NULL, &f->ctx) != PDESSM_OK ||
           pdessm_device_open(f->ctx, name ? name : "cpu", &f->device) != PDESSM_OK;
}

static int tear_down(void **state) {
    fixture *f = *state;
    pdessm_device_destroy(&f->device);
    pdessm_context_destroy(&f->ctx);
    free(f);
    return 0;
}

static pdessm_tensor *tensor(fixture *f, pdessm_dtype dtype, int rank, const int64_t *dims,
                             const void *values) {
    pdessm_tensor *t = NULL;
    assert_int_equal(pdessm_tensor_create(f->device, dtype, rank, dims, &t), PDESSM_OK);
    assert_int_equal(values ? pdessm_tensor_write(t, values) : pdessm_tensor_zero(t), PDESSM_OK);
    return t;
}

static pdessm_tensor *vector(fixture *f, int64_t n, const float *values) {
    return tensor(f, PDESSM_FLOAT32, 1, &n, values);
}

static void run(fixture *f, const pdessm_call *call) {
    if (pdessm_dispatch(f->device, call) != PDESSM_OK)
        fail_msg("%s", pdessm_context_error(f->ctx));
}

static void refuses(fixture *f, const pdessm_call *call, const char *message) {
    assert_int_not_equal(pdessm_dispatch(f->device, call), PDESSM_OK);
    assert_string_equal(pdessm_context_error(f->ctx), message);
}

static void destroy(pdessm_call *call) {
    for (int i = 0; i < PDESSM_MAX_OPERANDS; i++) {
        for (int k = 0; k < i; k++) /* in place: once is enough */
            if (call->operand[k] == call->operand[i])
                call->operand[i] = NULL;
        pdessm_tensor_destroy(&call->gradient[i]);
    }
    for (int i = 0; i < PDESSM_MAX_OPERANDS; i++)
        pdessm_tensor_destroy(&call->operand[i]);
}

/* ------------------------------------------------------------------ combine */

/* y is in turn x, the first and the last k. */
static void combine_in_place(void **state) {
    fixture *f = *state;
    enum { N = 5000 };
    float *value[3] = {numbers(N, 0), numbers(N, 1), numbers(N, 2)}, got[N];
    static const int place[] = {0, 1, 7};
    for (int which = 0; which < 3; which++) {
        pdessm_call call = {.op = PDESSM_OP_combine, .attribute = {0.5, [6] = -2}};
        for (int i = 0; i < 3; i++)
            call.operand[place[i]] = vector(f, N, value[i]);
        call.operand[8] = call.operand[place[which]];
        run(f, &call);
        assert_int_equal(pdessm_tensor_read(call.operand[8], got), PDESSM_OK);
        for (int i = 0; i < N; i++)
            assert_float_equal(got[i], value[0][i] + 0.5f * value[1][i] - 2 * value[2][i], 1e-5);
        destroy(&call);
    }
    for (int i = 0; i < 3; i++)
        free(value[i]);
}

/* ------------------------------------------------------------------ embedding */

static void embedding_outside_of_the_table(void **state) {
    fixture *f = *state;
    const int64_t table_dims[] = {2, 3}, batch = 4, y_dims[] = {4, 3};
    const float table[] = {1, 2, 3, 4, 5, 6}, dy[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const int32_t index[] = {1, -1, 2, 1};
    float y[12], dtable[6];
    pdessm_call call = {.op = PDESSM_OP_embedding,
                        .operand = {tensor(f, PDESSM_FLOAT32, 2, table_dims, table),
                                    tensor(f, PDESSM_INT32, 1, &batch, index),
                                    tensor(f, PDESSM_FLOAT32, 2, y_dims, NULL)},
                        .gradient = {tensor(f, PDESSM_FLOAT32, 2, table_dims, table), NULL,
                                     tensor(f, PDESSM_FLOAT32, 2, y_dims, dy)}};
    run(f, &call);
    call.pass = PDESSM_BACKWARD;
    run(f, &call);
    assert_int_equal(pdessm_tensor_read(call.operand[2], y), PDESSM_OK);
    assert_int_equal(pdessm_tensor_read(call.gradient[0], dtable), PDESSM_OK);
    for (int c = 0; c < 3; c++) {
        assert_true(y[c] == table[3 + c] && y[9 + c] == table[3 + c]);
        assert_true(isnan(y[3 + c]) && isnan(y[6 + c]));
        assert_true(dtable[c] == 0 && dtable[3 + c] == 2);
    }
    destroy(&call);
}

/* ------------------------------------------------------------------ steps that do not count */

/* grad_norm, adamw, ema over one bad step (the gradient has an infinite element) and a good one. */
static void bad_steps_change_nothing(void **state) {
    fixture *f = *state;
    const float start[] = {1, 2, 3}, loss = 0.25f;
    for (int good = 0; good < 2; good++) {
        const float gradient[] = {3, good ? 4 : INFINITY, 0};
        const float before[8] = {9, 9, 9, 2, 5, 1, 4, 9};
        float s[8], p[3], average[3];
        pdessm_call norm = {
            .op = PDESSM_OP_grad_norm,
            .operand = {vector(f, 3, gradient), vector(f, 1, &loss), vector(f, 8, before)},
            .attribute = {2}};
        pdessm_call adamw = {.op = PDESSM_OP_adamw,
                             .operand = {vector(f, 3, start), norm.operand[0], vector(f, 3, NULL),
                                         vector(f, 3, NULL), norm.operand[2]},
                             .attribute = {0.5, 0.9, 0.999, 1e-8, 0, 1}};
        pdessm_call ema = {.op = PDESSM_OP_ema,
                           .operand = {vector(f, 3, start), adamw.operand[0], norm.operand[2]},
                           .attribute = {0.5}};
        run(f, &norm);
        run(f, &adamw);
        run(f, &ema);
        assert_int_equal(pdessm_tensor_read(norm.operand[2], s), PDESSM_OK);
        assert_int_equal(pdessm_tensor_read(adamw.operand[0], p), PDESSM_OK);
        assert_int_equal(pdessm_tensor_read(ema.operand[0], average), PDESSM_OK);
        const float counts[2][8] = {{INFINITY, 0, 0, 3, 6, 1, 4, 0.25f},
                                    {5, 0.4f, 1, 0, 5, 1.25f, 5, 0.25f}};
        assert_int_equal(isfinite(s[0]), good); /* a device may say NaN where the sum is infinite */
        for (int i = good ? 0 : 1; i < 8; i++)
            assert_float_equal(s[i], counts[good][i], 1e-6);
        /* The first step of Adam moves by the rate against the sign; the average goes half way. */
        for (int i = 0; i < 3; i++) {
            float moved = good && i < 2 ? 0.5f : 0.0f;
            assert_float_equal(p[i], start[i] - moved, 1e-6);
            assert_float_equal(average[i], start[i] - moved / 2, 1e-6);
        }
        pdessm_tensor_destroy(&ema.operand[0]);
        adamw.operand[1] = adamw.operand[4] = NULL;
        destroy(&adamw);
        destroy(&norm);
    }
}

/* ------------------------------------------------------------------ messages */

static void messages_name_the_operand(void **state) {
    fixture *f = *state;
    const int64_t dims[] = {2, 6, 4};
    pdessm_tensor *x = tensor(f, PDESSM_FLOAT32, 3, dims, NULL), *small = vector(f, 4, NULL);
    pdessm_tensor *pair = tensor(f, PDESSM_FLOAT32, 2, dims, NULL);
    refuses(f, &(pdessm_call){.op = PDESSM_OP_residual, .operand = {x, pair, x, x}},
            "residual: operand gate is [2, 6], expected [2, 4] (batch and channels of x)");
    refuses(f, &(pdessm_call){.op = PDESSM_OP_layer_norm, .operand = {x, pair, NULL, x, x}},
            "layer_norm: operand scale is missing: give both shift and scale or neither");
    refuses(f, &(pdessm_call){.op = PDESSM_OP_gate, .operand = {x, small, x}},
            "gate: operand z is [4], expected [2, 6, 4] (the shape of a)");
    refuses(f, &(pdessm_call){.op = PDESSM_OP_add, .operand = {x, pair, x}},
            "add: operand b is [2, 6], expected [6, 4] (the last extents of a)");
    refuses(f, &(pdessm_call){.op = PDESSM_OP_patchify, .operand = {x, x}, .attribute = {2}},
            "patchify: operand image is [2, 6, 4], expected [batch, channels, height, width]");
    refuses(f,
            &(pdessm_call){.op = PDESSM_OP_unpatchify, .operand = {x, x}, .attribute = {3, 6, 9}},
            "unpatchify: operand tokens is [2, 6, 4], which is no image of 6 x 9 in patches of 3: "
            "expected [batch, height width / patch^2, patch^2 channels]");
    refuses(f, &(pdessm_call){.op = PDESSM_OP_combine, .operand = {x, [8] = x}, .attribute = {1}},
            "combine: attribute c1 is 1, but operand k1 is missing");
    pdessm_tensor_destroy(&pair);
    pdessm_tensor_destroy(&small);
    pdessm_tensor_destroy(&x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(no_number_hides_in_the_symbol),
        cmocka_unit_test_setup_teardown(combine_in_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(embedding_outside_of_the_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_steps_change_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(messages_name_the_operand, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
