/* SPDX-License-Identifier: MIT */
/* affine_coupling.cl: y = x exp(s) + t, or (x - t) exp(-s), with s = bound tanh(r); parts = (r, t);
 * one element a work-item. */

__kernel void affine_coupling_forward(READ(x), READ(parts), WRITE(y), WRITE(s), int n, float bound,
                                      int inverse) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float v = bound * tanh(AT(parts)[i]), t = AT(parts)[n + i];
    AT(s)[i] = v;
    AT(y)[i] = inverse ? (AT(x)[i] - t) * exp(-v) : AT(x)[i] * exp(v) + t;
}

__kernel void affine_coupling_backward(READ(x), UNUSED(parts), READ(y), READ(s), WRITE(dx),
                                       WRITE(dparts), READ(dy), READ(ds), uint accumulate, int n,
                                       float bound, int inverse) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float v = AT(s)[i], d = AT(dy)[i];
    float e = exp(inverse ? -v : v);
    if (GIVEN(dx))
        PUT(AT(dx)[i], d * e, ADDS(0));
    if (GIVEN(dparts)) {
        float through = inverse ? -AT(y)[i] : AT(x)[i] * e;
        PUT(AT(dparts)[i], (d * through + AT(ds)[i]) * (bound - v * v / bound), ADDS(1));
        PUT(AT(dparts)[n + i], inverse ? -d * e : d, ADDS(1));
    }
}
