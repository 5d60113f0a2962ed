/* SPDX-License-Identifier: MIT */
/* problem_batch.c: a problem's values and gradients at a batch of points, on the device: a tape for
 * each size of batch that has been asked for. */
#include <stdlib.h>
#include <string.h>

#include "optimize/problem.h"

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

void pdessm_problem_release_batches(pdessm_problem *p) {
    for (pdessm_problem_plan *plan = p->plans, *next; plan; plan = next) {
        next = plan->next;
        destroy_plan(plan);
    }
    p->plans = NULL;
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

pdessm_status pdessm_problem_evaluate(void *user, int64_t n, const double *x, double *values,
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
