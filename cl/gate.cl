/* SPDX-License-Identifier: MIT */
/* gate.cl: y = a silu(z); one element a work-item. */

__kernel void gate_forward(READ(a), READ(z), WRITE(y), int n) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float v = AT(z)[i];
    AT(y)[i] = AT(a)[i] * v * sigmoid(v);
}

__kernel void gate_backward(READ(a), READ(z), UNUSED(y), WRITE(da), WRITE(dz), READ(dy),
                            uint accumulate, int n) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float v = AT(z)[i], d = AT(dy)[i];
    float s = sigmoid(v);
    if (GIVEN(da))
        PUT(AT(da)[i], d * v * s, ADDS(0));
    if (GIVEN(dz))
        PUT(AT(dz)[i], d * AT(a)[i] * (s + v * s * (1.0f - s)), ADDS(1));
}
