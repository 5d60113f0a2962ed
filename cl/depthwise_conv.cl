/* SPDX-License-Identifier: MIT */
/* depthwise_conv.cl: a 3 x 3 window over every channel of [B, H, W, C], zero outside of the image.
 * A work-item takes one channel of one pixel, on CPUs sixteen channels of one image. */

#define LANES (CPU_FORM ? 16 : 1)

/* Sum of w[k] u over the window around pixel (i, j) of channel c; u: the image. MIRRORED: the
 * window turned by half a turn, which makes the adjoint. */
static inline float window1(__global const float *u, __global const float *w, int mirrored, int i,
                            int j, int c, int height, int width, int channels)
{
    float sum = 0.0f;
    for (int k = 0; k < 9; k++) {
        int y = i + k / 3 - 1, x = j + k % 3 - 1;
        if (y >= 0 && y < height && x >= 0 && x < width)
            sum += w[c * 9 + (mirrored ? 8 - k : k)] * u[((ulong)y * width + x) * channels + c];
    }
    return sum;
}

#if CPU_FORM
/* Sixteen channels of a whole image: the weights are gathered once. */
static inline void image16(__global const float *u, __global const float *w, int mirrored,
                           float16 bias, __global float *y, int add, int c, int height, int width,
                           int channels)
{
    float16 tap[9];
    float column[16];
    for (int k = 0; k < 9; k++) {
        for (int lane = 0; lane < 16; lane++)
            column[lane] = w[(c + lane) * 9 + (mirrored ? 8 - k : k)];
        tap[k] = vload16(0, column);
    }
    for (int i = 0; i < height; i++)
        for (int j = 0; j < width; j++) {
            ulong at = ((ulong)i * width + j) * channels + c;
            float16 sum = bias;
            for (int k = 0; k < 9; k++) {
                int p = i + k / 3 - 1, q = j + k % 3 - 1;
                if (p >= 0 && p < height && q >= 0 && q < width)
                    sum += tap[k] * vload16(0, u + ((ulong)p * width + q) * channels + c);
            }
            vstore16(add ? vload16(0, y + at) + sum : sum, 0, y + at);
        }
}
#endif

/* dims: (channels / LANES, images on CPUs, else pixels) */
__kernel void depthwise_conv_forward(READ(u), READ(weight), READ(bias), WRITE(y), int batch,
                                     int height, int width, int channels)
{
    int c = (int)get_global_id(0) * LANES, unit = (int)get_global_id(1);
    int plane = height * width, last = min(c + LANES, channels);
#if CPU_FORM
    ulong image = (ulong)unit * plane * channels;
    if (c + 16 <= channels) {
        float16 bias16 = GIVEN(bias) ? vload16(0, AT(bias) + c) : (float16)(0.0f);
        image16(AT(u) + image, AT(weight), 0, bias16, AT(y) + image, 0, c, height, width, channels);
        return;
    }
    int begin = 0, end = plane;
#else
    ulong image = (ulong)(unit / plane) * plane * channels;
    int begin = unit % plane, end = begin + 1;
#endif
    for (int at = begin; at < end; at++)
        for (int k = c; k < last; k++)
            AT(y)[image + (ulong)at * channels + k] =
                (GIVEN(bias) ? AT(bias)[k] : 0.0f) + window1(AT(u) + image, AT(weight), 0,
                                                             at / width, at % width, k, height,
                                                             width, channels);
}

__kernel void depthwise_conv_backward_u(UNUSED(u), READ(weight), UNUSED(bias), UNUSED(y), WRITE(du),
                                        UNUSED(dweight), UNUSED(dbias), READ(dy), uint accumulate,
                                        int batch, int height, int width, int channels)
{
    int c = (int)get_global_id(0) * LANES, unit = (int)get_global_id(1);
    int plane = height * width, last = min(c + LANES, channels);
#if CPU_FORM
    ulong image = (ulong)unit * plane * channels;
    if (c + 16 <= channels) {
        image16(AT(dy) + image, AT(weight), 1, (float16)(0.0f), AT(du) + image, (int)ADDS(0), c,
                height, width, channels);
        return;
    }
    int begin = 0, end = plane;
#else
    ulong image = (ulong)(unit / plane) * plane * channels;
    int begin = unit % plane, end = begin + 1;
#endif
    for (int at = begin; at < end; at++)
        for (int k = c; k < last; k++)
            PUT(AT(du)[image + (ulong)at * channels + k],
                window1(AT(dy) + image, AT(weight), 1, at / width, at % width, k, height, width,
                        channels),
                ADDS(0));
}

/* Ten sums of each channel, dy times each neighbour and dy, over a piece of all pixels: parts
 * [pieces, 10, C]. dims: (channels / LANES, pieces) */
__kernel void depthwise_conv_sums(READ(u), UNUSED(weight), UNUSED(bias), UNUSED(y), UNUSED(du),
                                  UNUSED(dweight), UNUSED(dbias), READ(dy), uint accumulate,
                                  __global float *parts, int pixels, int height, int width,
                                  int channels, int piece)
{
    int c = (int)get_global_id(0) * LANES, part = (int)get_global_id(1);
    int begin = part * piece, end = min(begin + piece, pixels);
    __global float *to = parts + (ulong)part * 10 * channels;
#if CPU_FORM
    if (c + 16 <= channels) {
        float16 sum[10];
        for (int k = 0; k < 10; k++)
            sum[k] = 0.0f;
        for (int at = begin; at < end; at++) {
            int i = at / width % height, j = at % width;
            float16 d = vload16(0, AT(dy) + (ulong)at * channels + c);
            for (int k = 0; k < 9; k++) {
                int p = k / 3 - 1, q = k % 3 - 1;
                if (i + p >= 0 && i + p < height && j + q >= 0 && j + q < width)
                    sum[k] += d * vload16(0, AT(u) + (ulong)(at + p * width + q) * channels + c);
            }
            sum[9] += d;
        }
        for (int k = 0; k < 10; k++)
            vstore16(sum[k], 0, to + k * channels + c);
        return;
    }
#endif
    for (int last = min(c + LANES, channels); c < last; c++) {
        float sum[10];
        for (int k = 0; k < 10; k++)
            sum[k] = 0.0f;
        for (int at = begin; at < end; at++) {
            int i = at / width % height, j = at % width;
            float d = AT(dy)[(ulong)at * channels + c];
            for (int k = 0; k < 9; k++) {
                int p = k / 3 - 1, q = k % 3 - 1;
                if (i + p >= 0 && i + p < height && j + q >= 0 && j + q < width)
                    sum[k] += d * AT(u)[(ulong)(at + p * width + q) * channels + c];
            }
            sum[9] += d;
        }
        for (int k = 0; k < 10; k++)
            to[k * channels + c] = sum[k];
    }
}

/* Adds the pieces up: item (c, k), k = 9 for the bias. */
__kernel void depthwise_conv_totals(UNUSED(u), UNUSED(weight), UNUSED(bias), UNUSED(y), UNUSED(du),
                                    WRITE(dweight), WRITE(dbias), UNUSED(dy), uint accumulate,
                                    __global const float *parts, int n, int channels, int pieces)
{
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    int k = i / channels, c = i % channels;
    float sum = 0.0f;
    for (int p = 0; p < pieces; p++)
        sum += parts[(ulong)p * n + i];
    if (k < 9 && GIVEN(dweight))
        PUT(AT(dweight)[c * 9 + k], sum, ADDS(1));
    if (k == 9 && GIVEN(dbias))
        PUT(AT(dbias)[c], sum, ADDS(2));
}
