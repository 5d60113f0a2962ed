/* SPDX-License-Identifier: MIT */
/* grad_norm.cl: the norm of the gradient, summed in parts, and the state made of it. */

/* One float, or sixteen, at element `at` of an operand. */
#define LOAD1(name) AT(name)[at]
#define LOAD16(name) vload16(0, AT(name) + at)
#define TERM(LOAD) LOAD(gradient)

/* Adds v to sum; what rounding drops waits in lost for the next addition (Kahan). */
#define KEEP_ADDING(type, sum, lost, v)                                                            \
    do {                                                                                           \
        type y_ = (v) - (lost);                                                                    \
        type t_ = (sum) + y_;                                                                      \
        (lost) = (t_ - (sum)) - y_;                                                                \
        (sum) = t_;                                                                                \
    } while (0)

/* Item i adds up the terms i * begin, i * begin + stride, ...; on CPUs stride is 1. */
__kernel void grad_norm_part(READ(gradient), UNUSED(loss), UNUSED(state), __global float *parts,
                             int n, int items, int begin, int stride, int length, float clip) {
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
__kernel void grad_norm_total(UNUSED(gradient), READ(loss), WRITE(state),
                              __global const float *parts, int n, int items, int begin, int stride,
                              int length, float clip) {
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
