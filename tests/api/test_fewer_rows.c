/* SPDX-License-Identifier: MIT */
/* test_fewer_rows.c: a tape planned for many rows and run with fewer does what a tape planned for
 * those does, to the last bit. */
#include "api.h"

enum { MOST = 40, WIDTH = 6, HIDDEN = 20, CLASSES = 3, PARAMETERS = 5 };

typedef struct net {
    pdessm_tape *tape;
    pdessm_tensor *value[PARAMETERS], *gradient[PARAMETERS], *running;
    pdessm_tensor *input[2]; /* x, labels */
    pdessm_tensor *loss;
} net;

static const int64_t DIMS[PARAMETERS][2] = {
    {HIDDEN, WIDTH}, {HIDDEN, 0}, {HIDDEN, 0}, {CLASSES, HIDDEN}, {CLASSES, 0}};

static pdessm_tensor *parameter(api *a, net *n, int i) {
    int rank = DIMS[i][1] ? 2 : 1;
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, rank, DIMS[i], &n->value[i]));
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, rank, DIMS[i], &n->gradient[i]));
    api_fill(a, n->value[i], (uint32_t)i);
    return pdessm_tape_parameter(n->tape, n->value[i], n->gradient[i]);
}

/* Two linear layers with what stands between those of a graph network. */
static net make(api *a, int64_t rows) {
    net n = {0};
    assert_ok(a, pdessm_tape_create(a->device, &n.tape));
    pdessm_tensor *p[PARAMETERS];
    for (int i = 0; i < PARAMETERS; i++)
        p[i] = parameter(a, &n, i);
    assert_ok(
        a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 2, (int64_t[]){2, HIDDEN}, &n.running));
    assert_ok(a, pdessm_tensor_zero(n.running));
    n.input[0] = pdessm_tape_input(n.tape, PDESSM_FLOAT32, 2, (const int64_t[]){rows, WIDTH});
    n.input[1] = pdessm_tape_input(n.tape, PDESSM_INT32, 1, &rows);
    pdessm_tensor *running = pdessm_tape_parameter(n.tape, n.running, NULL);
    pdessm_tensor *h = pdessm_linear(n.tape, n.input[0], p[0], NULL, 1);
    h = pdessm_relu(n.tape, pdessm_batch_norm(n.tape, h, p[1], p[2], running, 1, 0.1, 1e-5), 0);
    h = pdessm_linear(n.tape, h, p[3], p[4], 1);
    n.loss = pdessm_tape_output(n.tape, pdessm_cross_entropy(n.tape, h, n.input[1], 0));
    assert_ok(a, pdessm_tape_plan(n.tape, n.loss));
    return n;
}

static void end(net *n) {
    pdessm_tape_destroy(&n->tape);
    for (int i = 0; i < PARAMETERS; i++) {
        pdessm_tensor_destroy(&n->value[i]);
        pdessm_tensor_destroy(&n->gradient[i]);
    }
    pdessm_tensor_destroy(&n->running);
}

/* Loss and all gradients of `rows` drawn rows, one after the other. */
enum { RESULTS = 1 + HIDDEN * WIDTH + 2 * HIDDEN + CLASSES * HIDDEN + CLASSES };

static void run(api *a, net *n, int64_t rows, float *results) {
    int32_t labels[MOST];
    int64_t at = 1;
    for (int64_t i = 0; i < rows; i++)
        labels[i] = (int32_t)(i % CLASSES);
    api_fill(a, n->input[0], 50);
    assert_ok(a, pdessm_tensor_write(n->input[1], labels));
    for (int i = 0; i < PARAMETERS; i++)
        assert_ok(a, pdessm_tensor_zero(n->gradient[i]));
    assert_ok(a, pdessm_tape_forward(n->tape));
    assert_ok(a, pdessm_tape_backward(n->tape));
    assert_ok(a, pdessm_tensor_read(n->loss, results));
    for (int i = 0; i < PARAMETERS; i++) {
        assert_ok(a, pdessm_tensor_read(n->gradient[i], results + at));
        at += pdessm_tensor_count(n->gradient[i]);
    }
    assert_int_equal(at, RESULTS);
}

static void assert_as_planned_for(api *a, net *n, int64_t rows) {
    float got[RESULTS], expected[RESULTS];
    net other = make(a, rows);
    run(a, &other, rows, expected);
    run(a, n, rows, got);
    assert_memory_equal(got, expected, sizeof got);
    end(&other);
}

static void fewer_rows_are_as_planned_for_them(void **state) {
    static const int64_t rows[] = {17, 1, MOST, 33, 2, MOST};
    api *a = *state;
    net n = make(a, MOST);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_ok(a, pdessm_tape_resize(n.tape, 2, n.input, (const int64_t[]){rows[i], rows[i]}));
        assert_as_planned_for(a, &n, rows[i]);
    }
    end(&n);
}

/* Whatever is refused leaves the tape as it was. */
static void what_does_not_fit_is_refused(void **state) {
    api *a = *state;
    net n = make(a, MOST);
    assert_ok(a, pdessm_tape_resize(n.tape, 2, n.input, (const int64_t[]){21, 21}));
    assert_refused(a, pdessm_tape_resize(n.tape, 2, n.input, (const int64_t[]){MOST + 1, 5}),
                   PDESSM_ERROR_SHAPE, "expected 1 to 40, which was planned");
    assert_refused(a, pdessm_tape_resize(n.tape, 1, n.input, (const int64_t[]){0}),
                   PDESSM_ERROR_SHAPE, "first extent 0");
    assert_refused(a, pdessm_tape_resize(n.tape, 1, n.input, (const int64_t[]){20}),
                   PDESSM_ERROR_SHAPE, "labels");
    assert_refused(a, pdessm_tape_resize(n.tape, 1, &n.loss, (const int64_t[]){2}),
                   PDESSM_ERROR_SHAPE, "");
    assert_as_planned_for(a, &n, 21);
    end(&n);
}

static void views_keep_their_extents(void **state) {
    api *a = *state;
    pdessm_tape *tape = NULL;
    assert_ok(a, pdessm_tape_create(a->device, &tape));
    pdessm_tensor *x = pdessm_tape_input(tape, PDESSM_FLOAT32, 2, (const int64_t[]){6, 4});
    pdessm_tensor *flat = pdessm_reshape(tape, x, 1, (const int64_t[]){24});
    pdessm_tensor *y = pdessm_tape_output(tape, pdessm_relu(tape, flat, 0));
    assert_non_null(y);
    assert_refused(a, pdessm_tape_resize(tape, 1, &x, (const int64_t[]){3}), PDESSM_ERROR_ARGUMENT,
                   "not planned");
    assert_ok(a, pdessm_tape_plan(tape, NULL));
    assert_refused(a, pdessm_tape_resize(tape, 1, &x, (const int64_t[]){3}), PDESSM_ERROR_SHAPE,
                   "views keep their extents");
    assert_int_equal(pdessm_tensor_dims(x)[0], 6);
    assert_ok(a, pdessm_tape_resize(tape, 1, &x, (const int64_t[]){6}));
    pdessm_tape_destroy(&tape);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(fewer_rows_are_as_planned_for_them),
        api_test(what_does_not_fit_is_refused),
        api_test(views_keep_their_extents),
    };
    return cmocka_run_group_tests_name("resize", tests, NULL, NULL);
}
