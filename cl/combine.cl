/* SPDX-License-Identifier: MIT */
/* combine.cl: y = x + c1 k1 + ... + c7 k7; y may be x or one of the k. */

#define TERM(j)                                                                                    \
    if (GIVEN(k##j))                                                                               \
    sum += c##j * AT(k##j)[i]

__kernel void combine_forward(READ(x), READ(k1), READ(k2), READ(k3), READ(k4), READ(k5), READ(k6),
                              READ(k7), WRITE(y), int n, float c1, float c2, float c3, float c4,
                              float c5, float c6, float c7) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float sum = AT(x)[i];
    TERM(1);
    TERM(2);
    TERM(3);
    TERM(4);
    TERM(5);
    TERM(6);
    TERM(7);
    AT(y)[i] = sum;
}
