/* SPDX-License-Identifier: MIT */
/* problem_draw.c: what the problems are drawn with: the numbers of an instance, room for its
 * points, its constants on the device. */
#include "core/random.h"
#include "optimize/problem.h"

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
