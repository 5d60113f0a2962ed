/* SPDX-License-Identifier: MIT */
/* mean_tokens.cl: y[b,c] = mean of x[b,n,c] over n; a work-item takes one channel of a sample, on
 * CPUs sixteen. */

#define LANES (CPU_FORM ? 16 : 1)

/* dims: (channels / LANES, batch) */
__kernel void mean_tokens_forward(READ(x), WRITE(y), int tokens, int channels)
{
    int c = (int)get_global_id(0) * LANES, b = (int)get_global_id(1);
    __global const float *x = AT(x) + (ulong)b * tokens * channels;
    __global float *y = AT(y) + (ulong)b * channels;
#if CPU_FORM
    if (c + 16 <= channels) {
        float16 wide = 0.0f;
        for (int n = 0; n < tokens; n++)
            wide += vload16(0, x + (ulong)n * channels + c);
        vstore16(wide / (float)tokens, 0, y + c);
        return;
    }
#endif
    for (int last = min(c + LANES, channels); c < last; c++) {
        float sum = 0.0f;
        for (int n = 0; n < tokens; n++)
            sum += x[(ulong)n * channels + c];
        y[c] = sum / (float)tokens;
    }
}

__kernel void mean_tokens_backward(UNUSED(x), UNUSED(y), WRITE(dx), READ(dy), uint accumulate,
                                   int n, int tokens, int channels)
{
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    int b = i / channels / tokens;
    PUT(AT(dx)[i], AT(dy)[(ulong)b * channels + i % channels] / (float)tokens, ADDS(0));
}
