/* SPDX-License-Identifier: MIT */
/* cloud.c: weights of a Gaussian cloud, and lambda by effective sample size. */
#include "optimize/cloud.h"

#include <math.h>

double pdessm_cloud_weights(int64_t n, const double *values, double lambda, double *ret_weights) {
    double least = INFINITY, sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        least = fmin(least, values[i]);
    for (int64_t i = 0; i < n; i++) {
        /* Before the division: 0 / 0 for the least value where lambda is 0. */
        double excess = values[i] - least;
        ret_weights[i] = !isfinite(values[i]) ? 0 : excess > 0 ? exp(-excess / lambda) : 1;
        sum += ret_weights[i];
    }
    if (!(sum > 0))
        return 0;
    for (int64_t i = 0; i < n; i++) {
        ret_weights[i] /= sum;
        squares += ret_weights[i] * ret_weights[i];
    }
    return 1 / squares;
}

double pdessm_cloud_lambda(int64_t n, const double *values, double lambda, double least,
                           double most, double *weights) {
    double size = pdessm_cloud_weights(n, values, lambda, weights);
    if (size == 0 || (size >= least && size <= most))
        return lambda;
    const double wanted = size < least ? least : most, factor = size < least ? 2 : 0.5;
    double near = lambda, far = lambda;
    /* 200 doublings span every ratio of values; a cloud of equal values never gets there. */
    for (int i = 0; i < 200; i++) {
        near = far;
        far *= factor;
        size = pdessm_cloud_weights(n, values, far, weights);
        if (factor > 1 ? size >= wanted : size <= wanted)
            break;
    }
    for (int i = 0; i < 30; i++) {
        double middle = sqrt(near * far);
        size = pdessm_cloud_weights(n, values, middle, weights);
        if (factor > 1 ? size >= wanted : size <= wanted)
            far = middle;
        else
            near = middle;
    }
    return far;
}

void pdessm_cloud_antithetic(int64_t n, int64_t d, double *z) {
    for (int64_t i = 0; i < n / 2 * d; i++)
        z[n / 2 * d + i] = -z[i];
}

void pdessm_cloud_mean(int64_t n, int64_t d, const double *weights, const double *rows,
                       double *ret) {
    for (int64_t j = 0; j < d; j++)
        ret[j] = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < d; j++)
            ret[j] += weights[i] * rows[i * d + j];
}
