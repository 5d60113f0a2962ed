/* SPDX-License-Identifier: MIT */
/* problem.c: the built-in problems of optimisation: their table, and their batches on the device.
 */
#include "optimize/problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const pdessm_problem_kind kinds[] = {
#define FUNCTION(text, identifier, box)                                                            \
    {                                                                                              \
        .name = text, .function = PDESSM_LANDSCAPE_##identifier, .half = box,                      \
        .draw = pdessm_problem_draw_landscape, .record = pdessm_problem_record_landscape           \
    }
    FUNCTION("ackley", ACKLEY, 32.768),
    FUNCTION("rastrigin", RASTRIGIN, 5.12),
    FUNCTION("griewank", GRIEWANK, 600),
    FUNCTION("levy", LEVY, 10),
    FUNCTION("alpine1", ALPINE1, 10),
    FUNCTION("styblinski-tang", STYBLINSKI_TANG, 5),
    FUNCTION("schwefel", SCHWEFEL, 500),
#undef FUNCTION
    {.name = "sparse-log",
     .function = PDESSM_LANDSCAPE_LOG,
     .draw = pdessm_problem_draw_sparse,
     .record = pdessm_problem_record_sparse,
     .judge = pdessm_problem_judge_sparse},
    {.name = "sparse-ratio",
     .function = PDESSM_LANDSCAPE_RATIO,
     .draw = pdessm_problem_draw_sparse,
     .record = pdessm_problem_record_sparse,
     .judge = pdessm_problem_judge_sparse},
    {.name = "cdr",
     .draw = pdessm_problem_draw_cdr,
     .record = pdessm_problem_record_cdr,
     .judge = pdessm_problem_judge_cdr,
     .starts_in_the_middle = 1},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

pdessm_problem_options pdessm_problem_defaults(void) {
    return (pdessm_problem_options){.dimension = 10,
                                    .measurements = 80,
                                    .nonzeros = 10,
                                    .noise = 0.01,
                                    .penalty_weight = 0.003,
                                    .penalty_width = 0.05,
                                    .grid = 32,
                                    .shift = 0.25};
}

/* ------------------------------------------------------------------ drawing */

/* Instances are samples of the seed's stream, so that none repeats another's numbers. */
double pdessm_problem_uniform(const pdessm_problem *p, uint32_t stream, int64_t index) {
    return pdessm_uniform(p->options.seed, PDESSM_RANDOM_DATA, stream,
                          (uint32_t)p->options.instance, index);
}

double pdessm_problem_normal(const pdessm_problem *p, uint32_t stream, int64_t index) {
    return pdessm_normal(p->options.seed, PDESSM_RANDOM_DATA, stream, (uint32_t)p->options.instance,
                         index);
}

pdessm_status pdessm_problem_allocate(pdessm_problem *p, int64_t dimension) {
    pdessm_status status = PDESSM_OK;
    p->dimension = dimension;
    PDESSM_TRY(pdessm_alloc(p->ctx, (size_t)dimension, sizeof *p->lower, &p->lower));
    PDESSM_TRY(pdessm_alloc(p->ctx, (size_t)dimension, sizeof *p->upper, &p->upper));
    PDESSM_TRY(pdessm_alloc(p->ctx, (size_t)dimension, sizeof *p->truth, &p->truth));
    p->parts = 1;
    p->part[0] =
        (pdessm_problem_part){.columns = (int)dimension, .rank = 2, .dims = {0, dimension}};
out:
    return status;
}

pdessm_status pdessm_problem_constant(pdessm_problem *p, int i, int rank, const int64_t *dims,
                                      const float *numbers) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tensor_create(p->device, PDESSM_FLOAT32, rank, dims, &p->constant[i]));
    PDESSM_TRY(pdessm_tensor_write(p->constant[i], numbers));
out:
    return status;
}

enum { STREAM_SHIFT, STREAM_SIGN, STREAM_START };
/* The optimum keeps this distance from the centre and the sides, as shares of half the box. */
static const double LEAST_SHIFT = 0.1, MOST_SHIFT = 0.8;
/* Schwefel's lies near the corner where it has always been, so that the valleys that mislead stay
 * where they were. */
static const double SCHWEFEL_PLACE = 420.968746359982, SCHWEFEL_SHIFT = 50;

pdessm_status pdessm_problem_draw_landscape(pdessm_problem *p) {
    pdessm_status status = PDESSM_OK;
    const pdessm_problem_kind *k = p->kind;
    const int64_t d = p->options.dimension;
    float *minus = NULL;
    PDESSM_TRY(pdessm_problem_allocate(p, d));
    PDESSM_TRY(pdessm_alloc(p->ctx, (size_t)d, sizeof *minus, &minus));
    for (int64_t j = 0; j < d; j++) {
        const double size = pdessm_problem_uniform(p, STREAM_SHIFT, j);
        const int sign = pdessm_problem_uniform(p, STREAM_SIGN, j) < 0.5 ? -1 : 1;
        if (k->function == PDESSM_LANDSCAPE_SCHWEFEL)
            p->truth[j] =
                SCHWEFEL_PLACE + (p->options.centred ? 0 : SCHWEFEL_SHIFT * (2 * size - 1));
        else if (!p->options.centred)
            p->truth[j] = sign * k->half * (LEAST_SHIFT + (MOST_SHIFT - LEAST_SHIFT) * size);
        p->truth[j] = (double)(float)p->truth[j]; /* where the device has it */
        p->lower[j] = -k->half;
        p->upper[j] = k->half;
        minus[j] = -(float)p->truth[j];
    }
    PDESSM_TRY(pdessm_problem_constant(p, 0, 1, &d, minus));
out:
    free(minus);
    return status;
}

pdessm_tensor *pdessm_problem_record_landscape(pdessm_problem *p, pdessm_problem_plan *plan) {
    pdessm_tape *g = plan->tape;
    pdessm_tensor *minus = pdessm_tape_parameter(g, p->constant[0], NULL);
    return pdessm_landscape(g, pdessm_add(g, plan->x[0], minus), p->kind->function, 1, 1);
}

/* ------------------------------------------------------------------ batches */

static void destroy_plan(pdessm_problem_plan *plan) {
    pdessm_tape_destroy(&plan->tape);
    for (int i = 0; i < PDESSM_MOST_PARTS; i++) {
        pdessm_tensor_destroy(&plan->x[i]);
        pdessm_tensor_destroy(&plan->dx[i]);
    }
    for (int i = 0; i < 2; i++)
        pdessm_tensor_destroy(&plan->extra[i]);
    pdessm_tensor_destroy(&plan->ones);
    free(plan->numbers);
    free(plan);
}

/* The tape: values, and their sum, whose gradient by each point is that of its own value. */
static pdessm_status record(pdessm_problem *p, pdessm_problem_plan *plan) {
    pdessm_status status = PDESSM_OK;
    pdessm_tensor *owned[PDESSM_MOST_PARTS] = {plan->x[0], plan->x[1], plan->x[2]};
    const int64_t n = plan->n, row[] = {1, n};
    PDESSM_TRY(pdessm_tape_create(p->device, &plan->tape));
    for (int i = 0; i < p->parts; i++)
        plan->x[i] = pdessm_tape_parameter(plan->tape, owned[i], plan->dx[i]);
    pdessm_tensor *values = p->kind->record(p, plan);
    for (int i = 0; i < p->parts; i++)
        plan->x[i] = owned[i];
    plan->values = pdessm_tape_output(plan->tape, values);
    pdessm_tensor *ones = pdessm_tape_parameter(plan->tape, plan->ones, NULL);
    pdessm_tensor *sum =
        pdessm_linear(plan->tape, pdessm_reshape(plan->tape, values, 2, row), ones, NULL, 1);
    PDESSM_TRY(pdessm_tape_plan(plan->tape, sum));
out:
    return status;
}

static pdessm_status make_plan(pdessm_problem *p, int64_t n, pdessm_problem_plan **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_problem_plan *plan = NULL;
    int64_t most = 1;
    PDESSM_TRY(pdessm_alloc(p->ctx, 1, sizeof *plan, &plan));
    plan->n = n;
    for (int i = 0; i < p->parts; i++) {
        int64_t dims[3];
        memcpy(dims, p->part[i].dims, sizeof dims);
        dims[0] = n;
        most = p->part[i].columns > most ? p->part[i].columns : most;
        PDESSM_TRY(
            pdessm_tensor_create(p->device, PDESSM_FLOAT32, p->part[i].rank, dims, &plan->x[i]));
        PDESSM_TRY(
            pdessm_tensor_create(p->device, PDESSM_FLOAT32, p->part[i].rank, dims, &plan->dx[i]));
    }
    PDESSM_TRY(
        pdessm_tensor_create(p->device, PDESSM_FLOAT32, 2, (const int64_t[]){1, n}, &plan->ones));
    PDESSM_TRY(pdessm_alloc(p->ctx, (size_t)(n * most), sizeof *plan->numbers, &plan->numbers));
    for (int64_t i = 0; i < n; i++)
        plan->numbers[i] = 1;
    PDESSM_TRY(pdessm_tensor_write(plan->ones, plan->numbers));
    PDESSM_TRY(record(p, plan));
    plan->next = p->plans;
    p->plans = plan;
    *ret = plan;
    return PDESSM_OK;
out:
    if (plan)
        destroy_plan(plan);
    return status;
}

static pdessm_status find_plan(pdessm_problem *p, int64_t n, pdessm_problem_plan **ret) {
    for (pdessm_problem_plan *plan = p->plans; plan; plan = plan->next)
        if (plan->n == n) {
            *ret = plan;
            return PDESSM_OK;
        }
    return make_plan(p, n, ret);
}

static pdessm_status write_points(pdessm_problem *p, pdessm_problem_plan *plan, const double *x) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0, first = 0; i < p->parts; first += p->part[i++].columns) {
        const int columns = p->part[i].columns;
        for (int64_t k = 0; k < plan->n; k++)
            for (int j = 0; j < columns; j++)
                plan->numbers[k * columns + j] = (float)x[k * p->dimension + first + j];
        PDESSM_TRY(pdessm_tensor_write(plan->x[i], plan->numbers));
    }
out:
    return status;
}

static pdessm_status read_gradients(pdessm_problem *p, pdessm_problem_plan *plan,
                                    double *gradients) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < p->parts; i++)
        PDESSM_TRY(pdessm_tensor_zero(plan->dx[i]));
    PDESSM_TRY(pdessm_tape_backward(plan->tape));
    for (int i = 0, first = 0; i < p->parts; first += p->part[i++].columns) {
        const int columns = p->part[i].columns;
        PDESSM_TRY(pdessm_tensor_read(plan->dx[i], plan->numbers));
        for (int64_t k = 0; k < plan->n; k++)
            for (int j = 0; j < columns; j++)
                gradients[k * p->dimension + first + j] = (double)plan->numbers[k * columns + j];
    }
out:
    return status;
}

static pdessm_status evaluate(void *user, int64_t n, const double *x, double *values,
                              double *gradients) {
    pdessm_problem *p = user;
    pdessm_problem_plan *plan = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(find_plan(p, n, &plan));
    PDESSM_TRY(write_points(p, plan, x));
    PDESSM_TRY(pdessm_tape_forward(plan->tape));
    PDESSM_TRY(pdessm_tensor_read(plan->values, plan->numbers));
    for (int64_t k = 0; k < n; k++)
        values[k] = (double)plan->numbers[k];
    if (gradients)
        PDESSM_TRY(read_gradients(p, plan, gradients));
out:
    return status;
}

/* ------------------------------------------------------------------ a problem as a whole */

static pdessm_status find_kind(pdessm_context *ctx, const char *name,
                               const pdessm_problem_kind **ret) {
    char all[256] = "";
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            *ret = &kinds[i];
            return PDESSM_OK;
        }
        strcat(strcat(all, " "), kinds[i].name);
    }
    return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "there is no problem '%s'; expected one of:%s",
                       name, all);
}

pdessm_status pdessm_problem_create(pdessm_device *device, const char *name,
                                    const pdessm_problem_options *options, pdessm_problem **ret) {
    pdessm_context *ctx = device->ctx;
    pdessm_status status = PDESSM_OK;
    pdessm_problem *p = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *p, &p));
    p->device = device;
    p->ctx = ctx;
    p->options = options ? *options : pdessm_problem_defaults();
    PDESSM_TRY(find_kind(ctx, name, &p->kind));
    PDESSM_REQUIRE(ctx, p->options.dimension >= 1 && p->options.dimension <= 1 << 20,
                   PDESSM_ERROR_ARGUMENT, "problem %s: dimension %lld, expected 1 to 2^20", name,
                   (long long)p->options.dimension);
    PDESSM_REQUIRE(ctx, p->options.instance <= UINT32_MAX, PDESSM_ERROR_ARGUMENT,
                   "problem %s: instance %llu, expected less than 2^32", name,
                   (unsigned long long)p->options.instance);
    PDESSM_TRY(p->kind->draw(p));
    p->objective = (pdessm_objective){.dimension = p->dimension,
                                      .lower = p->lower,
                                      .upper = p->upper,
                                      .evaluate = evaluate,
                                      .user = p};
    *ret = p;
    return PDESSM_OK;
out:
    pdessm_problem_destroy(&p);
    return status;
}

void pdessm_problem_destroy(pdessm_problem **problem) {
    pdessm_problem *p = *problem;
    if (!p)
        return;
    for (pdessm_problem_plan *plan = p->plans, *next; plan; plan = next) {
        next = plan->next;
        destroy_plan(plan);
    }
    for (int i = 0; i < PDESSM_PROBLEM_CONSTANTS; i++)
        pdessm_tensor_destroy(&p->constant[i]);
    free(p->lower);
    free(p->upper);
    free(p->truth);
    free(p->host);
    free(p);
    *problem = NULL;
}

const pdessm_objective *pdessm_problem_objective(const pdessm_problem *problem) {
    return &problem->objective;
}

void pdessm_problem_start(const pdessm_problem *problem, uint32_t index, double *ret_x) {
    const pdessm_problem *p = problem;
    for (int64_t j = 0; j < p->dimension; j++) {
        const double share = p->kind->starts_in_the_middle
                                 ? 0.5
                                 : pdessm_problem_uniform(p, STREAM_START + index, j);
        ret_x[j] = p->lower[j] + share * (p->upper[j] - p->lower[j]);
    }
}

pdessm_problem_score pdessm_problem_judge(const pdessm_problem *problem, const double *x,
                                          double value) {
    pdessm_problem_score score = {.recovered = value < 0.01};
    if (problem->kind->judge)
        problem->kind->judge(problem, x, &score);
    return score;
}
