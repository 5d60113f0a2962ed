/* SPDX-License-Identifier: MIT */
/* cmaes.c: CMA-ES as in Hansen's tutorial (arXiv 1604.00772), weights positive, and its
 * restarts with twice the population (Auger and Hansen 2005). All in units of half the box; samples
 * that leave the box are evaluated at their mirror image. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numeric/eigen.h"
#include "optimize/methods.h"

/* First step size; converged: the widest axis, or the spread of values over some generations. */
static const double FIRST_SIGMA = 0.6, LEAST_SIGMA = 1e-12, LEAST_SPREAD = 1e-12;
static const double MOST_CONDITION = 1e14;

typedef struct cmaes {
    pdessm_search *s;
    int64_t d, population, parents;
    double effective, c_sigma, damping, c_c, c_1, c_mu, expected; /* the tutorial's names */
    double *block;
    double *weight, *mean, *path_sigma, *path_c, *covariance, *axes, *scale;
    double *z, *y, *x, *value, *history; /* [population, d] three times, [population], see below */
    int64_t *order;
    int64_t window; /* generations whose best values are kept */
    double sigma;
    int64_t generation, decomposed;
} cmaes;

static void release(cmaes *c) {
    free(c->block);
    free(c->order);
    c->block = NULL;
    c->order = NULL;
}

static void set_rates(cmaes *c) {
    const double d = (double)c->d;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < c->parents; i++) {
        c->weight[i] = log(0.5 * (double)(c->population + 1)) - log((double)(i + 1));
        sum += c->weight[i];
    }
    for (int64_t i = 0; i < c->parents; i++) {
        c->weight[i] /= sum;
        squares += c->weight[i] * c->weight[i];
    }
    const double mu = 1 / squares;
    c->effective = mu;
    c->c_sigma = (mu + 2) / (d + mu + 5);
    c->damping = 1 + 2 * fmax(0, sqrt((mu - 1) / (d + 1)) - 1) + c->c_sigma;
    c->c_c = (4 + mu / d) / (d + 4 + 2 * mu / d);
    c->c_1 = 2 / ((d + 1.3) * (d + 1.3) + mu);
    c->c_mu = fmin(1 - c->c_1, 2 * (mu - 2 + 1 / mu) / ((d + 2) * (d + 2) + mu));
    c->expected = sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d));
}

static pdessm_status begin(cmaes *c, const double *x) {
    const int64_t d = c->d, n = c->population;
    pdessm_status status = PDESSM_OK;
    c->parents = n / 2;
    c->window = 10 + (int64_t)ceil(30 * (double)d / (double)n);
    const int64_t room = c->parents + 4 * d + 2 * d * d + 3 * n * d + n + c->window;
    PDESSM_TRY(pdessm_alloc(c->s->ctx, (size_t)room, sizeof *c->block, &c->block));
    PDESSM_TRY(pdessm_alloc(c->s->ctx, (size_t)n, sizeof *c->order, &c->order));
    double **const parts[] = {&c->weight, &c->mean,       &c->path_sigma, &c->path_c,
                              &c->scale,  &c->covariance, &c->axes,       &c->z,
                              &c->y,      &c->x,          &c->value,      &c->history};
    const int64_t counts[] = {c->parents, d,     d,     d,     d, d * d,
                              d * d,      n * d, n * d, n * d, n, c->window};
    double *next = c->block;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        *parts[i] = next;
        next += counts[i];
    }
    set_rates(c);
    for (int64_t j = 0; j < d; j++) {
        c->mean[j] = (x[j] - c->s->objective->lower[j]) / c->s->half[j];
        c->covariance[j * d + j] = c->axes[j * d + j] = c->scale[j] = 1;
    }
    c->sigma = FIRST_SIGMA;
    c->generation = c->decomposed = 0;
out:
    return status;
}

/* axes [d, d], rows, and scale from the covariance; every so often, since it costs d^3. */
static pdessm_status decompose(cmaes *c) {
    const double wait = 0.1 / ((c->c_1 + c->c_mu) * (double)c->d);
    pdessm_status status = PDESSM_OK;
    if (c->generation == 0 || (double)(c->generation - c->decomposed) < wait)
        return PDESSM_OK;
    c->decomposed = c->generation;
    memcpy(c->axes, c->covariance, (size_t)(c->d * c->d) * sizeof *c->axes);
    PDESSM_TRY(pdessm_symmetric_eigen(c->s->ctx, c->d, c->axes, c->scale));
    for (int64_t j = 0; j < c->d; j++)
        c->scale[j] = sqrt(fmax(c->scale[j], 0));
out:
    return status;
}

/* y = axes^T scale z, x = lower + half (mean + sigma y). */
static pdessm_status sample(cmaes *c) {
    const pdessm_objective *f = c->s->objective;
    const int64_t d = c->d;
    pdessm_search_normal(c->s, c->population, c->z);
    memset(c->y, 0, (size_t)(c->population * d) * sizeof *c->y);
    for (int64_t i = 0; i < c->population; i++) {
        double *y = c->y + i * d, *x = c->x + i * d;
        for (int64_t k = 0; k < d; k++) {
            const double along = c->scale[k] * c->z[i * d + k];
            for (int64_t j = 0; j < d; j++)
                y[j] += along * c->axes[k * d + j];
        }
        for (int64_t j = 0; j < d; j++)
            x[j] = f->lower[j] + c->s->half[j] * (c->mean[j] + c->sigma * y[j]);
        pdessm_search_mirror(c->s, x);
    }
    return pdessm_search_evaluate(c->s, c->population, c->x, c->value, NULL);
}

static void rank(cmaes *c) {
    for (int64_t i = 0; i < c->population; i++) {
        int64_t at = i;
        for (; at > 0 && c->value[i] < c->value[c->order[at - 1]]; at--)
            c->order[at] = c->order[at - 1];
        c->order[at] = i;
    }
}

static double norm(int64_t n, const double *x) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* Both paths from the step of the mean, mean_y = sum w_i y_i; answers h_sigma. */
static int move_paths(cmaes *c, const double *mean_y, double *scratch) {
    const int64_t d = c->d;
    const double keep = 1 - c->c_sigma, grow = sqrt(c->c_sigma * (1 + keep) * c->effective);
    /* C^(-1/2) mean_y */
    memset(scratch, 0, (size_t)d * sizeof *scratch);
    for (int64_t k = 0; k < d; k++) {
        double along = 0;
        for (int64_t j = 0; j < d; j++)
            along += c->axes[k * d + j] * mean_y[j];
        along /= c->scale[k];
        for (int64_t j = 0; j < d; j++)
            scratch[j] += along * c->axes[k * d + j];
    }
    for (int64_t j = 0; j < d; j++)
        c->path_sigma[j] = keep * c->path_sigma[j] + grow * scratch[j];
    const double length = norm(d, c->path_sigma);
    const double settled = sqrt(1 - pow(keep, 2 * (double)(c->generation + 1)));
    const int steady = length / settled < (1.4 + 2 / ((double)d + 1)) * c->expected;
    for (int64_t j = 0; j < d; j++)
        c->path_c[j] = (1 - c->c_c) * c->path_c[j] +
                       (steady ? sqrt(c->c_c * (2 - c->c_c) * c->effective) * mean_y[j] : 0);
    c->sigma *= exp(fmin(1, c->c_sigma / c->damping * (length / c->expected - 1)));
    return steady;
}

static void update(cmaes *c) {
    const int64_t d = c->d;
    double *const mean_y = c->z, *const scratch = c->x; /* of this generation, no longer needed */
    memset(mean_y, 0, (size_t)d * sizeof *mean_y);
    for (int64_t i = 0; i < c->parents; i++)
        for (int64_t j = 0; j < d; j++)
            mean_y[j] += c->weight[i] * c->y[c->order[i] * d + j];
    for (int64_t j = 0; j < d; j++)
        c->mean[j] += c->sigma * mean_y[j];
    const int steady = move_paths(c, mean_y, scratch);
    const double lost = steady ? 0 : c->c_1 * c->c_c * (2 - c->c_c);
    const double keep = 1 - c->c_1 - c->c_mu + lost;
    for (int64_t j = 0; j < d; j++)
        for (int64_t k = 0; k <= j; k++) {
            double sum = 0;
            for (int64_t i = 0; i < c->parents; i++) {
                const double *y = c->y + c->order[i] * d;
                sum += c->weight[i] * y[j] * y[k];
            }
            c->covariance[j * d + k] = keep * c->covariance[j * d + k] +
                                       c->c_1 * c->path_c[j] * c->path_c[k] + c->c_mu * sum;
            c->covariance[k * d + j] = c->covariance[j * d + k];
        }
    c->generation++;
}

/* The tutorial's criteria: values no longer differ, the cloud is a point, or a needle. */
static int converged(cmaes *c) {
    double least = INFINITY, most = -INFINITY, narrow = INFINITY, wide = 0;
    c->history[c->generation % c->window] = c->value[c->order[0]];
    for (int64_t j = 0; j < c->d; j++) {
        narrow = fmin(narrow, c->scale[j]);
        wide = fmax(wide, c->scale[j]);
    }
    for (int64_t i = 0; i < c->window; i++) {
        least = fmin(least, c->history[i]);
        most = fmax(most, c->history[i]);
    }
    const double spread =
        fmax(most - least, c->value[c->order[c->population - 1]] - c->value[c->order[0]]);
    return c->sigma * wide < LEAST_SIGMA || wide > sqrt(MOST_CONDITION) * narrow ||
           (c->generation >= c->window && !(spread > LEAST_SPREAD));
}

/* One run until it has converged or the budget is spent. */
static pdessm_status evolve(cmaes *c, const double *x) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(begin(c, x));
    for (int ended = 0; !ended && pdessm_search_left(c->s) >= c->population;) {
        PDESSM_TRY(decompose(c));
        PDESSM_TRY(sample(c));
        rank(c);
        if (!isfinite(c->value[c->order[0]]))
            return pdessm_search_not_finite(c->s, "cmaes");
        ended = converged(c);
        update(c);
        PDESSM_TRY(pdessm_search_tell(c->s));
    }
out:
    return status;
}

pdessm_status pdessm_search_cmaes(pdessm_search *s, double *x) {
    cmaes c = {.s = s, .d = s->d, .population = 4 + (int64_t)(3 * log((double)s->d))};
    const int restarts = s->method == PDESSM_OPTIMIZE_CMAES_RESTART;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(s->ctx, s->options->budget >= c.population, PDESSM_ERROR_ARGUMENT,
                   "cmaes: a budget of %lld does not pay for one population of %lld",
                   (long long)s->options->budget, (long long)c.population);
    do {
        PDESSM_TRY(evolve(&c, x));
        s->result.ending =
            pdessm_search_left(s) >= c.population ? PDESSM_ENDED_CONVERGED : PDESSM_ENDED_BUDGET;
        release(&c);
        c.population *= 2;
        pdessm_search_anywhere(s, x);
    } while (restarts && pdessm_search_left(s) >= c.population);
out:
    release(&c);
    return status;
}
