/* SPDX-License-Identifier: MIT */
/* gelu.cl: y = x s, s = sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)); one element a work-item. */

#define Q1 1.5957691216f
#define Q3 (1.5957691216f * 0.044715f)

__kernel void gelu_forward(READ(x), WRITE(y), int n)
{
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float v = AT(x)[i];
    AT(y)[i] = v * sigmoid(v * (Q1 + Q3 * v * v));
}

__kernel void gelu_backward(READ(x), UNUSED(y), WRITE(dx), READ(dy), uint accumulate, int n)
{
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float v = AT(x)[i];
    float s = sigmoid(v * (Q1 + Q3 * v * v));
    float slope = s + v * s * (1.0f - s) * (Q1 + 3.0f * Q3 * v * v);
    PUT(AT(dx)[i], AT(dy)[i] * slope, ADDS(0));
}
