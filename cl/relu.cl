/* SPDX-License-Identifier: MIT */
/* relu.cl: y = x where x is positive, else slope x; one element a work-item. */

__kernel void relu_forward(READ(x), WRITE(y), int n, float slope) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float v = AT(x)[i];
    AT(y)[i] = v > 0.0f ? v : slope * v;
}

__kernel void relu_backward(READ(x), UNUSED(y), WRITE(dx), READ(dy), uint accumulate, int n,
                            float slope) {
    int i = (int)get_global_id(0);
    if (i < n)
        PUT(AT(dx)[i], AT(x)[i] > 0.0f ? AT(dy)[i] : slope * AT(dy)[i], ADDS(0));
}
