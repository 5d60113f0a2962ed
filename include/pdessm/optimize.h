/* SPDX-License-Identifier: MIT */
/* optimize.h: least values of nonconvex functions: probabilistic Gaussian homotopy and its rivals.
 *
 * The homotopy smooths f by a soft minimum over a Gaussian cloud,
 *
 *     F(x; sigma, lambda) = -lambda log E exp(-f(x + sigma z) / lambda),   z normal,
 *
 * and follows the minimum while sigma and lambda fall, which ends on f itself. With samples
 * y_i = x + sigma z_i and weights w = softmax(-f(y_i) / lambda) its gradient is sum w_i grad
 * f(y_i), or without any gradient of f -(lambda / sigma) sum w_i z_i; the step x <- sum w_i y_i is
 * a gradient step of length sigma^2 / lambda. lambda -> infinity is the classical Gaussian
 * homotopy. */
#ifndef PDESSM_OPTIMIZE_H
#define PDESSM_OPTIMIZE_H

#include <pdessm/device.h>

#ifdef __cplusplus
extern "C" {
#endif

/* values [n] of f at the rows of x [n, dimension], and unless it is NULL its gradients
 * [n, dimension]. A value that is not finite is a point to stay away from. Anything but PDESSM_OK
 * ends the search with that status. */
typedef pdessm_status (*pdessm_evaluate_fn)(void *user, int64_t n, const double *x, double *values,
                                            double *gradients);

typedef struct pdessm_objective {
    int64_t dimension;
    const double *lower, *upper; /* the box [dimension]: no point outside is ever asked for */
    pdessm_evaluate_fn evaluate;
    void *user;
    int values_only; /* evaluate() has no gradients */
} pdessm_objective;

/* X(identifier, name, whether it needs gradients, meaning) */
#define PDESSM_OPTIMIZE_METHODS(X)                                                                 \
    X(PGHO, "pgho", 0, "weighted cloud, x <- sum w_i y_i, then L-BFGS")                            \
    X(PGHO_FREE, "pgho-free", 0, "the same without any gradient: no L-BFGS at the end")            \
    X(PGHO_GRADIENT, "pgho-grad", 1, "weighted cloud, steps along sum w_i grad f(y_i)")            \
    X(GH, "gh", 1, "classical Gaussian homotopy: equal weights")                                   \
    X(GD, "gd", 1, "gradient descent, steps by Armijo's rule")                                     \
    X(ADAM, "adam", 1, "Adam, its rate falling to 0")                                              \
    X(LBFGS, "lbfgs", 1, "L-BFGS from the start, then from random points")                         \
    X(ANNEAL, "sa", 0, "simulated annealing, one coordinate at a time (Corana)")                   \
    X(CMAES, "cmaes", 0, "CMA-ES, ends when it has converged")                                     \
    X(CMAES_RESTART, "ipop", 0, "CMA-ES, starts again with twice the population")

typedef enum pdessm_optimize_method {
#define X(identifier, name, gradients, meaning) PDESSM_OPTIMIZE_##identifier,
    PDESSM_OPTIMIZE_METHODS(X)
#undef X
        PDESSM_OPTIMIZE_COUNT
} pdessm_optimize_method;

/* ERROR_ARGUMENT lists the names. */
PDESSM_API pdessm_status pdessm_optimize_find(pdessm_context *ctx, const char *name,
                                              pdessm_optimize_method *ret);
PDESSM_API const char *pdessm_optimize_name(pdessm_optimize_method method);

/* What decides lambda. */
#define PDESSM_LAMBDA_RULES(X)                                                                     \
    X(ESS, "ess") /* the schedule, moved so that the effective sample size stays in range */       \
    X(SCHEDULE, "schedule") /* lambda0 (1 - p/P) */                                                \
    X(COUPLED, "coupled")   /* sigma^2, sigma in units of half the box: F is a Moreau envelope */
typedef enum pdessm_lambda_rule {
#define X(id, name) PDESSM_LAMBDA_##id,
    PDESSM_LAMBDA_RULES(X)
#undef X
} pdessm_lambda_rule;
PDESSM_API const char *pdessm_lambda_rule_name(pdessm_lambda_rule value);
PDESSM_API pdessm_status pdessm_lambda_rule_find(pdessm_context *ctx, const char *name,
                                                 pdessm_lambda_rule *ret);

/* How pgho-grad and gh follow the gradient g = sum w_i grad f(y_i). pgho and pgho-free do without:
 * x <- sum w_i y_i. No step along a gradient is longer than sigma. */
#define PDESSM_HOMOTOPY_STEPS(X)                                                                   \
    X(PLAIN, "plain") /* x -= a g, a = a0 (1 - p/P), the first step as long as sigma0 */           \
    X(ADAM, "adam")   /* Adam with the rate 0.1 sigma */
typedef enum pdessm_homotopy_step {
#define X(id, name) PDESSM_STEP_##id,
    PDESSM_HOMOTOPY_STEPS(X)
#undef X
} pdessm_homotopy_step;
PDESSM_API const char *pdessm_homotopy_step_name(pdessm_homotopy_step value);
PDESSM_API pdessm_status pdessm_homotopy_step_find(pdessm_context *ctx, const char *name,
                                                   pdessm_homotopy_step *ret);

typedef struct pdessm_optimize_report {
    int64_t function_evaluations, gradient_evaluations;
    double best_value;
    /* Homotopies only, else 0: width of the cloud as a share of half the box, temperature, and
     * effective sample size 1 / sum w_i^2 as a share of the samples. */
    double sigma, lambda, effective;
} pdessm_optimize_report;

typedef struct pdessm_optimize_options {
    int64_t budget; /* bounds function plus gradient evaluations */
    uint64_t seed;
    /* Homotopies. Lengths are shares of half the box. What is 0 follows the method: pgho and
     * pgho-free, which move by the mean of the cloud, or pgho-grad and gh. */
    int64_t samples;         /* of a cloud; 0: budget / 80 from 32 to 256, or 32 */
    int64_t inner;           /* steps at each stage of the schedule; the budget gives the stages */
    double sigma0;           /* first width of the cloud; 0: 1, or 0.4 */
    double sigma_power;      /* sigma = sigma0 (1 - p/P)^sigma_power; 0: 2, or 1 */
    pdessm_lambda_rule rule; /* of lambda */
    double lambda0;          /* first lambda over the deviation of f on the first cloud */
    double ess_least, ess_most; /* range of the effective sample size as shares of the samples */
    int antithetic;             /* samples in pairs x + sigma z, x - sigma z */
    /* Share of the budget kept for L-BFGS at the end; 0: none; below 0: max(0.05, 1 - budget / (150
     * dimension)), but one stage is always paid. */
    double polish;
    int64_t restarts; /* pgho, most of them: once L-BFGS has converged, again from the weighted mean
                         of one cloud around the best point, as wide as the first */
    pdessm_homotopy_step step; /* of pgho-grad and gh */
    /* Called after each iteration; nonzero ends the search with ERROR_CANCELLED. */
    int (*progress)(void *user, const pdessm_optimize_report *report);
    void *user;
} pdessm_optimize_options;

/* budget 20000, seed 0, inner 1, PDESSM_LAMBDA_ESS with 0.1 to 0.5, lambda0 0.3, antithetic, polish
 * -1, restarts while the budget lasts, PDESSM_STEP_PLAIN, the rest 0. */
PDESSM_API pdessm_optimize_options pdessm_optimize_defaults(void);

typedef enum pdessm_optimize_ending {
    PDESSM_ENDED_BUDGET,    /* all evaluations are spent */
    PDESSM_ENDED_CONVERGED, /* nothing would change any more */
    PDESSM_ENDED_CANCELLED,
    PDESSM_ENDED_FAILED, /* a whole cloud, or the start of a descent, without a finite value */
} pdessm_optimize_ending;

/* In words. */
PDESSM_API const char *pdessm_optimize_ending_text(pdessm_optimize_ending ending);

enum { PDESSM_OPTIMIZE_PARTS = 32 };

typedef struct pdessm_optimum {
    double value; /* infinite if no finite value was seen */
    int64_t function_evaluations, gradient_evaluations;
    int64_t not_finite; /* points whose value or gradient was not */
    pdessm_optimize_ending ending;
    /* Effective sample size of the homotopies' clouds as a share of the samples, else 0; and over
     * time: the mean in each of PDESSM_OPTIMIZE_PARTS equal parts of the budget, 0 where no cloud
     * was drawn. */
    double effective_mean, effective_least;
    double effective[PDESSM_OPTIMIZE_PARTS];
} pdessm_optimum;

/* Searches from x [dimension], inside the box, which becomes the best point seen; also when the
 * search is cancelled (ERROR_CANCELLED) or finds nothing finite any more (ERROR_NUMERIC), and *ret
 * is written then too. Equal seeds and objectives give equal results. options may be NULL. */
PDESSM_API pdessm_status pdessm_optimize(pdessm_context *ctx, const pdessm_objective *objective,
                                         pdessm_optimize_method method,
                                         const pdessm_optimize_options *options, double *x,
                                         pdessm_optimum *ret);

#ifdef __cplusplus
}
#endif
#endif
