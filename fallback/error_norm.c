/* SPDX-License-Identifier: MIT */
/* error_norm.c: root mean square of e / (atol + rtol max(|x|, |y|)), a solver's measure of a step.
 */
#include <math.h>

#include "elementwise.h"
#include "fallback.h"

struct error {
    float atol, rtol;
    const float *e, *x, *y;
};

static double squares(void *argument, int64_t begin, int64_t end) {
    const struct error *g = argument;
    const float *restrict e = g->e, *restrict x = g->x, *restrict y = g->y;
    float atol = g->atol, rtol = g->rtol;
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = begin; i < end; i++) {
        float a = fabsf(x[i]), b = fabsf(y[i]);
        double q = (double)(e[i] / (atol + rtol * (a > b ? a : b)));
        sum += q * q;
    }
    return sum;
}

void FALLBACK(error_norm_forward)(pdessm_pool *pool, int64_t n, double atol, double rtol,
                                  const float *e, const float *x, const float *y, float *norm) {
    struct error g = {.atol = (float)atol, .rtol = (float)rtol, .e = e, .x = x, .y = y};
    norm[0] = (float)sqrt(sum_range(pool, n, squares, &g) / (double)n);
}
