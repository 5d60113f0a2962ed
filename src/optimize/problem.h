/* SPDX-License-Identifier: MIT */
/* problem.h: inside of the built-in problems of optimisation: a box, and a tape for each size of
 * batch that has been asked for. */
#ifndef PDESSM_OPTIMIZE_PROBLEM_H
#define PDESSM_OPTIMIZE_PROBLEM_H

#include <pdessm/ops.h>
#include <pdessm/problems.h>

#include "core/random.h"
#include "device/device.h"

/* A point's coordinates lie in up to three tensors. */
enum { PDESSM_MOST_PARTS = 3, PDESSM_PROBLEM_CONSTANTS = 6 };

typedef struct pdessm_problem_part {
    int columns;
    int rank;
    int64_t dims[3]; /* dims[0] is the batch */
} pdessm_problem_part;

/* The tape that evaluates n points. */
typedef struct pdessm_problem_batch {
    struct pdessm_problem_batch *next;
    int64_t n;
    pdessm_tape *tape;
    pdessm_tensor *x[PDESSM_MOST_PARTS], *dx[PDESSM_MOST_PARTS], *ones, *values;
    pdessm_tensor *extra[2]; /* of this size, made by record() */
    float *numbers;          /* [n, most columns] */
} pdessm_problem_batch;

struct pdessm_problem {
    pdessm_device *device;
    pdessm_context *ctx;
    pdessm_problem_options options;
    const struct pdessm_problem_kind *kind;
    int64_t dimension;
    double *lower, *upper, *truth; /* [dimension] */
    pdessm_objective objective;
    int parts;
    pdessm_problem_part part[PDESSM_MOST_PARTS];
    pdessm_tensor *constant[PDESSM_PROBLEM_CONSTANTS]; /* the drawn data */
    double scale;                                      /* a number of the kind's own */
    float *host;                                       /* so too */
    pdessm_problem_batch *batches;
};

typedef struct pdessm_problem_kind {
    const char *name;                   /* NULL: that of the function */
    pdessm_landscape_function function; /* the test function, or the penalty */
    double half;                        /* test functions: half of the usual box, centre 0 */
    /* Checks the options, draws box, truth and constants. */
    pdessm_status (*draw)(pdessm_problem *p);
    /* The values [n] at the tensors batch->x. */
    pdessm_tensor *(*record)(pdessm_problem *p, pdessm_problem_batch *batch);
    void (*judge)(const pdessm_problem *p, const double *x, pdessm_problem_score *ret);
    int starts_in_the_middle; /* of the box, not anywhere */
} pdessm_problem_kind;

/* problem_draw.c */
/* Room for a point of `dimension` coordinates; called by draw(). */
pdessm_status pdessm_problem_allocate(pdessm_problem *p, int64_t dimension);
/* Constant i from floats. */
pdessm_status pdessm_problem_constant(pdessm_problem *p, int i, int rank, const int64_t *dims,
                                      const float *numbers);
/* Number `index` of stream `stream` of this instance: uniform on [0, 1), normal. */
double pdessm_problem_uniform(const pdessm_problem *p, uint32_t stream, int64_t index);
double pdessm_problem_normal(const pdessm_problem *p, uint32_t stream, int64_t index);

/* problem_batch.c: pdessm_objective.evaluate; user is the problem. */
pdessm_status pdessm_problem_evaluate(void *user, int64_t n, const double *x, double *values,
                                      double *gradients);
void pdessm_problem_release_batches(pdessm_problem *p);

/* problem_landscape.c, problem_sparse.c, problem_cdr.c */
pdessm_status pdessm_problem_draw_landscape(pdessm_problem *p);
pdessm_tensor *pdessm_problem_record_landscape(pdessm_problem *p, pdessm_problem_batch *batch);
pdessm_status pdessm_problem_draw_sparse(pdessm_problem *p);
pdessm_tensor *pdessm_problem_record_sparse(pdessm_problem *p, pdessm_problem_batch *batch);
void pdessm_problem_judge_sparse(const pdessm_problem *p, const double *x,
                                 pdessm_problem_score *ret);
pdessm_status pdessm_problem_draw_cdr(pdessm_problem *p);
pdessm_tensor *pdessm_problem_record_cdr(pdessm_problem *p, pdessm_problem_batch *batch);
void pdessm_problem_judge_cdr(const pdessm_problem *p, const double *x, pdessm_problem_score *ret);

#endif
