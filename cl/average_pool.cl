/* SPDX-License-Identifier: MIT */
/* average_pool.cl: images of half the side; one element of the target a work-item. width: of y. */

__kernel void average_pool_forward(READ(u), WRITE(y), int n, int width, float gain) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    __global const float *above = AT(u) + (ulong)(i / width) * 4 * width + 2 * (i % width);
    __global const float *below = above + 2 * width;
    AT(y)[i] = gain / 4 * ((above[0] + above[1]) + (below[0] + below[1]));
}

__kernel void average_pool_backward(UNUSED(u), UNUSED(y), WRITE(du), READ(dy), uint accumulate,
                                    int n, int width, float gain) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    int row = i / (4 * width), column = i % (2 * width) / 2;
    PUT(AT(du)[i], gain / 4 * AT(dy)[row * width + column], ADDS(0));
}
