/* SPDX-License-Identifier: MIT */
/* silu.cl: y = x sigmoid(x); one element a work-item. */

__kernel void silu_forward(READ(x), WRITE(y), int n) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float v = AT(x)[i];
    AT(y)[i] = v * sigmoid(v);
}

__kernel void silu_backward(READ(x), UNUSED(y), WRITE(dx), READ(dy), uint accumulate, int n) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float v = AT(x)[i];
    float s = sigmoid(v);
    PUT(AT(dx)[i], AT(dy)[i] * (s + v * s * (1.0f - s)), ADDS(0));
}
