/* SPDX-License-Identifier: MIT */
/* error_norm.cl: root mean square of e / (atol + rtol max(|x|, |y|)), summed in parts. */

#define TERM(LOAD) (LOAD(e) / (atol + rtol * fmax(fabs(LOAD(x)), fabs(LOAD(y)))))

#include "ordered_sum.clh"

__kernel void error_norm_part(READ(e), READ(x), READ(y), UNUSED(norm), __global float *parts, int n,
                              int items, int begin, int stride, int length, float atol,
                              float rtol) {
    SUM_PARTS
}

__kernel void error_norm_total(UNUSED(e), UNUSED(x), UNUSED(y), WRITE(norm),
                               __global const float *parts, int n, int items, int begin, int stride,
                               int length, float atol, float rtol) {
    SUM_TOTAL
    if (i == 0)
        AT(norm)[0] = sqrt(shared[0] / (float)n);
}
