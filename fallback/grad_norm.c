/* SPDX-License-Identifier: MIT */
/* grad_norm.c: the global norm of the gradient, and what the step may do with it. */
#include <math.h>

#include "elementwise.h"
#include "fallback.h"

static double squares(void *argument, int64_t begin, int64_t end) {
    const float *restrict g = *(const float **)argument;
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = begin; i < end; i++)
        sum += (double)g[i] * (double)g[i];
    return sum;
}

void FALLBACK(grad_norm_forward)(pdessm_pool *pool, int64_t n, const float *gradient,
                                 const float *loss, float clip, float *state) {
    float norm = (float)sqrt(sum_range(pool, n, squares, &gradient));
    int ok = isfinite(norm) && isfinite(loss[0]);
    state[0] = norm;
    state[1] = !ok ? 0.0f : clip > 0.0f && norm > clip ? clip / norm : 1.0f;
    state[2] = ok ? 1.0f : 0.0f;
    state[3] = ok ? 0.0f : state[3] + 1.0f;
    state[4] += ok ? 0.0f : 1.0f;
    state[5] += ok ? loss[0] : 0.0f;
    state[6] += ok ? 1.0f : 0.0f;
    state[7] = loss[0];
}
