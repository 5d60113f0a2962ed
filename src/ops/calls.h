/* SPDX-License-Identifier: MIT */
/* calls.h: the operators that drivers dispatch themselves, outside of a tape. All are queued. */
#ifndef PDESSM_OPS_CALLS_H
#define PDESSM_OPS_CALLS_H

#include "core/random.h"
#include "device/device.h"

/* The most terms that combine takes. */
enum { PDESSM_MOST_TERMS = 7 };

/* y = x + sum_j c[j] k[j], 0 <= terms <= PDESSM_MOST_TERMS; y may be x or a k. */
pdessm_status pdessm_call_combine(pdessm_device *device, pdessm_tensor *x, int terms,
                                  pdessm_tensor *const *k, const double *c, pdessm_tensor *y);

/* Normal numbers of samples first .. first + B - 1. */
pdessm_status pdessm_call_normal(pdessm_device *device, uint64_t seed, pdessm_purpose purpose,
                                 int64_t step, int64_t first, pdessm_tensor *y);

/* y [B, C, H/2, W/2] = gain times the means of 2 x 2 squares of u [B, C, H, W]. */
pdessm_status pdessm_call_average_pool(pdessm_device *device, pdessm_tensor *u, double gain,
                                       pdessm_tensor *y);

/* y [M, N] = x [M, K] weight [N, K]^T. */
pdessm_status pdessm_call_linear(pdessm_device *device, pdessm_tensor *x, pdessm_tensor *weight,
                                 pdessm_tensor *y);

/* norm = root mean square of error / (atol + rtol max(|x|, |y|)). */
pdessm_status pdessm_call_error_norm(pdessm_device *device, pdessm_tensor *error, pdessm_tensor *x,
                                     pdessm_tensor *y, double atol, double rtol,
                                     pdessm_tensor *norm);

/* The optimiser's three: state is what grad_norm keeps (src/ops/grad_norm.c). */
pdessm_status pdessm_call_grad_norm(pdessm_device *device, pdessm_tensor *gradient,
                                    pdessm_tensor *loss, double clip, pdessm_tensor *state);

typedef struct pdessm_adamw {
    double rate, beta1, beta2, epsilon, decay;
    int64_t step; /* from 1 */
} pdessm_adamw;
pdessm_status pdessm_call_adamw(pdessm_device *device, pdessm_tensor *parameter,
                                pdessm_tensor *gradient, pdessm_tensor *m, pdessm_tensor *v,
                                pdessm_tensor *state, const pdessm_adamw *settings);

pdessm_status pdessm_call_ema(pdessm_device *device, pdessm_tensor *average,
                              pdessm_tensor *parameter, pdessm_tensor *state, double decay);

#endif
