/* SPDX-License-Identifier: MIT */
/* test_tape_gradients.c: gradients that the tape derives, against differences of the loss it
 * computes. Every network here is linear in each single parameter, so that the loss is quadratic in
 * it and central differences are exact, whatever their width: only rounding is left. */
#include "api.h"

enum { MOST = 8, ROWS = 3, WIDTH = 4 };

typedef struct tape {
    api *a;
    pdessm_tape *tape;
    int count;
    pdessm_tensor *value[MOST], *gradient[MOST];
    pdessm_tensor *handle[MOST]; /* the parameter's tensor in the tape */
    pdessm_tensor *target;
    pdessm_tensor *loss;
} tape;

/* A parameter with a gradient, full of numbers. */
static pdessm_tensor *parameter(tape *t, int rank, const int64_t *dims) {
    int i = t->count++;
    assert_true(i < MOST);
    assert_ok(t->a, pdessm_tensor_create(t->a->device, PDESSM_FLOAT32, rank, dims, &t->value[i]));
    assert_ok(t->a,
              pdessm_tensor_create(t->a->device, PDESSM_FLOAT32, rank, dims, &t->gradient[i]));
    api_fill(t->a, t->value[i], (uint32_t)i);
    t->handle[i] = pdessm_tape_parameter(t->tape, t->value[i], t->gradient[i]);
    return t->handle[i];
}

static pdessm_tensor *matrix(tape *t, int64_t rows, int64_t columns) {
    return parameter(t, 2, (const int64_t[]){rows, columns});
}

/* loss = mean (y - target)^2, in extents of `rank` ones. */
static void end_in_shape(tape *t, pdessm_tensor *y, int rank) {
    if (y)
        t->target = pdessm_tape_input(t->tape, PDESSM_FLOAT32, pdessm_tensor_rank(y),
                                      pdessm_tensor_dims(y));
    pdessm_tensor *loss = pdessm_mse_loss(t->tape, y, t->target);
    if (rank != 1)
        loss = pdessm_reshape(t->tape, loss, rank, (const int64_t[]){1, 1, 1});
    t->loss = pdessm_tape_output(t->tape, loss);
    assert_ok(t->a, pdessm_tape_plan(t->tape, t->loss));
    api_fill(t->a, t->target, 99);
}

static void end_in(tape *t, pdessm_tensor *y) {
    end_in_shape(t, y, 1);
}

static tape begin(api *a) {
    tape t = {.a = a};
    assert_ok(a, pdessm_tape_create(a->device, &t.tape));
    return t;
}

static void end(tape *t) {
    pdessm_tape_destroy(&t->tape);
    for (int i = 0; i < t->count; i++) {
        pdessm_tensor_destroy(&t->value[i]);
        pdessm_tensor_destroy(&t->gradient[i]);
    }
}

static double loss_of(tape *t) {
    float loss;
    assert_ok(t->a, pdessm_tape_forward(t->tape));
    assert_ok(t->a, pdessm_tensor_read(t->loss, &loss));
    return (double)loss;
}

static void run_once(tape *t) {
    for (int i = 0; i < t->count; i++)
        assert_ok(t->a, pdessm_tensor_zero(t->gradient[i]));
    assert_ok(t->a, pdessm_tape_forward(t->tape));
    assert_ok(t->a, pdessm_tape_backward(t->tape));
}

static float *fetch(tape *t, pdessm_tensor *tensor) {
    float *values = malloc((size_t)pdessm_tensor_count(tensor) * sizeof *values);
    assert_non_null(values);
    assert_ok(t->a, pdessm_tensor_read(tensor, values));
    return values;
}

/* Every element of every parameter. */
static void assert_gradients(tape *t) {
    run_once(t);
    for (int i = 0; i < t->count; i++) {
        int64_t n = pdessm_tensor_count(t->value[i]);
        float *values = fetch(t, t->value[i]), *gradient = fetch(t, t->gradient[i]);
        for (int64_t k = 0; k < n; k++) {
            const float at = values[k], h = 0.5f;
            values[k] = at + h;
            assert_ok(t->a, pdessm_tensor_write(t->value[i], values));
            double above = loss_of(t);
            values[k] = at - h;
            assert_ok(t->a, pdessm_tensor_write(t->value[i], values));
            double below = loss_of(t);
            values[k] = at;
            double slope = (above - below) / (2 * (double)h);
            double tolerance = 1e-5 * (fabs(above) + fabs(below)) + 1e-6;
            if (!(fabs(slope - (double)gradient[k]) <= tolerance))
                fail_msg("parameter %d, element %lld: gradient %.7g, difference %.7g +- %.1g", i,
                         (long long)k, (double)gradient[k], slope, tolerance);
        }
        assert_ok(t->a, pdessm_tensor_write(t->value[i], values));
        free(values);
        free(gradient);
    }
    end(t);
}

/* ------------------------------------------------------------------ views */

static void slices_and_an_unused_one(void **state) {
    tape t = begin(*state);
    pdessm_tape *g = t.tape;
    pdessm_tensor *x = matrix(&t, ROWS, WIDTH), *w = matrix(&t, 3 * WIDTH, WIDTH);
    pdessm_tensor *bias = parameter(&t, 1, (const int64_t[]){3 * WIDTH});
    pdessm_tensor *parts = pdessm_linear(g, x, w, bias, 3);
    end_in(&t, pdessm_add(g, pdessm_slice(g, parts, 0), pdessm_slice(g, parts, 2)));
    run_once(&t);
    float *dw = fetch(&t, t.gradient[1]), *dbias = fetch(&t, t.gradient[2]);
    for (int i = 0; i < WIDTH * WIDTH; i++) {
        assert_true(dw[WIDTH * WIDTH + i] == 0);
        assert_true(dw[i] != 0 && dw[2 * WIDTH * WIDTH + i] != 0);
    }
    for (int i = 0; i < WIDTH; i++)
        assert_true(dbias[WIDTH + i] == 0 && dbias[i] != 0);
    free(dw);
    free(dbias);
    assert_gradients(&t);
}

static void a_slice_and_the_whole(void **state) {
    for (int slice_first = 0; slice_first < 2; slice_first++) {
        tape t = begin(*state);
        pdessm_tape *g = t.tape;
        pdessm_tensor *x = matrix(&t, ROWS, WIDTH), *w = matrix(&t, 2 * WIDTH, WIDTH);
        pdessm_tensor *u = matrix(&t, ROWS, WIDTH);
        pdessm_tensor *parts = pdessm_linear(g, x, w, NULL, 2); /* [2, ROWS, WIDTH] */
        pdessm_tensor *one = pdessm_slice(g, parts, 1), *sum;
        if (slice_first) {
            sum = pdessm_add(g, one, u);
            sum = pdessm_add(g, pdessm_add(g, parts, parts), sum);
        } else {
            pdessm_tensor *twice = pdessm_add(g, parts, u);
            sum = pdessm_add(g, twice, one);
        }
        end_in(&t, sum);
        assert_gradients(&t);
    }
}

static void reshapes_of_slices(void **state) {
    const int64_t flat[] = {ROWS * WIDTH}, tall[] = {2, ROWS * WIDTH / 2},
                  deep[] = {2, ROWS, WIDTH / 2};
    tape t = begin(*state);
    pdessm_tape *g = t.tape;
    pdessm_tensor *x = matrix(&t, ROWS, WIDTH), *w = matrix(&t, 2 * WIDTH, WIDTH);
    pdessm_tensor *parts = pdessm_linear(g, x, w, NULL, 2);
    pdessm_tensor *one = pdessm_reshape(g, pdessm_slice(g, parts, 0), 2, tall);
    pdessm_tensor *half = pdessm_slice(g, pdessm_reshape(g, one, 3, deep), 1); /* [3, 2] */
    pdessm_tensor *other = pdessm_reshape(g, pdessm_slice(g, parts, 1), 1, flat);
    pdessm_tensor *half_flat = pdessm_reshape(g, half, 1, (const int64_t[]){ROWS * WIDTH / 2});
    pdessm_tensor *sum = pdessm_add(g, pdessm_reshape(g, other, 2, tall), half_flat);
    end_in(&t, pdessm_add(g, sum, one));
    assert_gradients(&t);
}

/* A row of a slice, the slice, and the whole, in every order of use. */
static void slices_of_slices(void **state) {
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int i = 0; i < 6; i++) {
        tape t = begin(*state);
        pdessm_tape *g = t.tape;
        pdessm_tensor *x = matrix(&t, ROWS, WIDTH), *w = matrix(&t, 2 * WIDTH, WIDTH);
        pdessm_tensor *sum = parameter(&t, 3, (const int64_t[]){2, ROWS, WIDTH});
        pdessm_tensor *parts = pdessm_linear(g, x, w, NULL, 2);
        pdessm_tensor *one = pdessm_slice(g, parts, 1), *row = pdessm_slice(g, one, 2);
        pdessm_tensor *used[] = {parts, one, row};
        for (int k = 0; k < 3; k++)
            sum = pdessm_add(g, sum, used[orders[i][k]]);
        end_in(&t, sum);
        assert_gradients(&t);
    }
}

/* Views of a parameter add to its gradient, whatever is there. */
static void slices_of_a_parameter(void **state) {
    tape t = begin(*state);
    pdessm_tape *g = t.tape;
    pdessm_tensor *p = parameter(&t, 3, (const int64_t[]){2, ROWS, WIDTH});
    pdessm_tensor *row = pdessm_slice(g, pdessm_slice(g, p, 1), 0);
    pdessm_tensor *flat = pdessm_reshape(g, p, 2, (const int64_t[]){2 * ROWS, WIDTH});
    pdessm_tensor *sum = pdessm_add(g, pdessm_slice(g, p, 0), pdessm_slice(g, flat, 1));
    end_in(&t, pdessm_add(g, sum, row));
    assert_gradients(&t);
}

static void a_view_as_loss(void **state) {
    for (int rank = 0; rank <= 2; rank += 2) {
        tape t = begin(*state);
        pdessm_tensor *x = matrix(&t, ROWS, WIDTH), *w = matrix(&t, WIDTH, WIDTH);
        end_in_shape(&t, pdessm_linear(t.tape, x, w, NULL, 1), rank);
        assert_gradients(&t);
    }
}

/* ------------------------------------------------------------------ consumers */

static void several_consumers(void **state) {
    tape t = begin(*state);
    pdessm_tape *g = t.tape;
    pdessm_tensor *x = matrix(&t, ROWS, WIDTH), *w = matrix(&t, WIDTH, WIDTH);
    pdessm_tensor *v = matrix(&t, WIDTH, WIDTH);
    pdessm_tensor *h = pdessm_linear(g, x, w, NULL, 1);
    pdessm_tensor *one = pdessm_linear(g, h, v, NULL, 1), *two = pdessm_add(g, h, h);
    end_in(&t, pdessm_add(g, pdessm_add(g, one, two), h));
    assert_gradients(&t);
}

/* One parameter in two places: both add to the same gradient. */
static void a_shared_parameter(void **state) {
    tape t = begin(*state);
    pdessm_tape *g = t.tape;
    pdessm_tensor *x = matrix(&t, ROWS, WIDTH), *u = matrix(&t, ROWS, WIDTH);
    pdessm_tensor *w = matrix(&t, WIDTH, WIDTH), *bias = parameter(&t, 1, (const int64_t[]){WIDTH});
    end_in(&t, pdessm_add(g, pdessm_linear(g, x, w, bias, 1), pdessm_linear(g, u, w, bias, 1)));
    assert_gradients(&t);
}

/* ------------------------------------------------------------------ pass-through */

enum { BATCH = 2 };
static const int64_t tokens[] = {BATCH, ROWS, WIDTH}, of_image[] = {BATCH, WIDTH};

/* As a block does: x continues through two residuals and is read in between. */
static void residuals_pass_through(void **state) {
    tape t = begin(*state);
    pdessm_tape *g = t.tape;
    pdessm_tensor *u = parameter(&t, 3, tokens), *w = matrix(&t, WIDTH, WIDTH);
    pdessm_tensor *g1 = parameter(&t, 2, of_image), *w1 = matrix(&t, WIDTH, WIDTH);
    pdessm_tensor *g2 = parameter(&t, 2, of_image), *w2 = matrix(&t, WIDTH, WIDTH);
    pdessm_tensor *x = pdessm_linear(g, u, w, NULL, 1);
    x = pdessm_residual(g, x, g1, pdessm_linear(g, x, w1, NULL, 1));
    x = pdessm_residual(g, x, g2, pdessm_linear(g, x, w2, NULL, 1));
    end_in(&t, x);
    assert_gradients(&t);
}

/* The places where the shortcut must not be taken: x is used after the residual too, x is an
 * output, x is a slice, x and m are the same. */
static void residuals_with_a_catch(void **state) {
    for (int which = 0; which < 4; which++) {
        tape t = begin(*state);
        pdessm_tape *g = t.tape;
        pdessm_tensor *u = parameter(&t, 3, tokens), *w = matrix(&t, 2 * WIDTH, WIDTH);
        pdessm_tensor *gate = parameter(&t, 2, of_image);
        pdessm_tensor *v = matrix(&t, WIDTH, WIDTH);
        pdessm_tensor *parts = pdessm_linear(g, u, w, NULL, 2); /* [2, BATCH, ROWS, WIDTH] */
        pdessm_tensor *x = pdessm_slice(g, parts, 0);
        if (which != 2)
            x = pdessm_add(g, x, pdessm_slice(g, parts, 1));
        if (which == 1)
            pdessm_tape_output(g, x);
        pdessm_tensor *m = which == 3 ? x : pdessm_linear(g, x, v, NULL, 1);
        pdessm_tensor *y = pdessm_residual(g, x, gate, m);
        pdessm_tensor *z = pdessm_linear(g, y, v, NULL, 1);
        /* v appears twice in a row otherwise, which would not be linear in it */
        end_in(&t, which == 0 ? pdessm_add(g, y, x) : which == 3 ? z : y);
        assert_gradients(&t);
    }
}

/* ------------------------------------------------------------------ running */

static void gradients_add_up_and_scale(void **state) {
    tape t = begin(*state);
    pdessm_tape *g = t.tape;
    pdessm_tensor *x = matrix(&t, ROWS, WIDTH), *w = matrix(&t, WIDTH, WIDTH);
    pdessm_tensor *y = pdessm_tape_output(g, pdessm_linear(g, x, w, NULL, 1));
    end_in(&t, y);
    run_once(&t);
    float *once = fetch(&t, t.gradient[1]), *dy = fetch(&t, pdessm_tape_gradient(g, y));
    float *got = fetch(&t, y), *target = fetch(&t, t.target);
    for (int i = 0; i < ROWS * WIDTH; i++) {
        double expected = 2 * ((double)got[i] - (double)target[i]) / (ROWS * WIDTH);
        assert_true(fabs((double)dy[i] - expected) < 1e-6);
    }
    assert_ok(t.a, pdessm_tape_set_loss_scale(g, 0.5));
    assert_ok(t.a, pdessm_tape_forward(g));
    assert_ok(t.a, pdessm_tape_backward(g));
    float *more = fetch(&t, t.gradient[1]);
    for (int i = 0; i < WIDTH * WIDTH; i++)
        assert_true(fabs((double)more[i] / (double)once[i] - 1.5) < 1e-5);
    free(once);
    free(more);
    free(dy);
    free(got);
    free(target);
    end(&t);
}

/* Without a loss, what depends on parameters alone is computed once, until told otherwise. */
static void constants_are_computed_once(void **state) {
    api *a = *state;
    const int64_t dims[] = {ROWS, WIDTH};
    tape t = begin(a);
    pdessm_tape *g = t.tape;
    pdessm_tensor *p = matrix(&t, ROWS, WIDTH);
    pdessm_tensor *x = pdessm_tape_input(g, PDESSM_FLOAT32, 2, dims);
    pdessm_tensor *y = pdessm_tape_output(g, pdessm_add(g, x, pdessm_add(g, p, p)));
    assert_ok(a, pdessm_tape_plan(g, NULL));
    float zeros[ROWS * WIDTH] = {0}, ones[ROWS * WIDTH], got[ROWS * WIDTH];
    for (int i = 0; i < ROWS * WIDTH; i++)
        ones[i] = 1;
    for (int phase = 0; phase < 4; phase++) {
        static const float expected[] = {2, 2, 0, 1};
        if (phase == 1 || phase == 0)
            assert_ok(a, pdessm_tensor_write(t.value[0], phase ? zeros : ones));
        if (phase == 2)
            pdessm_tape_invalidate(g);
        assert_ok(a, pdessm_tensor_write(x, phase == 3 ? ones : zeros));
        assert_ok(a, pdessm_tape_forward(g));
        assert_ok(a, pdessm_tensor_read(y, got));
        for (int i = 0; i < ROWS * WIDTH; i++)
            assert_true(got[i] == expected[phase]);
    }
    end(&t);
}

/* Recording keeps the first error; later calls do nothing and no call crashes. */
static void errors_are_kept(void **state) {
    api *a = *state;
    pdessm_tape *g = NULL;
    tape t = begin(a);
    pdessm_tensor *x = matrix(&t, ROWS, WIDTH), *w = matrix(&t, WIDTH, WIDTH + 1);
    assert_refused(a, pdessm_tape_forward(t.tape), PDESSM_ERROR_ARGUMENT, "not planned");
    pdessm_tensor *y = pdessm_linear(t.tape, x, w, NULL, 1);
    assert_null(y);
    y = pdessm_gelu(t.tape, pdessm_reshape(t.tape, pdessm_slice(t.tape, y, 0), 0, NULL));
    assert_null(pdessm_tape_output(t.tape, y));
    assert_refused(a, pdessm_tape_plan(t.tape, y), PDESSM_ERROR_SHAPE,
                   "linear: operand weight is [4, 5]");
    end(&t);

    t = begin(a);
    x = matrix(&t, ROWS, WIDTH);
    y = pdessm_add(t.tape, x, x);
    assert_refused(a, pdessm_tape_plan(t.tape, y), PDESSM_ERROR_ARGUMENT, "one element");
    end(&t);

    t = begin(a);
    y = pdessm_gelu(t.tape, matrix(&t, 2, 1));
    y = pdessm_slice(t.tape, y, 1);
    assert_refused(a, pdessm_tape_plan(t.tape, y), PDESSM_ERROR_ARGUMENT, "[2, 1], or a part");
    end(&t);

    assert_ok(a, pdessm_tape_create(a->device, &g));
    x = pdessm_tape_input(g, PDESSM_FLOAT32, 2, (const int64_t[]){2, 3});
    assert_null(pdessm_slice(g, x, 2));
    assert_refused(a, pdessm_tape_plan(g, NULL), PDESSM_ERROR_SHAPE, "slice 2");
    pdessm_tape_destroy(&g);
    pdessm_tape_destroy(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(slices_and_an_unused_one),
        api_test(a_slice_and_the_whole),
        api_test(reshapes_of_slices),
        api_test(slices_of_slices),
        api_test(slices_of_a_parameter),
        api_test(a_view_as_loss),
        api_test(several_consumers),
        api_test(a_shared_parameter),
        api_test(residuals_pass_through),
        api_test(residuals_with_a_catch),
        api_test(gradients_add_up_and_scale),
        api_test(constants_are_computed_once),
        api_test(errors_are_kept),
    };
    return cmocka_run_group_tests_name(api_device_name(), tests, NULL, NULL);
}
