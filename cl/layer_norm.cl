/* SPDX-License-Identifier: MIT */
/* layer_norm.cl: y = xhat (1 + scale) + shift, xhat = (x - mean) rstd over the channels of a token.
 * Row kernels (for CPUs): one token a work-item, 16 channels at a time. Group kernels: one token a
 * work-group. Sums over tokens go in two steps: pieces of a sample's tokens into the scratch buffer
 * [batch, pieces, 2, channels], then these. */

#define EPSILON 1e-6f
#define COLUMNS (CPU_FORM ? 16 : 1)
/* Work-items of a group at most; the launch asks for a power of two. */
#define MOST 256

static inline float add16(float16 v) {
    float8 a = v.lo + v.hi;
    float4 b = a.lo + a.hi;
    return (b.x + b.y) + (b.z + b.w);
}

/* What to add to the mean, and 1/std, from the sums of (x - mean) and its square. */
static inline float2 finish(float rest, float square, int n) {
    rest /= (float)n;
    return (float2)(rest, rsqrt(fmax(square / (float)n - rest * rest, 0.0f) + EPSILON));
}

__kernel void layer_norm_forward_row(READ(x), READ(shift), READ(scale), WRITE(y), WRITE(stats),
                                     int rows, int tokens, int n) {
    int row = (int)get_global_id(0);
    if (row >= rows)
        return;
    __global const float *x = AT(x) + (ulong)row * n;
    __global const float *shift = AT(shift) + (ulong)(row / tokens) * n;
    __global const float *scale = AT(scale) + (ulong)(row / tokens) * n;
    __global float *y = AT(y) + (ulong)row * n;
    int wide = n / 16 * 16;
    float16 sum16 = 0.0f, rest16 = 0.0f, square16 = 0.0f;
    float sum = 0.0f, rest = 0.0f, square = 0.0f;
    for (int c = 0; c < wide; c += 16)
        sum16 += vload16(0, x + c);
    for (int c = wide; c < n; c++)
        sum += x[c];
    float mean = (sum + add16(sum16)) / (float)n;
    for (int c = 0; c < wide; c += 16) {
        float16 d = vload16(0, x + c) - mean;
        rest16 += d;
        square16 += d * d;
    }
    for (int c = wide; c < n; c++) {
        rest += x[c] - mean;
        square += (x[c] - mean) * (x[c] - mean);
    }
    float2 f = finish(rest + add16(rest16), square + add16(square16), n);
    int scaled = GIVEN(scale);
    for (int c = 0; c < wide; c += 16) {
        float16 v = ((vload16(0, x + c) - mean) - f.x) * f.y;
        if (scaled)
            v = v * (1.0f + vload16(0, scale + c)) + vload16(0, shift + c);
        vstore16(v, 0, y + c);
    }
    for (int c = wide; c < n; c++) {
        float v = ((x[c] - mean) - f.x) * f.y;
        y[c] = scaled ? v * (1.0f + scale[c]) + shift[c] : v;
    }
    AT(stats)[2 * (ulong)row] = mean + f.x;
    AT(stats)[2 * (ulong)row + 1] = f.y;
}

/* The sum of v over the work-group, in every work-item. */
static inline float2 group_sum(__local float2 *shared, float2 v) {
    int i = (int)get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    shared[i] = v;
    for (int rest = (int)get_local_size(0) / 2; rest > 0; rest /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (i < rest)
            shared[i] += shared[i + rest];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return shared[0];
}

__kernel void layer_norm_forward_group(READ(x), READ(shift), READ(scale), WRITE(y), WRITE(stats),
                                       int rows, int tokens, int n) {
    __local float2 shared[MOST];
    int row = (int)get_group_id(0), first = (int)get_local_id(0), step = (int)get_local_size(0);
    __global const float *x = AT(x) + (ulong)row * n;
    float2 sum = 0.0f;
    for (int c = first; c < n; c += step)
        sum.x += x[c];
    float mean = group_sum(shared, sum).x / (float)n;
    sum = 0.0f;
    for (int c = first; c < n; c += step) {
        float d = x[c] - mean;
        sum += (float2)(d, d * d);
    }
    sum = group_sum(shared, sum);
    float2 f = finish(sum.x, sum.y, n);
    ulong sample = (ulong)(row / tokens) * n;
    for (int c = first; c < n; c += step) {
        float v = ((x[c] - mean) - f.x) * f.y;
        if (GIVEN(scale))
            v = v * (1.0f + AT(scale)[sample + c]) + AT(shift)[sample + c];
        AT(y)[(ulong)row * n + c] = v;
    }
    if (first == 0) {
        AT(stats)[2 * (ulong)row] = mean + f.x;
        AT(stats)[2 * (ulong)row + 1] = f.y;
    }
}

/* dx = rstd (g - mean(g) - xhat mean(g xhat)), g = dy (1 + scale) */
__kernel void layer_norm_backward_row(READ(x), UNUSED(shift), READ(scale), UNUSED(y), READ(stats),
                                      WRITE(dx), UNUSED(dshift), UNUSED(dscale), READ(dy),
                                      uint accumulate, int rows, int tokens, int n) {
    int row = (int)get_global_id(0);
    if (row >= rows)
        return;
    __global const float *x = AT(x) + (ulong)row * n, *dy = AT(dy) + (ulong)row * n;
    __global const float *scale = AT(scale) + (ulong)(row / tokens) * n;
    __global float *dx = AT(dx) + (ulong)row * n;
    float mean = AT(stats)[2 * (ulong)row], rstd = AT(stats)[2 * (ulong)row + 1];
    int wide = n / 16 * 16, scaled = GIVEN(scale), add = ADDS(0);
    float16 sum16 = 0.0f, along16 = 0.0f;
    float sum = 0.0f, along = 0.0f;
    for (int c = 0; c < wide; c += 16) {
        float16 g = vload16(0, dy + c);
        if (scaled)
            g *= 1.0f + vload16(0, scale + c);
        sum16 += g;
        along16 += g * ((vload16(0, x + c) - mean) * rstd);
    }
    for (int c = wide; c < n; c++) {
        float g = scaled ? dy[c] * (1.0f + scale[c]) : dy[c];
        sum += g;
        along += g * ((x[c] - mean) * rstd);
    }
    sum = (sum + add16(sum16)) / (float)n;
    along = (along + add16(along16)) / (float)n;
    for (int c = 0; c < wide; c += 16) {
        float16 g = vload16(0, dy + c);
        if (scaled)
            g *= 1.0f + vload16(0, scale + c);
        float16 d = rstd * (g - sum - (vload16(0, x + c) - mean) * rstd * along);
        vstore16(add ? d + vload16(0, dx + c) : d, 0, dx + c);
    }
    for (int c = wide; c < n; c++) {
        float g = scaled ? dy[c] * (1.0f + scale[c]) : dy[c];
        PUT(dx[c], rstd * (g - sum - (x[c] - mean) * rstd * along), add);
    }
}

__kernel void layer_norm_backward_group(READ(x), UNUSED(shift), READ(scale), UNUSED(y), READ(stats),
                                        WRITE(dx), UNUSED(dshift), UNUSED(dscale), READ(dy),
                                        uint accumulate, int rows, int tokens, int n) {
    __local float2 shared[MOST];
    int row = (int)get_group_id(0), first = (int)get_local_id(0), step = (int)get_local_size(0);
    __global const float *x = AT(x) + (ulong)row * n, *dy = AT(dy) + (ulong)row * n;
    __global const float *scale = AT(scale) + (ulong)(row / tokens) * n;
    float mean = AT(stats)[2 * (ulong)row], rstd = AT(stats)[2 * (ulong)row + 1];
    float2 sum = 0.0f;
    for (int c = first; c < n; c += step) {
        float g = GIVEN(scale) ? dy[c] * (1.0f + scale[c]) : dy[c];
        sum += (float2)(g, g * ((x[c] - mean) * rstd));
    }
    sum = group_sum(shared, sum) / (float)n;
    for (int c = first; c < n; c += step) {
        float g = GIVEN(scale) ? dy[c] * (1.0f + scale[c]) : dy[c];
        PUT(AT(dx)[(ulong)row * n + c], rstd * (g - sum.x - (x[c] - mean) * rstd * sum.y), ADDS(0));
    }
}

/* dims: (channels / COLUMNS, batch pieces) */
__kernel void layer_norm_sums(READ(x), UNUSED(shift), UNUSED(scale), UNUSED(y), READ(stats),
                              UNUSED(dx), UNUSED(dshift), UNUSED(dscale), READ(dy), uint accumulate,
                              __global float *parts, int tokens, int channels, int piece,
                              int pieces) {
    int c = (int)get_global_id(0) * COLUMNS, part = (int)get_global_id(1);
    int begin = part % pieces * piece, rows = min(piece, tokens - begin);
    ulong row = (ulong)(part / pieces) * tokens + begin;
    __global const float *x = AT(x) + row * channels, *dy = AT(dy) + row * channels;
    __global const float *s = AT(stats) + 2 * row;
    __global float *sums = parts + 2 * (ulong)part * channels;
#if CPU_FORM
    if (c + 16 <= channels) {
        float16 dshift = 0.0f, dscale = 0.0f;
        for (int r = 0; r < rows; r++, x += channels, dy += channels) {
            float16 d = vload16(0, dy + c);
            dshift += d;
            dscale += d * ((vload16(0, x + c) - s[2 * r]) * s[2 * r + 1]);
        }
        vstore16(dshift, 0, sums + c);
        vstore16(dscale, 0, sums + channels + c);
        return;
    }
#endif
    for (int last = min(c + COLUMNS, channels); c < last; c++) {
        float dshift = 0.0f, dscale = 0.0f;
        for (int r = 0; r < rows; r++) {
            float d = dy[(ulong)r * channels + c];
            dshift += d;
            dscale += d * ((x[(ulong)r * channels + c] - s[2 * r]) * s[2 * r + 1]);
        }
        sums[c] = dshift;
        sums[channels + c] = dscale;
    }
}

__kernel void layer_norm_totals(UNUSED(x), UNUSED(shift), UNUSED(scale), UNUSED(y), UNUSED(stats),
                                UNUSED(dx), WRITE(dshift), WRITE(dscale), UNUSED(dy),
                                uint accumulate, __global const float *parts, int n, int channels,
                                int pieces) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    __global const float *part =
        parts + 2 * (ulong)(i / channels) * pieces * channels + i % channels;
    float dshift = 0.0f, dscale = 0.0f;
    for (int p = 0; p < pieces; p++, part += 2 * channels) {
        dshift += part[0];
        dscale += part[channels];
    }
    if (GIVEN(dshift))
        PUT(AT(dshift)[i], dshift, ADDS(1));
    if (GIVEN(dscale))
        PUT(AT(dscale)[i], dscale, ADDS(2));
}
