/* SPDX-License-Identifier: MIT */
/* head_dot.cl: dot products of blocks of channels. The gradient of a sums pieces of the rows into
 * the scratch buffer [pieces, channels], then these, so that they are always added in the same
 * order. dims: (heads or channels, rows or pieces) */

#define NUMBERS __global float *parts, int rows, int heads, int width, int piece, int pieces
#define BACKWARD                                                                                   \
    READ(x), READ(a), UNUSED(y), WRITE(dx), WRITE(da), READ(dy), uint accumulate, NUMBERS

__kernel void head_dot_forward(READ(x), READ(a), WRITE(y), NUMBERS) {
    int h = (int)get_global_id(0), i = (int)get_global_id(1);
    __global const float *x_block = AT(x) + ((ulong)i * heads + h) * width;
    __global const float *a_block = AT(a) + (ulong)h * width;
    float sum = 0.0f;
    for (int c = 0; c < width; c++)
        sum += a_block[c] * x_block[c];
    AT(y)[(ulong)i * heads + h] = sum;
}

__kernel void head_dot_backward(BACKWARD) {
    int c = (int)get_global_id(0), i = (int)get_global_id(1);
    float d = AT(dy)[(ulong)i * heads + c / width] * AT(a)[c];
    PUT(AT(dx)[(ulong)i * heads * width + c], d, ADDS(0));
}

__kernel void head_dot_pieces(BACKWARD) {
    int c = (int)get_global_id(0), p = (int)get_global_id(1);
    float sum = 0.0f;
    for (int r = p * piece; r < min((p + 1) * piece, rows); r++)
        sum += AT(dy)[(ulong)r * heads + c / width] * AT(x)[(ulong)r * heads * width + c];
    parts[(ulong)p * heads * width + c] = sum;
}

__kernel void head_dot_weight(BACKWARD) {
    int c = (int)get_global_id(0);
    float sum = 0.0f;
    for (int p = 0; p < pieces; p++)
        sum += parts[(ulong)p * heads * width + c];
    PUT(AT(da)[c], sum, ADDS(1));
}
