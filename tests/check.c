/* SPDX-License-Identifier: MIT */
/* check.c: the operator harness; see check.h. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"

enum { GUARD = 64, ONE_HOTS = 8, DENSE = 2 };
static const float GUARD_VALUE = 1e30f; /* not NaN: its payload survives arithmetic */

struct check {
    pdessm_device *device;
    const check_operator *what;
    const char *letters;
    pdessm_case drawn;
    uint32_t stream;                              /* of the last random numbers */
    check_case in;                                /* inputs as drawn */
    pdessm_tensor *whole[PDESSM_MAX_OPERANDS][2]; /* operand and gradient with their guards */
    pdessm_tensor view[PDESSM_MAX_OPERANDS][2];
    pdessm_call call;
    int failed;
};

static void fatal(check *c, const char *what) {
    fprintf(stderr, "check: %s: %s: %s\n", pdessm_op_get(c->drawn.op)->name, what,
            pdessm_context_error(c->device->ctx));
    exit(1);
}

static void fail(check *c, const char *what, int operand, int64_t index, double got,
                 double expected, double tolerance) {
    if (!c->failed)
        printf("FAIL %s: %s of operand %d at element %lld: got %.9g, expected %.9g +- %.2g\n"
               "  replay: check --device %s --op %s --cases 1 --seed %llu\n",
               pdessm_op_get(c->drawn.op)->name, what, operand, (long long)index, got, expected,
               tolerance, c->device->backend ? c->device->info.platform_name : "cpu",
               pdessm_op_get(c->drawn.op)->name, (unsigned long long)c->drawn.seed);
    c->failed = 1;
}

/* ------------------------------------------------------------------ drawing a case */

pdessm_case *check_drawn(check *c) {
    return &c->drawn;
}

double *check_values(check *c, int i) {
    return c->in.value[i];
}

int64_t check_count(const check *c, int i) {
    return c->in.count[i];
}

double check_uniform(check *c, double least, double most) {
    double u =
        pdessm_uniform(c->drawn.seed, PDESSM_RANDOM_CHECK, PDESSM_CASE_FREE + c->stream++, 0, 0);
    return least + (most - least) * u;
}

int check_coin(check *c) {
    return check_uniform(c, 0, 1) < 0.5;
}

static void draw_normal(check *c, int64_t n, double *ret) {
    const uint32_t stream = PDESSM_CASE_FREE + c->stream++;
    for (int64_t k = 0; k < n; k++)
        ret[k] = pdessm_normal(c->drawn.seed, PDESSM_RANDOM_CHECK, stream, 0, k);
}

static double *set_operand(check *c, int i, int rank, const int64_t *dims) {
    c->in.rank[i] = rank;
    c->in.count[i] = 1;
    for (int k = 0; k < rank; k++)
        c->in.count[i] *= c->in.dims[i][k] = dims[k];
    c->in.value[i] = calloc((size_t)c->in.count[i], sizeof(double));
    return c->in.value[i];
}

/* The numbers of operand i as the harness draws them, in double. */
static void draw_operand(check *c, int i) {
    const pdessm_case_operand *operand = &c->drawn.operand[i];
    double *value = set_operand(c, i, operand->rank, operand->dims);
    float *numbers = malloc(sizeof *numbers * (size_t)c->in.count[i]);
    pdessm_case_numbers(&c->drawn, i, c->in.count[i], numbers);
    for (int64_t k = 0; k < c->in.count[i]; k++) {
        int32_t whole;
        memcpy(&whole, &numbers[k], sizeof whole);
        value[k] = c->letters[i] == 'i' ? (double)whole : (double)numbers[k];
    }
    free(numbers);
}

static void draw_case(check *c, pdessm_op op, uint64_t seed) {
    pdessm_case_draw(op, NULL, seed, &c->drawn);
    for (int i = 0; c->letters[i]; i++)
        if (c->drawn.operand[i].fill != PDESSM_FILL_NONE)
            draw_operand(c, i);
    if (c->what->edges)
        c->what->edges(c);
    /* Device and oracle see the same. */
    for (int i = 0; c->letters[i]; i++)
        for (int64_t k = 0; c->letters[i] != 'i' && k < c->in.count[i]; k++)
            c->in.value[i][k] = (double)(float)c->in.value[i][k];
    memcpy(c->in.attribute, c->drawn.attribute, sizeof c->in.attribute);
}

static double tolerance_of(const check *c, pdessm_pass pass) {
    return pdessm_tolerance(&c->drawn, pass, PDESSM_FLOAT_ROUNDOFF);
}

/* ------------------------------------------------------------------ tensors with guards */

/* A tensor in the middle of a larger one that is filled with 1e30. */
static void make_tensor(check *c, int i, int pair, pdessm_dtype dtype, int rank,
                        const int64_t *dims) {
    int64_t n = 1;
    for (int k = 0; k < rank; k++)
        n *= dims[k];
    int64_t whole = n + 2 * GUARD;
    if (pdessm_tensor_create(c->device, dtype, 1, &whole, &c->whole[i][pair]) != PDESSM_OK)
        fatal(c, "no tensor");
    pdessm_tensor *view = &c->view[i][pair];
    *view = *c->whole[i][pair];
    view->owns_storage = 0;
    view->rank = rank;
    memcpy(view->dims, dims, sizeof *dims * (size_t)rank);
    view->offset = GUARD * sizeof(float);
}

/* Fills the tensor and its guards; values may be NULL (then 1e30 too: nobody may rely on it). */
static void fill_tensor(check *c, int i, int pair, const double *values) {
    int64_t n = pdessm_tensor_count(&c->view[i][pair]);
    float *f = malloc(sizeof *f * (size_t)(n + 2 * GUARD));
    for (int64_t k = 0; k < n + 2 * GUARD; k++)
        f[k] = GUARD_VALUE;
    for (int64_t k = 0; values && k < n; k++)
        f[k + GUARD] = (float)values[k];
    if (c->view[i][pair].dtype == PDESSM_INT32)
        for (int64_t k = 0; values && k < n; k++) {
            int32_t whole = (int32_t)values[k];
            memcpy(&f[k + GUARD], &whole, sizeof whole);
        }
    if (pdessm_tensor_write(c->whole[i][pair], f) != PDESSM_OK)
        fatal(c, "cannot write");
    free(f);
}

/* Reads a tensor back as double and looks at its guards. */
static double *read_tensor(check *c, int i, int pair) {
    int64_t n = pdessm_tensor_count(&c->view[i][pair]);
    float *f = malloc(sizeof *f * (size_t)(n + 2 * GUARD));
    double *values = malloc(sizeof *values * (size_t)n);
    if (pdessm_tensor_read(c->whole[i][pair], f) != PDESSM_OK)
        fatal(c, "cannot read");
    for (int64_t k = 0; k < n; k++)
        values[k] = (double)f[k + GUARD];
    for (int64_t k = 0; k < GUARD; k++)
        if (f[k] != GUARD_VALUE || f[n + GUARD + k] != GUARD_VALUE)
            fail(c, pair ? "guard of the gradient" : "guard", i, k, (double)f[k], 1e30, 0);
    free(f);
    return values;
}

/* ------------------------------------------------------------------ oracle */

static check_case copy_case(const check_case *from) {
    check_case k = *from;
    for (int i = 0; i < PDESSM_MAX_OPERANDS; i++) {
        if (!from->value[i])
            continue;
        k.value[i] = malloc(sizeof(double) * (size_t)k.count[i]);
        memcpy(k.value[i], from->value[i], sizeof(double) * (size_t)k.count[i]);
    }
    return k;
}

static void free_case(check_case *k) {
    for (int i = 0; i < PDESSM_MAX_OPERANDS; i++)
        free(k->value[i]);
}

static check_case run_oracle(const check *c, const check_case *in) {
    check_case k = copy_case(in);
    for (int i = 0; c->letters[i]; i++)
        if (pdessm_letter_is_output(c->letters[i]))
            memset(k.value[i], 0, sizeof(double) * (size_t)k.count[i]);
    c->what->oracle(&k);
    return k;
}

/* sum over outputs of dy . y, the function whose gradient the backward pass computes. */
static double loss(const check *c, const check_case *in, const check_case *dy) {
    check_case k = run_oracle(c, in);
    double sum = 0;
    for (int i = 0; c->letters[i]; i++)
        for (int64_t e = 0; strchr("wW", c->letters[i]) && e < k.count[i]; e++)
            sum += k.value[i][e] * dy->value[i][e];
    free_case(&k);
    return sum;
}

/* ------------------------------------------------------------------ judging */

static double largest(const double *v, int64_t n) {
    double m = 0;
    for (int64_t k = 0; k < n; k++)
        m = fmax(m, fabs(v[k]));
    return m;
}

static void judge_forward(check *c) {
    check_case expected = run_oracle(c, &c->in);
    for (int i = 0; c->letters[i]; i++) {
        if (!strchr("wWm", c->letters[i]) || !expected.value[i])
            continue;
        double *got = read_tensor(c, i, 0);
        double tolerance =
            tolerance_of(c, PDESSM_FORWARD) * largest(expected.value[i], expected.count[i]);
        for (int64_t k = 0; k < expected.count[i]; k++)
            if (!(fabs(got[k] - expected.value[i][k]) <= tolerance + 1e-30) &&
                !(isnan(got[k]) && isnan(expected.value[i][k])))
                fail(c, "forward", i, k, got[k], expected.value[i][k], tolerance);
        free(got);
    }
    free_case(&expected);
}

/* One direction d of operand i: its slope by central differences, against gradient . d. */
static void judge_direction(check *c, const check_case *dy, int i, const double *gradient,
                            const double *direction, double rounding, int64_t label) {
    const double h = c->drawn.step;
    check_case moved = copy_case(&c->in);
    double slope = 0, product = 0, size = 0, lost = 0;
    for (int64_t k = 0; k < moved.count[i]; k++) {
        moved.value[i][k] = c->in.value[i][k] + h * direction[k];
        product += gradient[k] * direction[k];
        size += fabs(gradient[k] * direction[k]);
        lost += rounding * fabs(direction[k]);
    }
    slope = loss(c, &moved, dy);
    for (int64_t k = 0; k < moved.count[i]; k++)
        moved.value[i][k] = c->in.value[i][k] - h * direction[k];
    double below = loss(c, &moved, dy);
    /* Differences of a sum lose what the sum's own rounding hides. */
    double noise = 1e-15 * (fabs(slope) + fabs(below)) / h;
    slope = (slope - below) / (2 * h);
    double tolerance = tolerance_of(c, PDESSM_BACKWARD) *
                           fmax(size, label >= 0 ? largest(gradient, moved.count[i]) : 0) +
                       noise + lost + 1e-9;
    if (!(fabs(slope - product) <= tolerance))
        fail(c, label >= 0 ? "gradient" : "gradient along a random direction", i, label, product,
             slope, tolerance);
    free_case(&moved);
}

static void judge_gradient(check *c, const check_case *dy, int i, const double *before) {
    int64_t n = c->in.count[i];
    double *gradient = read_tensor(c, i, 1);
    double *direction = calloc((size_t)n, sizeof *direction);
    /* What was there rounds the sum, however small the gradient itself is. */
    double rounding = before ? 0x1p-23 * largest(before, n) : 0;
    for (int64_t k = 0; before && k < n; k++)
        gradient[k] -= before[k];
    for (int d = 0; d < DENSE; d++) {
        draw_normal(c, n, direction);
        judge_direction(c, dy, i, gradient, direction, rounding, -1);
    }
    for (int d = 0; d < ONE_HOTS && d < n; d++) {
        int64_t k = d == 0 ? 0 : d == 1 ? n - 1 : (int64_t)check_uniform(c, 0, (double)n);
        memset(direction, 0, sizeof *direction * (size_t)n);
        direction[k] = 1;
        judge_direction(c, dy, i, gradient, direction, rounding, k);
    }
    free(direction);
    free(gradient);
}

/* ------------------------------------------------------------------ running */

static void make_operands(check *c) {
    pdessm_shape shape[PDESSM_MAX_OPERANDS] = {0};
    c->call = (pdessm_call){.op = c->drawn.op, .pass = PDESSM_FORWARD};
    memcpy(c->call.attribute, c->in.attribute, sizeof c->call.attribute);
    for (int i = 0; c->letters[i]; i++) {
        if (!c->in.value[i] || pdessm_letter_is_output(c->letters[i]))
            continue;
        make_tensor(c, i, 0, c->letters[i] == 'i' ? PDESSM_INT32 : PDESSM_FLOAT32, c->in.rank[i],
                    c->in.dims[i]);
        fill_tensor(c, i, 0, c->in.value[i]);
        c->call.operand[i] = &c->view[i][0];
    }
    if (pdessm_op_get(c->drawn.op)->descriptor->shapes(c->device->ctx, &c->call, shape) !=
        PDESSM_OK)
        fatal(c, "shapes refused");
    for (int i = 0; c->letters[i]; i++) {
        if (!pdessm_letter_is_output(c->letters[i]))
            continue;
        set_operand(c, i, shape[i].rank, shape[i].dims);
        make_tensor(c, i, 0, shape[i].dtype, shape[i].rank, shape[i].dims);
        fill_tensor(c, i, 0, NULL);
        c->call.operand[i] = &c->view[i][0];
    }
}

static void run(check *c) {
    if (pdessm_dispatch(c->device, &c->call) != PDESSM_OK)
        fatal(c, "dispatch");
    int pass = (int)c->call.pass;
    if (c->device->backend && c->device->on_host[c->drawn.op][pass])
        fail(c, pass == PDESSM_FORWARD ? "fell back to plain C, forward" : "fell back, backward",
             -1, -1, 0, 0, 0);
}

/* Gradients of a random part of the inputs, some added to what is there, as a graph asks for it. */
static void run_backward(check *c) {
    check_case dy = copy_case(&c->in), before = copy_case(&c->in);
    c->call.pass = PDESSM_BACKWARD;
    for (int i = 0; c->letters[i]; i++) {
        if (!pdessm_letter_has_gradient(c->letters[i]) || !c->in.value[i])
            continue;
        int output = pdessm_letter_is_output(c->letters[i]);
        if (!output && check_uniform(c, 0, 1) < 0.2)
            continue;
        make_tensor(c, i, 1, PDESSM_FLOAT32, c->in.rank[i], c->in.dims[i]);
        draw_normal(c, c->in.count[i], dy.value[i]);
        for (int64_t k = 0; k < c->in.count[i]; k++)
            before.value[i][k] = dy.value[i][k] = (double)(float)dy.value[i][k];
        int add = !output && check_coin(c);
        fill_tensor(c, i, 1, output || add ? dy.value[i] : NULL);
        c->call.accumulate |= (unsigned)add << i;
        c->call.gradient[i] = &c->view[i][1];
    }
    run(c);
    for (int i = 0; c->letters[i]; i++)
        if (c->call.gradient[i] && !pdessm_letter_is_output(c->letters[i]))
            judge_gradient(c, &dy, i, (c->call.accumulate >> i) & 1 ? before.value[i] : NULL);
    free_case(&dy);
    free_case(&before);
}

int check_case_run(pdessm_device *device, pdessm_op op, uint64_t seed, const check_operator *what) {
    check c = {.device = device, .what = what, .letters = pdessm_op_get(op)->letters};
    draw_case(&c, op, seed);
    make_operands(&c);
    run(&c);
    judge_forward(&c);
    if (pdessm_op_differentiable(op))
        run_backward(&c);
    for (int i = 0; i < PDESSM_MAX_OPERANDS; i++)
        for (int pair = 0; pair < 2; pair++)
            pdessm_tensor_destroy(&c.whole[i][pair]);
    free_case(&c.in);
    return c.failed;
}
