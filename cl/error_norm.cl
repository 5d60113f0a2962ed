/* SPDX-License-Identifier: MIT */
/* error_norm.cl: root mean square of e / (atol + rtol max(|x|, |y|)), summed in parts. */

/* One float, or sixteen, at element `at` of an operand. */
#define LOAD1(name) AT(name)[at]
#define LOAD16(name) vload16(0, AT(name) + at)
#define TERM(LOAD) (LOAD(e) / (atol + rtol * fmax(fabs(LOAD(x)), fabs(LOAD(y)))))

/* Adds v to sum; what rounding drops waits in lost for the next addition (Kahan). */
#define KEEP_ADDING(type, sum, lost, v)                                                            \
    do {                                                                                           \
        type y_ = (v) - (lost);                                                                    \
        type t_ = (sum) + y_;                                                                      \
        (lost) = (t_ - (sum)) - y_;                                                                \
        (sum) = t_;                                                                                \
    } while (0)

/* Item i adds up the terms i * begin, i * begin + stride, ...; on CPUs stride is 1. */
__kernel void error_norm_part(READ(e), READ(x), READ(y), UNUSED(norm), __global float *parts, int n,
                              int items, int begin, int stride, int length, float atol,
                              float rtol) {
    int i = (int)get_global_id(0), k = 0;
    if (i >= items)
        return;
    ulong first = (ulong)i * (ulong)begin;
    float sum = 0.0f, lost = 0.0f;
#if CPU_FORM
    float16 sum16 = 0.0f, lost16 = 0.0f;
    for (; k + 16 <= length && first + k + 16 <= (ulong)n; k += 16) {
        ulong at = first + k;
        float16 q = TERM(LOAD16);
        KEEP_ADDING(float16, sum16, lost16, q * q);
    }
    float lanes[16];
    vstore16(sum16, 0, lanes);
    for (int j = 0; j < 16; j++)
        KEEP_ADDING(float, sum, lost, lanes[j]);
#endif
    for (; k < length; k++) {
        ulong at = first + (ulong)k * stride;
        if (at >= (ulong)n)
            break;
        float q = TERM(LOAD1);
        KEEP_ADDING(float, sum, lost, q *q);
    }
    parts[i] = sum;
}

/* One work-group of a power of two, 256 at most. */
__kernel void error_norm_total(UNUSED(e), UNUSED(x), UNUSED(y), WRITE(norm),
                               __global const float *parts, int n, int items, int begin, int stride,
                               int length, float atol, float rtol) {
    __local float shared[256];
    int i = (int)get_local_id(0);
    float sum = 0.0f, lost = 0.0f;
    for (int k = i; k < items; k += (int)get_local_size(0))
        KEEP_ADDING(float, sum, lost, parts[k]);
    shared[i] = sum;
    for (int rest = (int)get_local_size(0) / 2; rest > 0; rest /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (i < rest)
            shared[i] += shared[i + rest];
    }
    if (i == 0)
        AT(norm)[0] = sqrt(shared[0] / (float)n);
}
