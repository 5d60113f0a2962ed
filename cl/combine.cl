/* SPDX-License-Identifier: MIT */
/* combine.cl: y = x + c1 k1 + ... + c7 k7; y may be x or one of the k, so a work-item reads all of
 * its elements before it writes. */

/* Elements of a work-item. */
#define SPAN (CPU_FORM ? 1024 : 1)

#define ALL(TERM) TERM(1) TERM(2) TERM(3) TERM(4) TERM(5) TERM(6) TERM(7)
#define ONE(j)                                                                                     \
    if (GIVEN(k##j))                                                                               \
        sum += c##j * AT(k##j)[at];
#define SIXTEEN(j)                                                                                 \
    if (GIVEN(k##j))                                                                               \
        sum += c##j * vload16(0, AT(k##j) + at);

__kernel void combine_forward(READ(x), READ(k1), READ(k2), READ(k3), READ(k4), READ(k5), READ(k6),
                              READ(k7), WRITE(y), int n, float c1, float c2, float c3, float c4,
                              float c5, float c6, float c7) {
    long at = (long)get_global_id(0) * SPAN, end = min(at + SPAN, (long)n);
#if CPU_FORM
    for (; at + 16 <= end; at += 16) {
        float16 sum = vload16(0, AT(x) + at);
        ALL(SIXTEEN)
        vstore16(sum, 0, AT(y) + at);
    }
#endif
    for (; at < end; at++) {
        float sum = AT(x)[at];
        ALL(ONE)
        AT(y)[at] = sum;
    }
}
