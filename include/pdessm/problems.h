/* SPDX-License-Identifier: MIT */
/* problems.h: built-in problems that global optimisers are tried on. RESEARCH: names, options and
 * scores may change between versions. */
#ifndef PDESSM_PROBLEMS_H
#define PDESSM_PROBLEMS_H

#include <pdessm/optimize.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pdessm_problem pdessm_problem;

/* A drawn instance: all of it follows from (seed, instance). */
typedef struct pdessm_problem_options {
    int64_t dimension; /* of the test functions and of sparse recovery; cdr has 6 */
    uint64_t seed, instance;
    int centred;           /* the optimum of a test function stays where textbooks have it */
    int64_t measurements;  /* sparse recovery: rows of A */
    int64_t nonzeros;      /* of x* */
    double noise;          /* standard deviation of e; cdr: of the second snapshot, relative */
    double penalty_weight; /* before the sum of penalties */
    double penalty_width;  /* e of log(1 + x^2/e^2) and x^2/(x^2 + e^2) */
    int64_t grid;          /* cdr: points along a side of the field */
    double shift;          /* cdr: length of the true shift, as a share of the side */
} pdessm_problem_options;

/* dimension 10, seed 0, instance 0; sparse: 80 measurements, 10 nonzeros, noise 0.01, weight and
 * width 0.003 and 0.05; cdr: grid 32, shift 0.25. */
PDESSM_API pdessm_problem_options pdessm_problem_defaults(void);

/* Names: ackley, rastrigin, griewank, levy, alpine1, styblinski-tang, schwefel (least value 0 at a
 * drawn place), sparse-log, sparse-ratio (|A x - y|^2 / 2 + weight sum of penalties), cdr (the raw
 * coefficients of one convection-diffusion-reaction term from two snapshots of a field, as the
 * squared error relative to the second). ERROR_ARGUMENT lists them. Points are evaluated in batches
 * by operators on the device. */
PDESSM_API pdessm_status pdessm_problem_create(pdessm_device *device, const char *name,
                                               const pdessm_problem_options *options,
                                               pdessm_problem **ret);
PDESSM_API void pdessm_problem_destroy(pdessm_problem **problem);

/* Owned by the problem. */
PDESSM_API const pdessm_objective *pdessm_problem_objective(const pdessm_problem *problem);
/* Start `index` of the instance, uniform in the box. */
PDESSM_API void pdessm_problem_start(const pdessm_problem *problem, uint32_t index, double *ret_x);

/* How good a point is, beyond its value. */
typedef struct pdessm_problem_score {
    double least_value;    /* the least value there is, or that of the true answer */
    double relative_error; /* sparse: |x - x*| / |x*| */
    double support_f1;     /* sparse: of the entries above a tenth of the least nonzero of x* */
    double shift_error;    /* cdr: distance of the shifts on the periodic square */
    int recovered;         /* value within 0.01 of the least; sparse: relative_error below 0.05;
                              cdr: shift_error below 0.01 */
} pdessm_problem_score;
PDESSM_API pdessm_problem_score pdessm_problem_judge(const pdessm_problem *problem, const double *x,
                                                     double value);

#ifdef __cplusplus
}
#endif
#endif
