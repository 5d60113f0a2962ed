/* SPDX-License-Identifier: MIT */
/* problem_batch.c: a problem's values and gradients at a batch of points, on the device: a tape for
 * each size of batch that has been asked for. */
#include <stdlib.h>
#include <string.h>

#include "optimize/problem.h"

static void destroy_batch(pdessm_problem_batch *batch) {
    pdessm_tape_destroy(&batch->tape);
    for (int i = 0; i < PDESSM_MOST_PARTS; i++) {
        pdessm_tensor_destroy(&batch->x[i]);
        pdessm_tensor_destroy(&batch->dx[i]);
    }
    for (int i = 0; i < 2; i++)
        pdessm_tensor_destroy(&batch->extra[i]);
    pdessm_tensor_destroy(&batch->ones);
    free(batch->numbers);
    free(batch);
}

void pdessm_problem_release_batches(pdessm_problem *p) {
    for (pdessm_problem_batch *batch = p->batches, *next; batch; batch = next) {
        next = batch->next;
        destroy_batch(batch);
    }
    p->batches = NULL;
}

/* The tape: values, and their sum, whose gradient by each point is that of its own value. */
static pdessm_status record(pdessm_problem *p, pdessm_problem_batch *batch) {
    pdessm_status status = PDESSM_OK;
    pdessm_tensor *owned[PDESSM_MOST_PARTS] = {batch->x[0], batch->x[1], batch->x[2]};
    const int64_t n = batch->n, row[] = {1, n};
    PDESSM_TRY(pdessm_tape_create(p->device, &batch->tape));
    for (int i = 0; i < p->parts; i++)
        batch->x[i] = pdessm_tape_parameter(batch->tape, owned[i], batch->dx[i]);
    pdessm_tensor *values = p->kind->record(p, batch);
    for (int i = 0; i < p->parts; i++)
        batch->x[i] = owned[i];
    batch->values = pdessm_tape_output(batch->tape, values);
    pdessm_tensor *ones = pdessm_tape_parameter(batch->tape, batch->ones, NULL);
    pdessm_tensor *sum =
        pdessm_linear(batch->tape, pdessm_reshape(batch->tape, values, 2, row), ones, NULL, 1);
    PDESSM_TRY(pdessm_tape_plan(batch->tape, sum));
out:
    return status;
}

static pdessm_status make_batch(pdessm_problem *p, int64_t n, pdessm_problem_batch **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_problem_batch *batch = NULL;
    int64_t most = 1;
    PDESSM_TRY(pdessm_alloc(p->ctx, 1, sizeof *batch, &batch));
    batch->n = n;
    for (int i = 0; i < p->parts; i++) {
        int64_t dims[3];
        memcpy(dims, p->part[i].dims, sizeof dims);
        dims[0] = n;
        most = p->part[i].columns > most ? p->part[i].columns : most;
        PDESSM_TRY(
            pdessm_tensor_create(p->device, PDESSM_FLOAT32, p->part[i].rank, dims, &batch->x[i]));
        PDESSM_TRY(
            pdessm_tensor_create(p->device, PDESSM_FLOAT32, p->part[i].rank, dims, &batch->dx[i]));
    }
    PDESSM_TRY(
        pdessm_tensor_create(p->device, PDESSM_FLOAT32, 2, (const int64_t[]){1, n}, &batch->ones));
    PDESSM_TRY(pdessm_alloc(p->ctx, (size_t)(n * most), sizeof *batch->numbers, &batch->numbers));
    for (int64_t i = 0; i < n; i++)
        batch->numbers[i] = 1;
    PDESSM_TRY(pdessm_tensor_write(batch->ones, batch->numbers));
    PDESSM_TRY(record(p, batch));
    batch->next = p->batches;
    p->batches = batch;
    *ret = batch;
    return PDESSM_OK;
out:
    if (batch)
        destroy_batch(batch);
    return status;
}

static pdessm_status find_batch(pdessm_problem *p, int64_t n, pdessm_problem_batch **ret) {
    for (pdessm_problem_batch *batch = p->batches; batch; batch = batch->next)
        if (batch->n == n) {
            *ret = batch;
            return PDESSM_OK;
        }
    return make_batch(p, n, ret);
}

static pdessm_status write_points(pdessm_problem *p, pdessm_problem_batch *batch, const double *x) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0, first = 0; i < p->parts; first += p->part[i++].columns) {
        const int columns = p->part[i].columns;
        for (int64_t k = 0; k < batch->n; k++)
            for (int j = 0; j < columns; j++)
                batch->numbers[k * columns + j] = (float)x[k * p->dimension + first + j];
        PDESSM_TRY(pdessm_tensor_write(batch->x[i], batch->numbers));
    }
out:
    return status;
}

static pdessm_status read_gradients(pdessm_problem *p, pdessm_problem_batch *batch,
                                    double *gradients) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < p->parts; i++)
        PDESSM_TRY(pdessm_tensor_zero(batch->dx[i]));
    PDESSM_TRY(pdessm_tape_backward(batch->tape));
    for (int i = 0, first = 0; i < p->parts; first += p->part[i++].columns) {
        const int columns = p->part[i].columns;
        PDESSM_TRY(pdessm_tensor_read(batch->dx[i], batch->numbers));
        for (int64_t k = 0; k < batch->n; k++)
            for (int j = 0; j < columns; j++)
                gradients[k * p->dimension + first + j] = (double)batch->numbers[k * columns + j];
    }
out:
    return status;
}

pdessm_status pdessm_problem_evaluate(void *user, int64_t n, const double *x, double *values,
                                      double *gradients) {
    pdessm_problem *p = user;
    pdessm_problem_batch *batch = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(find_batch(p, n, &batch));
    PDESSM_TRY(write_points(p, batch, x));
    PDESSM_TRY(pdessm_tape_forward(batch->tape));
    PDESSM_TRY(pdessm_tensor_read(batch->values, batch->numbers));
    for (int64_t k = 0; k < n; k++)
        values[k] = (double)batch->numbers[k];
    if (gradients)
        PDESSM_TRY(read_gradients(p, batch, gradients));
out:
    return status;
}
