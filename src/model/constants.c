/* SPDX-License-Identifier: MIT */
/* constants.c: tensors of one value in the place of parameters that a configuration leaves out. */
#include <stdlib.h>
#include <string.h>

#include "model/build.h"
#include "tape/tape.h"

static pdessm_status make(pdessm_model *m, float number, int rank, const int64_t *dims,
                          pdessm_tensor **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_tensor *tensor = NULL;
    float *values = NULL;
    struct pdessm_constant *more = realloc(m->constant, sizeof *more * (size_t)(m->constants + 1));
    PDESSM_REQUIRE(m->ctx, more, PDESSM_ERROR_MEMORY, "out of memory: constants");
    m->constant = more;
    PDESSM_TRY(pdessm_tensor_create(m->device, PDESSM_FLOAT32, rank, dims, &tensor));
    int64_t count = pdessm_tensor_count(tensor);
    PDESSM_TRY(pdessm_alloc(m->ctx, (size_t)count, sizeof *values, &values));
    for (int64_t i = 0; i < count; i++)
        values[i] = number;
    PDESSM_TRY(pdessm_tensor_write(tensor, values));
    m->constant[m->constants++] = (struct pdessm_constant){number, tensor};
    *ret = tensor;
    tensor = NULL;
out:
    free(values);
    pdessm_tensor_destroy(&tensor);
    return status;
}

pdessm_tensor *pdessm_build_constant(const pdessm_builder *b, float number, int rank,
                                     const int64_t *dims) {
    pdessm_model *m = b->model;
    pdessm_tensor *found = NULL;
    for (int i = 0; i < m->constants && !found; i++) {
        pdessm_tensor *t = m->constant[i].tensor;
        if (m->constant[i].number == number && t->rank == rank &&
            memcmp(t->dims, dims, sizeof *dims * (size_t)rank) == 0)
            found = t;
    }
    if (!found) {
        pdessm_status status = make(m, number, rank, dims, &found);
        if (status != PDESSM_OK)
            return pdessm_tape_fail(b->tape, status);
    }
    return pdessm_tape_parameter(b->tape, found, NULL);
}
