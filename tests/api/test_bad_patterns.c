/* SPDX-License-Identifier: MIT */
/* test_bad_patterns.c: operators on edges with patterns that are wrong: what points outside of the
 * graph becomes NaN where it is used, and the rest stays as it was. */
#include "api.h"

enum { NODES = 3, CHANNELS = 4, EDGES = 7 };

/* A path 0 - 1 - 2 with loops. */
static const int32_t START[NODES + 1] = {0, 2, 5, 7};
static const int32_t COLUMN[EDGES] = {0, 1, 0, 1, 2, 1, 2};
static const int32_t REVERSE[EDGES] = {0, 2, 1, 3, 5, 4, 6};

/* Attention over the edges of a graph and its product with x; loss: the mean square of that. */
typedef struct net {
    pdessm_tape *tape;
    pdessm_tensor *x, *dx, *left, *dleft, *start, *column, *reverse, *y, *loss;
} net;

static pdessm_tensor *parameter(api *a, pdessm_tape *tape, int64_t columns, pdessm_tensor **value,
                                pdessm_tensor **gradient) {
    const int64_t dims[] = {NODES, columns};
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 2, dims, value));
    assert_ok(a, pdessm_tensor_create(a->device, PDESSM_FLOAT32, 2, dims, gradient));
    api_fill(a, *value, (uint32_t)columns);
    assert_ok(a, pdessm_tensor_zero(*gradient));
    return pdessm_tape_parameter(tape, *value, *gradient);
}

static net make(api *a) {
    net n = {0};
    const int64_t rows = NODES + 1, edges = EDGES, dims[] = {NODES, CHANNELS};
    float zeros[NODES * CHANNELS] = {0};
    assert_ok(a, pdessm_tape_create(a->device, &n.tape));
    pdessm_tape *tape = n.tape;
    n.start = pdessm_tape_input(tape, PDESSM_INT32, 1, &rows);
    n.column = pdessm_tape_input(tape, PDESSM_INT32, 1, &edges);
    n.reverse = pdessm_tape_input(tape, PDESSM_INT32, 1, &edges);
    pdessm_pattern pattern = {n.start, n.column, n.reverse};
    pdessm_tensor *x = parameter(a, tape, CHANNELS, &n.x, &n.dx);
    pdessm_tensor *left = parameter(a, tape, 2, &n.left, &n.dleft);
    pdessm_tensor *weight = pdessm_edge_softmax(tape, &pattern, left, left, 0.2);
    n.y = pdessm_tape_output(tape, pdessm_spmm(tape, &pattern, weight, x));
    pdessm_tensor *target = pdessm_tape_input(tape, PDESSM_FLOAT32, 2, dims);
    n.loss = pdessm_mse_loss(tape, n.y, target);
    assert_ok(a, pdessm_tape_plan(tape, n.loss));
    assert_ok(a, pdessm_tensor_write(target, zeros));
    return n;
}

static void end(net *n) {
    pdessm_tape_destroy(&n->tape);
    pdessm_tensor_destroy(&n->x);
    pdessm_tensor_destroy(&n->dx);
    pdessm_tensor_destroy(&n->left);
    pdessm_tensor_destroy(&n->dleft);
}

/* y [NODES, CHANNELS] and the gradient of x, for a pattern of which one number is another. */
static void run(api *a, int which, int at, int32_t other, float *y, float *dx) {
    net n = make(a);
    int32_t start[NODES + 1], column[EDGES], reverse[EDGES];
    int32_t *numbers[] = {start, column, reverse};
    memcpy(start, START, sizeof start);
    memcpy(column, COLUMN, sizeof column);
    memcpy(reverse, REVERSE, sizeof reverse);
    if (which >= 0)
        numbers[which][at] = other;
    assert_ok(a, pdessm_tensor_write(n.start, start));
    assert_ok(a, pdessm_tensor_write(n.column, column));
    assert_ok(a, pdessm_tensor_write(n.reverse, reverse));
    assert_ok(a, pdessm_tape_forward(n.tape));
    assert_ok(a, pdessm_tape_backward(n.tape));
    assert_ok(a, pdessm_tensor_read(n.y, y));
    assert_ok(a, pdessm_tensor_read(n.dx, dx));
    end(&n);
}

static int all_finite(const float *v, int n) {
    for (int i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return 0;
    return 1;
}

static int none_finite(const float *v, int n) {
    for (int i = 0; i < n; i++)
        if (isfinite(v[i]))
            return 0;
    return 1;
}

enum { WHICH_START, WHICH_COLUMN, WHICH_REVERSE };

static void columns_outside_spoil_their_row(void **state) {
    static const int32_t outside[] = {NODES, -1, INT32_MAX, INT32_MIN};
    float good[NODES * CHANNELS], y[NODES * CHANNELS], dx[NODES * CHANNELS];
    run(*state, -1, 0, 0, good, dx);
    assert_true(all_finite(good, NODES * CHANNELS) && all_finite(dx, NODES * CHANNELS));
    for (size_t k = 0; k < sizeof outside / sizeof *outside; k++) {
        run(*state, WHICH_COLUMN, 3, outside[k], y, dx);
        assert_true(none_finite(y + CHANNELS, CHANNELS));
        assert_memory_equal(y, good, CHANNELS * sizeof *y);
        assert_memory_equal(y + 2 * CHANNELS, good + 2 * CHANNELS, CHANNELS * sizeof *y);
        assert_true(none_finite(dx + CHANNELS, CHANNELS));
    }
}

static void reverses_outside_spoil_gradients_alone(void **state) {
    static const int32_t outside[] = {EDGES, -1, INT32_MAX, INT32_MIN};
    float good[NODES * CHANNELS], y[NODES * CHANNELS], dx[NODES * CHANNELS];
    run(*state, -1, 0, 0, good, dx);
    for (size_t k = 0; k < sizeof outside / sizeof *outside; k++) {
        run(*state, WHICH_REVERSE, 0, outside[k], y, dx);
        assert_memory_equal(y, good, sizeof y);
        assert_true(none_finite(dx, CHANNELS));
        assert_true(all_finite(dx + CHANNELS, CHANNELS));
    }
}

/* Rows that begin or end outside are cut to the edges that there are. */
static void rows_outside_are_cut(void **state) {
    float good[NODES * CHANNELS], y[NODES * CHANNELS], dx[NODES * CHANNELS];
    run(*state, -1, 0, 0, good, dx);
    run(*state, WHICH_START, NODES, INT32_MAX, y, dx);
    assert_memory_equal(y, good, sizeof y);
    run(*state, WHICH_START, 0, INT32_MIN, y, dx);
    assert_memory_equal(y, good, sizeof y);
    run(*state, WHICH_START, NODES, 0, y, dx); /* the last row has none */
    assert_memory_equal(y, good, 2 * CHANNELS * sizeof *y);
    for (int c = 0; c < CHANNELS; c++)
        assert_true(y[2 * CHANNELS + c] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        api_test(columns_outside_spoil_their_row),
        api_test(reverses_outside_spoil_gradients_alone),
        api_test(rows_outside_are_cut),
    };
    return cmocka_run_group_tests_name("edges", tests, NULL, NULL);
}
