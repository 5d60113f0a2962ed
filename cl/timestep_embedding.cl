/* SPDX-License-Identifier: MIT */
/* timestep_embedding.cl: cos and sin of 1000 t f, f_q = 10000^(-q/half). The angle reaches 1000
 * rad, where a float has lost four digits, so turns are counted in sums of two floats: products by
 * fma are exact, and their whole part is taken off before the rest is joined. */

/* (a.x + a.y) (b.x + b.y) to about 2^-46 */
static inline float2 times(float2 a, float2 b) {
    float high = a.x * b.x;
    float low = fma(a.x, b.x, -high) + (a.x * b.y + a.y * b.x);
    return (float2)(high, low);
}

/* power k is 10000^(-2^k/half), so that f_q is the product over the bits of q. */
__kernel void timestep_embedding_forward(READ(t), WRITE(e), int n, int half_width, float high0,
                                         float low0, float high1, float low1, float high2,
                                         float low2, float high3, float low3, float high4,
                                         float low4, float high5, float low5, float high6,
                                         float low6) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    int q = i % half_width, b = i / half_width;
    /* 1000 / (2 pi) */
    float2 turns = (float2)(159.15493774414062f, 5.3477547226066235e-06f);
    if (q & 1)
        turns = times(turns, (float2)(high0, low0));
    if (q & 2)
        turns = times(turns, (float2)(high1, low1));
    if (q & 4)
        turns = times(turns, (float2)(high2, low2));
    if (q & 8)
        turns = times(turns, (float2)(high3, low3));
    if (q & 16)
        turns = times(turns, (float2)(high4, low4));
    if (q & 32)
        turns = times(turns, (float2)(high5, low5));
    if (q & 64)
        turns = times(turns, (float2)(high6, low6));
    turns = times(turns, (float2)(AT(t)[b], 0.0f));
    float r = 2.0f * ((turns.x - rint(turns.x)) + turns.y);
    __global float *e = AT(e) + (ulong)b * 2 * half_width + q;
    e[0] = cospi(r);
    e[half_width] = sinpi(r);
}
