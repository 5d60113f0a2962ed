/* SPDX-License-Identifier: MIT */
/* dropout.cl: y = x / (1 - rate) where a uniform number is at least rate, else 0; with ReLU, 0 too
 * where x is negative. The numbers are
 * those of src/core/random.h, four to a work-item. dims: (channels / 4, rows) */

#define PURPOSE_DROPOUT 2u

/* What is below `least_x` counts as 0. */
static inline void four(__global const float *from, __global float *to, int add, int channels,
                        __global const int *node, __global const int *clock, uint first_block,
                        float rate, float least_x) {
    uint block = (uint)get_global_id(0), row = (uint)get_global_id(1);
    uint key0 = (uint)clock[0], key1 = (uint)clock[1];
    uint c0 = PURPOSE_DROPOUT, c1 = (uint)clock[2], c2 = (uint)node[row], c3 = first_block + block;
    for (int round = 0; round < 10; round++) {
        uint high = mul_hi(0xcd9e8d57u, c2) ^ c1 ^ key0, low = 0xcd9e8d57u * c2;
        c2 = mul_hi(0xd2511f53u, c0) ^ c3 ^ key1;
        c3 = 0xd2511f53u * c0;
        c0 = high;
        c1 = low;
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
    uint words[4] = {c0, c1, c2, c3};
    float scale = 1.0f / (1.0f - rate);
    ulong at = (ulong)row * channels;
    for (int c = (int)block * 4, k = 0; k < 4 && c < channels; k++, c++) {
        float x = from[at + c] < least_x ? 0.0f : from[at + c];
        float kept = (float)(words[k] >> 8) * 0x1p-24f >= rate ? scale * x : 0.0f;
        PUT(to[at + c], kept, add);
    }
}

__kernel void dropout_forward(READ(x), READ_INT(node), READ_INT(clock), WRITE(y), int channels,
                              uint first_block, float rate, int rectify) {
    four(AT(x), AT(y), 0, channels, AT(node), AT(clock), first_block, rate,
         rectify ? 0.0f : -INFINITY);
}

/* Rectified, what was dropped and what was negative are both 0 in y. */
__kernel void dropout_backward(UNUSED(x), READ_INT(node), READ_INT(clock), READ(y), WRITE(dx),
                               READ(dy), uint accumulate, int channels, uint first_block,
                               float rate, int rectify) {
    ulong at = (ulong)get_global_id(1) * channels;
    if (!rectify) {
        four(AT(dy), AT(dx), ADDS(0), channels, AT(node), AT(clock), first_block, rate, -INFINITY);
        return;
    }
    for (int c = (int)get_global_id(0) * 4, k = 0; k < 4 && c < channels; k++, c++) {
        float d = AT(y)[at + c] > 0.0f ? AT(dy)[at + c] / (1.0f - rate) : 0.0f;
        PUT(AT(dx)[at + c], d, ADDS(0));
    }
}
