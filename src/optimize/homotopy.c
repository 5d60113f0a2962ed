/* SPDX-License-Identifier: MIT */
/* homotopy.c: probabilistic Gaussian homotopy, and the classical one as its case of equal weights.
 *
 * Two schedules, sigma and lambda, fall over the stages; each step draws a cloud around x, weighs
 * it, and moves x; then L-BFGS continues on f itself from the best point seen, and the budget that
 * is left pays for more such descents from around the best point. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optimize/cloud.h"
#include "optimize/methods.h"

/* Schedules end at this share of their start, not at 0. */
static const double FLOOR = 1e-3;
/* Fewer evaluations for each unknown than this are too few for clouds to say much. */
static const double ENOUGH = 150, LEAST_POLISH = 0.05;
static const double ADAM_RATE = 0.1, BETA1 = 0.9, BETA2 = 0.999, EPSILON = 1e-12;

typedef struct homotopy {
    pdessm_search *s;
    int64_t n, d;
    int gradients;                             /* of the samples are asked for */
    double sigma0, power;                      /* of the schedule */
    double lambda0;                            /* from the first cloud */
    double rate;                               /* of the plain step, from the first gradient */
    double *z, *y, *values, *dy, *weights, *g; /* [n, d] [n, d] [n] [n, d] [n] [d] */
    double *m, *v;                             /* Adam's [d] */
    int64_t steps;                             /* done so far */
} homotopy;

static int64_t count_samples(const pdessm_optimize_options *o, int gradients) {
    if (o->samples > 0)
        return o->samples;
    return gradients ? 32 : (int64_t)fmax(32, fmin(256, (double)(o->budget / 80)));
}

static pdessm_status allocate(homotopy *h) {
    pdessm_context *ctx = h->s->ctx;
    pdessm_status status = PDESSM_OK;
    const size_t n = (size_t)h->n, d = (size_t)h->d;
    PDESSM_TRY(pdessm_alloc(ctx, n * d, sizeof *h->z, &h->z));
    PDESSM_TRY(pdessm_alloc(ctx, n * d, sizeof *h->y, &h->y));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *h->values, &h->values));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *h->weights, &h->weights));
    PDESSM_TRY(pdessm_alloc(ctx, d, sizeof *h->g, &h->g));
    PDESSM_TRY(pdessm_alloc(ctx, d, sizeof *h->m, &h->m));
    PDESSM_TRY(pdessm_alloc(ctx, d, sizeof *h->v, &h->v));
    if (h->gradients)
        PDESSM_TRY(pdessm_alloc(ctx, n * d, sizeof *h->dy, &h->dy));
out:
    return status;
}

static void release(homotopy *h) {
    free(h->z);
    free(h->y);
    free(h->values);
    free(h->weights);
    free(h->g);
    free(h->m);
    free(h->v);
    free(h->dy);
}

/* Draws y = x + sigma z, folded at the sides of the box, and evaluates it. Gradients are taken
 * where the samples are, those of folded ones too. The gradient of the folded function would turn
 * them round: it is flat at the sides, smoothing carries that far inside, and both methods that
 * follow gradients then stay behind (so does putting samples on the sides instead). */
static pdessm_status draw_cloud(homotopy *h, const double *x, double sigma) {
    const int64_t d = h->d, pairs = h->n / 2;
    pdessm_search_normal(h->s, h->s->options->antithetic ? h->n - pairs : h->n, h->z);
    if (h->s->options->antithetic)
        pdessm_cloud_antithetic(h->n, d, h->z);
    for (int64_t i = 0; i < h->n; i++) {
        for (int64_t j = 0; j < d; j++)
            h->y[i * d + j] = x[j] + sigma * h->s->half[j] * h->z[i * d + j];
        pdessm_search_mirror(h->s, h->y + i * d);
    }
    return pdessm_search_evaluate(h->s, h->n, h->y, h->values, h->dy);
}

/* Standard deviation of the finite values of a cloud; 1 if they are all alike. */
static double deviation(int64_t n, const double *values) {
    double sum = 0, squares = 0, mean;
    int64_t finite = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(values[i])) {
            sum += values[i];
            finite++;
        }
    mean = sum / (double)finite;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(values[i]))
            squares += (values[i] - mean) * (values[i] - mean);
    squares = sqrt(squares / (double)finite);
    return squares > 0 ? squares : 1;
}

/* Weights of the cloud at schedule q; answers the effective sample size. */
static double weigh(homotopy *h, double q, double sigma) {
    const pdessm_optimize_options *o = h->s->options;
    const double n = (double)h->n;
    double lambda = INFINITY;
    if (h->s->method != PDESSM_OPTIMIZE_GH) {
        if (h->lambda0 == 0)
            h->lambda0 = o->lambda0 * deviation(h->n, h->values);
        lambda = o->rule == PDESSM_LAMBDA_COUPLED ? sigma * sigma : h->lambda0 * fmax(q, FLOOR);
        if (o->rule == PDESSM_LAMBDA_ESS)
            lambda = pdessm_cloud_lambda(h->n, h->values, lambda, o->ess_least * n, o->ess_most * n,
                                         h->weights);
    }
    h->s->lambda = lambda;
    return pdessm_cloud_weights(h->n, h->values, lambda, h->weights);
}

/* A step of Adam in units of half the box, into g. */
static void adam(homotopy *h, double sigma) {
    const double rest1 = 1 - pow(BETA1, (double)h->steps + 1),
                 rest2 = 1 - pow(BETA2, (double)h->steps + 1);
    for (int64_t j = 0; j < h->d; j++) {
        h->m[j] = BETA1 * h->m[j] + (1 - BETA1) * h->g[j];
        h->v[j] = BETA2 * h->v[j] + (1 - BETA2) * h->g[j] * h->g[j];
        h->g[j] = ADAM_RATE * sigma * (h->m[j] / rest1) / (sqrt(h->v[j] / rest2) + EPSILON);
    }
}

/* x -= a g for g = sum w grad f, no longer than sigma in units of half the box. */
static void step_along_gradient(homotopy *h, double q, double sigma, double *x) {
    double length = 0;
    pdessm_cloud_mean(h->n, h->d, h->weights, h->dy, h->g);
    for (int64_t j = 0; j < h->d; j++)
        h->g[j] *= h->s->half[j];
    if (h->s->options->step == PDESSM_STEP_ADAM) {
        adam(h, sigma);
    } else {
        for (int64_t j = 0; j < h->d; j++)
            length += h->g[j] * h->g[j];
        if (h->rate == 0 && length > 0)
            h->rate = h->sigma0 / sqrt(length);
        for (int64_t j = 0; j < h->d; j++)
            h->g[j] *= h->rate * q;
    }
    length = 0;
    for (int64_t j = 0; j < h->d; j++)
        length += h->g[j] * h->g[j];
    const double shorten = fmin(1, sigma / fmax(sqrt(length), 1e-300));
    for (int64_t j = 0; j < h->d; j++)
        x[j] -= shorten * h->s->half[j] * h->g[j];
    pdessm_search_clip(h->s, x);
}

/* One cloud and one step at share q of the schedule. */
static pdessm_status advance(homotopy *h, double q, double *x) {
    pdessm_search *s = h->s;
    const double sigma = h->sigma0 * fmax(pow(q, h->power), FLOOR);
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(draw_cloud(h, x, sigma));
    const double effective = weigh(h, q, sigma) / (double)h->n;
    if (effective == 0)
        return pdessm_search_not_finite(s, "homotopy");
    if (!h->gradients)
        pdessm_cloud_mean(h->n, h->d, h->weights, h->y, x);
    else
        step_along_gradient(h, q, sigma, x);
    h->steps++;
    s->sigma = sigma;
    pdessm_search_note_cloud(s, effective);
    PDESSM_TRY(pdessm_search_tell(s));
out:
    return status;
}

/* Evaluations that are not kept for L-BFGS; `stage` is what one stage costs. */
static int64_t count_room(const pdessm_search *s, int64_t stage) {
    const int64_t budget = s->options->budget;
    double polish = s->options->polish;
    if (s->method == PDESSM_OPTIMIZE_PGHO_FREE)
        return budget;
    if (polish >= 0)
        return budget - (int64_t)(polish * (double)budget);
    polish = fmax(LEAST_POLISH, 1 - (double)budget / (ENOUGH * (double)s->d));
    const int64_t room = budget - (int64_t)(polish * (double)budget);
    return room >= stage || budget < stage ? room : stage;
}

/* Once a descent has converged: more of them, each from the weighted mean of one cloud around the
 * best point, as wide as the first of all. */
static pdessm_status descend_again(homotopy *h, double *x) {
    pdessm_search *s = h->s;
    pdessm_status status = PDESSM_OK;
    for (int64_t i = 0; i < s->options->restarts; i++) {
        if (pdessm_search_left(s) < h->n + 2) {
            s->result.ending = PDESSM_ENDED_BUDGET;
            break;
        }
        memcpy(x, s->best, (size_t)s->d * sizeof *x);
        h->lambda0 = 0; /* again from this cloud */
        PDESSM_TRY(advance(h, 1, x));
        PDESSM_TRY(pdessm_search_lbfgs(s, x));
    }
out:
    return status;
}

pdessm_status pdessm_search_homotopy(pdessm_search *s, double *x) {
    const pdessm_optimize_options *o = s->options;
    const int polishes = o->polish != 0 && s->method != PDESSM_OPTIMIZE_PGHO_FREE;
    const int mean = s->method == PDESSM_OPTIMIZE_PGHO || s->method == PDESSM_OPTIMIZE_PGHO_FREE;
    homotopy h = {.s = s,
                  .n = count_samples(o, !mean),
                  .d = s->d,
                  .gradients = !mean,
                  .sigma0 = o->sigma0 > 0 ? o->sigma0
                            : mean        ? 1
                                          : 0.4,
                  .power = o->sigma_power > 0 ? o->sigma_power
                           : mean             ? 2
                                              : 1};
    pdessm_status status = PDESSM_OK;
    const int64_t cost = (h.gradients ? 2 * h.n : h.n) * o->inner;
    const int64_t stages = count_room(s, cost) / cost;
    PDESSM_REQUIRE(s->ctx, stages >= 1, PDESSM_ERROR_ARGUMENT,
                   "homotopy: a budget of %lld does not pay for one stage, %lld samples at %lld "
                   "steps; raise the budget or lower the samples",
                   (long long)o->budget, (long long)h.n, (long long)o->inner);
    PDESSM_TRY(allocate(&h));
    for (int64_t stage = 0; stage < stages; stage++)
        for (int64_t i = 0; i < o->inner; i++)
            PDESSM_TRY(advance(&h, 1 - (double)stage / (double)stages, x));
    s->result.ending = PDESSM_ENDED_BUDGET;
    memcpy(x, s->best, (size_t)s->d * sizeof *x);
    if (polishes)
        PDESSM_TRY(pdessm_search_lbfgs(s, x));
    if (polishes && mean)
        PDESSM_TRY(descend_again(&h, x));
out:
    release(&h);
    return status;
}
