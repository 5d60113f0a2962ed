/* SPDX-License-Identifier: MIT */
/* search.c: what all methods of optimisation share: counting, the best point, the box, numbers. */
#include "optimize/search.h"

#include <math.h>
#include <string.h>

#include "core/random.h"

int64_t pdessm_search_left(const pdessm_search *s) {
    return s->options->budget - s->result.function_evaluations - s->result.gradient_evaluations;
}

static int is_finite(int64_t n, const double *x) {
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

pdessm_status pdessm_search_evaluate(pdessm_search *s, int64_t n, const double *x, double *values,
                                     double *gradients) {
    const pdessm_objective *f = s->objective;
    pdessm_status status = f->evaluate(f->user, n, x, values, gradients);
    if (status != PDESSM_OK)
        return status;
    s->result.function_evaluations += n;
    s->result.gradient_evaluations += gradients ? n : 0;
    for (int64_t i = 0; i < n; i++) {
        double *gradient = gradients ? gradients + i * s->d : NULL;
        if (!isfinite(values[i]) || (gradient && !is_finite(s->d, gradient))) {
            s->result.not_finite++;
            values[i] = INFINITY;
            if (gradient)
                memset(gradient, 0, (size_t)s->d * sizeof *gradient);
        } else if (values[i] < s->result.value) {
            s->result.value = values[i];
            memcpy(s->best, x + i * s->d, (size_t)s->d * sizeof *s->best);
        }
    }
    return PDESSM_OK;
}

void pdessm_search_note_cloud(pdessm_search *s, double effective) {
    const double spent = (double)(s->options->budget - pdessm_search_left(s));
    const int part = (int)((spent - 1) / (double)s->options->budget * PDESSM_OPTIMIZE_PARTS);
    s->effective = effective;
    s->result.effective[part] += effective;
    s->result.effective_least = fmin(s->result.effective_least, effective);
    s->clouds[part]++;
}

pdessm_status pdessm_search_tell(pdessm_search *s) {
    const pdessm_optimize_options *o = s->options;
    if (!o->progress)
        return PDESSM_OK;
    const pdessm_optimize_report report = {.function_evaluations = s->result.function_evaluations,
                                           .gradient_evaluations = s->result.gradient_evaluations,
                                           .best_value = s->result.value,
                                           .sigma = s->sigma,
                                           .lambda = s->lambda,
                                           .effective = s->effective};
    if (!o->progress(o->user, &report))
        return PDESSM_OK;
    s->result.ending = PDESSM_ENDED_CANCELLED;
    return pdessm_fail(s->ctx, PDESSM_ERROR_CANCELLED, "the search was interrupted");
}

pdessm_status pdessm_search_not_finite(pdessm_search *s, const char *where) {
    s->result.ending = PDESSM_ENDED_FAILED;
    return pdessm_fail(
        s->ctx, PDESSM_ERROR_NUMERIC,
        "%s: no value is finite after %lld evaluations; check the objective, or start elsewhere",
        where, (long long)s->result.function_evaluations);
}

void pdessm_search_clip(const pdessm_search *s, double *x) {
    for (int64_t j = 0; j < s->d; j++)
        x[j] = fmin(fmax(x[j], s->objective->lower[j]), s->objective->upper[j]);
}

void pdessm_search_mirror(const pdessm_search *s, double *x) {
    for (int64_t j = 0; j < s->d; j++) {
        double lower = s->objective->lower[j], width = 2 * s->half[j];
        double t = fmod(fabs(x[j] - lower), 2 * width); /* a mirrored copy has twice the period */
        if (x[j] < lower || x[j] > s->objective->upper[j])
            x[j] = lower + (t > width ? 2 * width - t : t);
    }
    pdessm_search_clip(s, x); /* rounding */
}

void pdessm_search_normal(pdessm_search *s, int64_t n, double *ret) {
    const uint32_t step = s->drawn++;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < s->d; j++)
            *ret++ = pdessm_normal(s->options->seed, PDESSM_RANDOM_OPTIMIZE, step, (uint32_t)i, j);
}

void pdessm_search_uniform(pdessm_search *s, int64_t count, double *ret) {
    const uint32_t step = s->drawn++;
    for (int64_t i = 0; i < count; i++)
        ret[i] = pdessm_uniform(s->options->seed, PDESSM_RANDOM_OPTIMIZE, step, UINT32_MAX, i);
}

void pdessm_search_anywhere(pdessm_search *s, double *ret_x) {
    pdessm_search_uniform(s, s->d, ret_x);
    for (int64_t j = 0; j < s->d; j++)
        ret_x[j] = s->objective->lower[j] + 2 * s->half[j] * ret_x[j];
    pdessm_search_clip(s, ret_x);
}
