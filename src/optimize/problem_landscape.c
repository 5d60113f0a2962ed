/* SPDX-License-Identifier: MIT */
/* problem_landscape.c: the test functions, each with its optimum moved to a place that is drawn. */
#include <stdlib.h>

#include "optimize/problem.h"

enum { STREAM_SHIFT, STREAM_SIGN };
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

pdessm_tensor *pdessm_problem_record_landscape(pdessm_problem *p, pdessm_problem_batch *batch) {
    pdessm_tape *tape = batch->tape;
    pdessm_tensor *minus = pdessm_tape_parameter(tape, p->constant[0], NULL);
    return pdessm_landscape(tape, pdessm_add(tape, batch->x[0], minus), p->kind->function, 1, 1);
}
