/* SPDX-License-Identifier: MIT */
/* cloud.h: the weighted Gaussian cloud of the homotopy, without a search around it. */
#ifndef PDESSM_OPTIMIZE_CLOUD_H
#define PDESSM_OPTIMIZE_CLOUD_H

#include <stdint.h>

/* w = softmax(-values / lambda) [n]; an infinite value has weight 0. lambda = INFINITY: equal
 * weights for all finite values; 0: all weight on the least. Returns the effective sample size
 * 1 / sum w^2, or 0 when no value is finite. */
double pdessm_cloud_weights(int64_t n, const double *values, double lambda, double *ret_weights);

/* The lambda nearest to `lambda` whose effective sample size lies in [least, most]; the size rises
 * with lambda. Values that are all alike, or too few finite ones, leave the nearest end that can be
 * had. weights [n] is scratch. */
double pdessm_cloud_lambda(int64_t n, const double *values, double lambda, double least,
                           double most, double *weights);

/* z [n, d] from its first half: row n/2 + i is minus row i; if n is odd the last is left alone. */
void pdessm_cloud_antithetic(int64_t n, int64_t d, double *z);

/* sum_i weights[i] rows[i] [d]. */
void pdessm_cloud_mean(int64_t n, int64_t d, const double *weights, const double *rows,
                       double *ret);

#endif
