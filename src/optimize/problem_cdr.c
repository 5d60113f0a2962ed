/* SPDX-License-Identifier: MIT */
/* problem_cdr.c: the coefficients of du/ds = div(K grad u) + b . grad u + r u from two snapshots of
 * a field, u at s = 0 and s = 1, on a periodic grid. The unknowns are the raw coefficients of the
 * mixer, (l0, l1, l2, beta_y, beta_x, rho), so that K is positive definite and r <= 0 everywhere in
 * the box. The field is a few narrow bumps: a shift by more than their width leaves no overlap, and
 * the misfit has no slope in b. */
#include <math.h>
#include <stdlib.h>

#include "optimize/problem.h"
#include "tape/tape.h"

enum { STREAM_BUMPS = 1 << 21, STREAM_TRUTH, STREAM_FIELD_NOISE };
enum { BUMPS = 5, COEFFICIENTS = 6 };
enum { MINUS_TARGET };
/* Shifts reach B_MAX tanh(2) = 0.48, almost the half of the square that a shift can mean. */
static const double B_MAX = 0.5, WIDTH = 0.03;
static const double LOWER[COEFFICIENTS] = {-6, -0.1, -6, -2, -2, -6};
static const double UPPER[COEFFICIENTS] = {-1.5, 0.1, -1.5, 2, 2, 1};

static double softplus_inverse(double y) {
    return log(expm1(y));
}

/* The distance on a circle of length 1. */
static double around(double a) {
    return fabs(a - round(a));
}

static void draw_field(pdessm_problem *p) {
    const int64_t n = p->options.grid;
    for (int64_t i = 0; i < n * n; i++) {
        double u = 0;
        for (int k = 0; k < BUMPS; k++) {
            const double dy = around((double)(i / n) / (double)n -
                                     pdessm_problem_uniform(p, STREAM_BUMPS, 3 * k));
            const double dx = around((double)(i % n) / (double)n -
                                     pdessm_problem_uniform(p, STREAM_BUMPS, 3 * k + 1));
            u += (0.5 + pdessm_problem_uniform(p, STREAM_BUMPS, 3 * k + 2)) *
                 exp(-(dy * dy + dx * dx) / (2 * WIDTH * WIDTH));
        }
        p->host[i] = (float)u;
    }
}

static void draw_truth(pdessm_problem *p) {
    const double angle = 2 * 3.14159265358979 * pdessm_problem_uniform(p, STREAM_TRUTH, 0);
    for (int j = 0; j < COEFFICIENTS; j++) {
        p->lower[j] = LOWER[j];
        p->upper[j] = UPPER[j];
    }
    p->truth[0] = softplus_inverse(0.01 + 0.03 * pdessm_problem_uniform(p, STREAM_TRUTH, 1));
    p->truth[1] = 0.02 * (2 * pdessm_problem_uniform(p, STREAM_TRUTH, 2) - 1);
    p->truth[2] = softplus_inverse(0.01 + 0.03 * pdessm_problem_uniform(p, STREAM_TRUTH, 3));
    p->truth[3] = atanh(p->options.shift * sin(angle) / B_MAX);
    p->truth[4] = atanh(p->options.shift * cos(angle) / B_MAX);
    p->truth[5] = softplus_inverse(0.1 + 0.4 * pdessm_problem_uniform(p, STREAM_TRUTH, 4));
}

/* The field at s = 1 for each of n points, [n, grid grid]. The points are channels of the filter;
 * the transposition at the end makes them rows. */
static pdessm_tensor *predict(pdessm_problem *p, pdessm_problem_batch *batch) {
    pdessm_tape *tape = batch->tape;
    const int64_t n = p->options.grid;
    pdessm_tensor *diffusion, *convection, *reaction;
    pdessm_cdr_coefficients(tape, 1, batch->x[0], batch->x[1], batch->x[2], B_MAX, &diffusion,
                            &convection, &reaction);
    const int64_t flat[] = {1, n * n, batch->n}, rows[] = {batch->n, n * n};
    pdessm_tensor *weight = pdessm_tape_parameter(
        tape, batch->ones, NULL); /* [1, points], of one term for each channel */
    weight = pdessm_reshape(tape, weight, 2, (const int64_t[]){batch->n, 1});
    pdessm_tensor *skip = pdessm_tape_parameter(tape, batch->extra[1], NULL);
    pdessm_tensor *u = pdessm_tape_parameter(tape, batch->extra[0], NULL);
    pdessm_tensor *symbol =
        pdessm_cdr_symbol(tape, diffusion, convection, reaction, weight, skip, n, n, PDESSM_EVOLVE);
    pdessm_tensor *y = pdessm_reshape(tape, pdessm_spectral_filter(tape, u, symbol), 3, flat);
    return pdessm_reshape(tape, pdessm_unpatchify(tape, y, 1, n, n), 2, rows);
}

/* extra[0]: the first snapshot in every channel, [1, grid, grid, n]; extra[1]: zeros [n]. */
static pdessm_status make_extra(pdessm_problem *p, pdessm_problem_batch *batch) {
    const int64_t n = p->options.grid, field[] = {1, n, n, batch->n};
    float *numbers = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(p->ctx, (size_t)(n * n * batch->n), sizeof *numbers, &numbers));
    for (int64_t i = 0; i < n * n; i++)
        for (int64_t k = 0; k < batch->n; k++)
            numbers[i * batch->n + k] = p->host[i];
    PDESSM_TRY(pdessm_tensor_create(p->device, PDESSM_FLOAT32, 4, field, &batch->extra[0]));
    PDESSM_TRY(pdessm_tensor_write(batch->extra[0], numbers));
    PDESSM_TRY(pdessm_tensor_create(p->device, PDESSM_FLOAT32, 1, &batch->n, &batch->extra[1]));
    PDESSM_TRY(pdessm_tensor_zero(batch->extra[1]));
out:
    free(numbers);
    return status;
}

pdessm_tensor *pdessm_problem_record_cdr(pdessm_problem *p, pdessm_problem_batch *batch) {
    pdessm_tape *tape = batch->tape;
    pdessm_status status = make_extra(p, batch);
    if (status != PDESSM_OK)
        return pdessm_tape_fail(tape, status);
    pdessm_tensor *minus = pdessm_tape_parameter(tape, p->constant[MINUS_TARGET], NULL);
    return pdessm_landscape(tape, pdessm_add(tape, predict(p, batch), minus),
                            PDESSM_LANDSCAPE_SQUARE, 1 / p->scale, 1);
}

/* The second snapshot: the first one, evolved by the true coefficients, and noise. */
static pdessm_status draw_target(pdessm_problem *p, float *target) {
    pdessm_problem_batch batch = {.n = 1};
    const int64_t n = p->options.grid, one[] = {1, 1};
    const float unit = 1;
    pdessm_tensor *field = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tensor_create(p->device, PDESSM_FLOAT32, 2, one, &batch.ones));
    PDESSM_TRY(pdessm_tensor_write(batch.ones, &unit));
    PDESSM_TRY(make_extra(p, &batch));
    PDESSM_TRY(pdessm_tape_create(p->device, &batch.tape));
    for (int i = 0; i < p->parts; i++) {
        p->part[i].dims[0] = 1;
        batch.x[i] =
            pdessm_tape_input(batch.tape, PDESSM_FLOAT32, p->part[i].rank, p->part[i].dims);
    }
    field = pdessm_tape_output(batch.tape, predict(p, &batch));
    PDESSM_TRY(pdessm_tape_plan(batch.tape, NULL));
    for (int i = 0, first = 0; i < p->parts; first += p->part[i++].columns) {
        float raw[COEFFICIENTS];
        for (int j = 0; j < p->part[i].columns; j++)
            raw[j] = (float)p->truth[first + j];
        PDESSM_TRY(pdessm_tensor_write(batch.x[i], raw));
    }
    PDESSM_TRY(pdessm_tape_forward(batch.tape));
    PDESSM_TRY(pdessm_tensor_read(field, target));
    p->scale = 0;
    for (int64_t i = 0; i < n * n; i++)
        p->scale += (double)target[i] * (double)target[i];
    const double noise = p->options.noise * sqrt(p->scale) / (double)n;
    for (int64_t i = 0; i < n * n; i++)
        target[i] += (float)(noise * pdessm_problem_normal(p, STREAM_FIELD_NOISE, i));
out:
    pdessm_tape_destroy(&batch.tape);
    pdessm_tensor_destroy(&batch.ones);
    pdessm_tensor_destroy(&batch.extra[0]);
    pdessm_tensor_destroy(&batch.extra[1]);
    return status;
}

pdessm_status pdessm_problem_draw_cdr(pdessm_problem *p) {
    const int64_t n = p->options.grid, points = n * n;
    float *target = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(p->ctx, n >= 4 && n <= 1024, PDESSM_ERROR_ARGUMENT,
                   "problem cdr: a grid of %lld, expected 4 to 1024", (long long)n);
    PDESSM_REQUIRE(
        p->ctx, p->options.shift >= 0 && p->options.shift <= 0.45, PDESSM_ERROR_ARGUMENT,
        "problem cdr: a shift of %g sides, expected 0 to 0.45: beyond 0.5 a shift cannot "
        "be told from a shorter one the other way",
        p->options.shift);
    PDESSM_REQUIRE(p->ctx, p->options.noise >= 0, PDESSM_ERROR_ARGUMENT,
                   "problem cdr: noise %g, expected 0 or more", p->options.noise);
    PDESSM_TRY(pdessm_problem_allocate(p, COEFFICIENTS));
    p->parts = 3;
    p->part[0] = (pdessm_problem_part){.columns = 3, .rank = 3, .dims = {0, 1, 3}};
    p->part[1] = (pdessm_problem_part){.columns = 2, .rank = 3, .dims = {0, 1, 2}};
    p->part[2] = (pdessm_problem_part){.columns = 1, .rank = 2, .dims = {0, 1}};
    PDESSM_TRY(pdessm_alloc(p->ctx, (size_t)points, sizeof *p->host, &p->host));
    PDESSM_TRY(pdessm_alloc(p->ctx, (size_t)points, sizeof *target, &target));
    draw_field(p);
    draw_truth(p);
    PDESSM_TRY(draw_target(p, target));
    for (int64_t i = 0; i < points; i++)
        target[i] = -target[i];
    PDESSM_TRY(pdessm_problem_constant(p, MINUS_TARGET, 1, &points, target));
out:
    free(target);
    return status;
}

void pdessm_problem_judge_cdr(const pdessm_problem *p, const double *x, pdessm_problem_score *ret) {
    const double y = around(B_MAX * (tanh(x[3]) - tanh(p->truth[3])));
    const double z = around(B_MAX * (tanh(x[4]) - tanh(p->truth[4])));
    ret->shift_error = sqrt(y * y + z * z);
    ret->recovered = ret->shift_error < 0.01;
    ret->least_value = p->options.noise * p->options.noise;
}
