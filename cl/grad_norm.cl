/* SPDX-License-Identifier: MIT */
/* grad_norm.cl: the norm of the gradient, summed in parts, and the state made of it. */

#define TERM(LOAD) LOAD(gradient)

#include "ordered_sum.clh"

__kernel void grad_norm_part(READ(gradient), UNUSED(loss), UNUSED(state), __global float *parts,
                             int n, int items, int begin, int stride, int length, float clip) {
    SUM_PARTS
}

__kernel void grad_norm_total(UNUSED(gradient), READ(loss), WRITE(state),
                              __global const float *parts, int n, int items, int begin, int stride,
                              int length, float clip) {
    SUM_TOTAL
    if (i > 0)
        return;
    __global float *s = AT(state);
    float norm = sqrt(shared[0]), loss = AT(loss)[0];
    int ok = isfinite(norm) && isfinite(loss);
    s[0] = norm;
    s[1] = !ok ? 0.0f : clip > 0.0f && norm > clip ? clip / norm : 1.0f;
    s[2] = ok ? 1.0f : 0.0f;
    s[3] = ok ? 0.0f : s[3] + 1.0f;
    s[4] += ok ? 0.0f : 1.0f;
    s[5] += ok ? loss : 0.0f;
    s[6] += ok ? 1.0f : 0.0f;
    s[7] = loss;
}
