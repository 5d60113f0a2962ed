/* SPDX-License-Identifier: MIT */
/* mse_loss.cl: the mean of (p - t)^2, summed in parts. */

#define TERM(LOAD) (LOAD(p) - LOAD(t))

#include "ordered_sum.clh"

__kernel void mse_loss_part(READ(p), READ(t), UNUSED(loss), __global float *parts, int n, int items,
                            int begin, int stride, int length) {
    SUM_PARTS
}

__kernel void mse_loss_total(UNUSED(p), UNUSED(t), WRITE(loss), __global const float *parts, int n,
                             int items, int begin, int stride, int length) {
    SUM_TOTAL
    if (i == 0)
        AT(loss)[0] = shared[0] / (float)n;
}

__kernel void mse_loss_backward(READ(p), READ(t), UNUSED(loss), WRITE(dp), WRITE(dt), READ(dloss),
                                uint accumulate, int n) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float d = 2.0f / (float)n * AT(dloss)[0] * (AT(p)[i] - AT(t)[i]);
    if (GIVEN(dp))
        PUT(AT(dp)[i], d, ADDS(0));
    if (GIVEN(dt))
        PUT(AT(dt)[i], -d, ADDS(1));
}
