/* SPDX-License-Identifier: MIT */
/* residual.cl: y = x + gate m with one gate for each sample and channel. Sums over tokens go in two
 * steps: pieces of a sample's tokens into the scratch buffer [batch, pieces, channels], then these.
 */

#define COLUMNS (CPU_FORM ? 16 : 1)

/* Elements of a work-item: a token on CPUs, else one. */
#define SPAN (CPU_FORM ? channels : 1)

__kernel void residual_forward(READ(x), READ(gate), READ(m), WRITE(y), int items, int size,
                               int channels) {
    int i = (int)get_global_id(0);
    if (i >= items)
        return;
    ulong at = (ulong)i * SPAN;
    __global const float *x = AT(x) + at, *m = AT(m) + at;
    __global const float *gate = AT(gate) + at / size * channels + at % channels;
    __global float *y = AT(y) + at;
    int c = 0;
#if CPU_FORM
    for (; c + 16 <= channels; c += 16)
        vstore16(vload16(0, x + c) + vload16(0, gate + c) * vload16(0, m + c), 0, y + c);
#endif
    for (; c < SPAN; c++)
        y[c] = x[c] + gate[c] * m[c];
}

/* to (+)= factor dy over the elements of a work-item; factor NULL: 1 */
static inline void pass_on(__global const float *dy, __global const float *factor,
                           __global float *to, int add, int span) {
    int c = 0;
#if CPU_FORM
    for (; c + 16 <= span; c += 16) {
        float16 d = vload16(0, dy + c);
        if (factor)
            d *= vload16(0, factor + c);
        vstore16(add ? d + vload16(0, to + c) : d, 0, to + c);
    }
#endif
    for (; c < span; c++) {
        float d = factor ? dy[c] * factor[c] : dy[c];
        PUT(to[c], d, add);
    }
}

__kernel void residual_backward(UNUSED(x), READ(gate), UNUSED(m), UNUSED(y), WRITE(dx),
                                UNUSED(dgate), WRITE(dm), READ(dy), uint accumulate, int items,
                                int size, int channels) {
    int i = (int)get_global_id(0);
    if (i >= items)
        return;
    ulong at = (ulong)i * SPAN;
    __global const float *gate = AT(gate) + at / size * channels + at % channels;
    if (GIVEN(dx))
        pass_on(AT(dy) + at, 0, AT(dx) + at, ADDS(0), SPAN);
    if (GIVEN(dm))
        pass_on(AT(dy) + at, gate, AT(dm) + at, ADDS(2), SPAN);
}

/* dims: (columns / COLUMNS, batch pieces) */
__kernel void residual_gate(UNUSED(x), UNUSED(gate), READ(m), UNUSED(y), UNUSED(dx), UNUSED(dgate),
                            UNUSED(dm), READ(dy), uint accumulate, __global float *parts,
                            int tokens, int channels, int piece, int pieces) {
    int c = (int)get_global_id(0) * COLUMNS, part = (int)get_global_id(1);
    int begin = part % pieces * piece, end = min(begin + piece, tokens);
    ulong at = ((ulong)(part / pieces) * tokens + begin) * channels;
    __global const float *a = AT(m) + at, *b = AT(dy) + at;
    __global float *sums = parts + (ulong)part * channels;
#if CPU_FORM
    if (c + 16 <= channels) {
        float16 wide = 0.0f;
        for (int r = begin; r < end; r++, a += channels, b += channels)
            wide += vload16(0, a + c) * vload16(0, b + c);
        vstore16(wide, 0, sums + c);
        return;
    }
#endif
    for (int last = min(c + COLUMNS, channels); c < last; c++) {
        float sum = 0.0f;
        for (int r = 0; r < end - begin; r++)
            sum += a[(ulong)r * channels + c] * b[(ulong)r * channels + c];
        sums[c] = sum;
    }
}

__kernel void residual_gate_total(UNUSED(x), UNUSED(gate), UNUSED(m), UNUSED(y), UNUSED(dx),
                                  WRITE(dgate), UNUSED(dm), UNUSED(dy), uint accumulate,
                                  __global const float *parts, int n, int channels, int pieces) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    __global const float *part = parts + (ulong)(i / channels) * pieces * channels + i % channels;
    float sum = 0.0f;
    for (int p = 0; p < pieces; p++)
        sum += part[(ulong)p * channels];
    PUT(AT(dgate)[i], sum, ADDS(1));
}
