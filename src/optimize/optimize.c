/* SPDX-License-Identifier: MIT */
/* optimize.c: one search as a whole: the names of the methods, options, the method that runs. */
#include "optimize/methods.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/names.h"

static const int needs_gradients[] = {
#define X(identifier, name, gradients, meaning) gradients,
    PDESSM_OPTIMIZE_METHODS(X)
#undef X
};

PDESSM_DEFINE_NAMES(pdessm_optimize, pdessm_optimize_method, PDESSM_OPTIMIZE_METHODS, "method")
PDESSM_DEFINE_NAMES(pdessm_lambda_rule, pdessm_lambda_rule, PDESSM_LAMBDA_RULES, "rule of lambda")
PDESSM_DEFINE_NAMES(pdessm_homotopy_step, pdessm_homotopy_step, PDESSM_HOMOTOPY_STEPS, "step")

const char *pdessm_optimize_ending_text(pdessm_optimize_ending ending) {
    static const char *const texts[] = {"budget spent", "converged", "cancelled",
                                        "nothing finite left"};
    return texts[ending];
}

pdessm_optimize_options pdessm_optimize_defaults(void) {
    return (pdessm_optimize_options){.budget = 20000,
                                     .inner = 1,
                                     .rule = PDESSM_LAMBDA_ESS,
                                     .lambda0 = 0.3,
                                     .ess_least = 0.1,
                                     .ess_most = 0.5,
                                     .antithetic = 1,
                                     .polish = -1,
                                     .restarts = INT64_MAX,
                                     .step = PDESSM_STEP_PLAIN};
}

/* ------------------------------------------------------------------ a search as a whole */

static pdessm_status check_objective(pdessm_context *ctx, const pdessm_objective *f,
                                     const double *x) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, f->dimension >= 1, PDESSM_ERROR_ARGUMENT,
                   "optimisation: the objective has %lld dimensions, expected 1 or more",
                   (long long)f->dimension);
    PDESSM_REQUIRE(ctx, f->evaluate && f->lower && f->upper, PDESSM_ERROR_ARGUMENT,
                   "optimisation: the objective lacks evaluate(), lower or upper");
    for (int64_t j = 0; j < f->dimension; j++) {
        PDESSM_REQUIRE(ctx,
                       f->lower[j] < f->upper[j] && isfinite(f->lower[j]) && isfinite(f->upper[j]),
                       PDESSM_ERROR_ARGUMENT,
                       "optimisation: the box is empty or unbounded in coordinate %lld: %g to %g; "
                       "give finite bounds with lower < upper",
                       (long long)j, f->lower[j], f->upper[j]);
        PDESSM_REQUIRE(ctx, x[j] >= f->lower[j] && x[j] <= f->upper[j], PDESSM_ERROR_ARGUMENT,
                       "optimisation: the start is outside the box: coordinate %lld is %g, "
                       "expected %g to %g",
                       (long long)j, x[j], f->lower[j], f->upper[j]);
    }
out:
    return status;
}

static pdessm_status check_options(pdessm_context *ctx, const pdessm_objective *f,
                                   pdessm_optimize_method method,
                                   const pdessm_optimize_options *o) {
    pdessm_status status = PDESSM_OK;
    const int polishes = method == PDESSM_OPTIMIZE_PGHO && o->polish != 0;
    PDESSM_REQUIRE(ctx, (int)method >= 0 && method < PDESSM_OPTIMIZE_COUNT, PDESSM_ERROR_ARGUMENT,
                   "optimisation: there is no method number %d", (int)method);
    PDESSM_REQUIRE(ctx, !f->values_only || (!needs_gradients[method] && !polishes),
                   PDESSM_ERROR_ARGUMENT,
                   "optimisation: method %s needs gradients, which the objective does not give; "
                   "use pgho-free, sa or cmaes",
                   pdessm_optimize_name(method));
    PDESSM_REQUIRE(ctx, o->budget >= 2, PDESSM_ERROR_ARGUMENT,
                   "optimisation: a budget of %lld evaluations, expected 2 or more",
                   (long long)o->budget);
    PDESSM_REQUIRE(ctx, o->samples >= 0 && o->inner >= 1, PDESSM_ERROR_ARGUMENT,
                   "optimisation: %lld samples and %lld steps a stage, expected 0 or more and 1 or "
                   "more",
                   (long long)o->samples, (long long)o->inner);
    PDESSM_REQUIRE(ctx, o->sigma0 >= 0 && o->sigma_power >= 0 && o->lambda0 > 0,
                   PDESSM_ERROR_ARGUMENT,
                   "optimisation: sigma0 %g, sigma_power %g and lambda0 %g, expected 0 (the "
                   "method's default) or more, the last more than 0",
                   o->sigma0, o->sigma_power, o->lambda0);
    PDESSM_REQUIRE(
        ctx, o->ess_least >= 0 && o->ess_least <= o->ess_most && o->ess_most <= 1,
        PDESSM_ERROR_ARGUMENT,
        "optimisation: effective samples from %g to %g, expected 0 <= least <= most <= 1",
        o->ess_least, o->ess_most);
    PDESSM_REQUIRE(ctx, o->polish < 1 && o->restarts >= 0, PDESSM_ERROR_ARGUMENT,
                   "optimisation: polish is %g of the budget, with %lld restarts; expected less "
                   "than 1, and 0 or more",
                   o->polish, (long long)o->restarts);
out:
    return status;
}

/* Sums become means. */
static void finish_effective(pdessm_search *s) {
    pdessm_optimum *r = &s->result;
    int64_t clouds = 0;
    for (int i = 0; i < PDESSM_OPTIMIZE_PARTS; i++) {
        r->effective_mean += r->effective[i];
        clouds += s->clouds[i];
        if (s->clouds[i] > 0)
            r->effective[i] /= (double)s->clouds[i];
    }
    if (clouds > 0)
        r->effective_mean /= (double)clouds;
    else
        r->effective_least = 0;
}

static pdessm_status run_method(pdessm_search *s, double *x) {
    switch (s->method) {
    case PDESSM_OPTIMIZE_GD:
        return pdessm_search_descend(s, x);
    case PDESSM_OPTIMIZE_ADAM:
        return pdessm_search_adam(s, x);
    case PDESSM_OPTIMIZE_LBFGS:
        return pdessm_search_lbfgs_restart(s, x);
    case PDESSM_OPTIMIZE_ANNEAL:
        return pdessm_search_anneal(s, x);
    case PDESSM_OPTIMIZE_CMAES:
    case PDESSM_OPTIMIZE_CMAES_RESTART:
        return pdessm_search_cmaes(s, x);
    default:
        return pdessm_search_homotopy(s, x);
    }
}

pdessm_status pdessm_optimize(pdessm_context *ctx, const pdessm_objective *objective,
                              pdessm_optimize_method method, const pdessm_optimize_options *options,
                              double *x, pdessm_optimum *ret) {
    const pdessm_optimize_options defaults = pdessm_optimize_defaults();
    pdessm_search s = {.ctx = ctx,
                       .objective = objective,
                       .options = options ? options : &defaults,
                       .method = method,
                       .d = objective->dimension,
                       .result = {.value = INFINITY, .effective_least = 1}};
    pdessm_status status = PDESSM_OK;
    double *start = NULL;
    PDESSM_TRY(check_objective(ctx, objective, x));
    PDESSM_TRY(check_options(ctx, objective, method, s.options));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)s.d, sizeof *s.half, &s.half));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)s.d, sizeof *s.best, &s.best));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)s.d, sizeof *start, &start));
    for (int64_t j = 0; j < s.d; j++)
        s.half[j] = 0.5 * (objective->upper[j] - objective->lower[j]);
    memcpy(start, x, (size_t)s.d * sizeof *start);
    memcpy(s.best, x, (size_t)s.d * sizeof *s.best);
    status = run_method(&s, start);
    memcpy(x, s.best, (size_t)s.d * sizeof *x);
    finish_effective(&s);
    *ret = s.result;
out:
    free(s.half);
    free(s.best);
    free(start);
    return status;
}
