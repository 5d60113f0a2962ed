/* SPDX-License-Identifier: MIT */
/* corner.cl: an image that has its first rows and columns from another one, zero elsewhere. */

/* Element i of an image [.., height, width, channels] made from `from` [.., h, w, channels]. */
static inline float element(__global const float *from, int i, int height, int width, int h, int w,
                            int channels)
{
    int c = i % channels, x = i / channels % width, y = i / channels / width % height;
    ulong image = (ulong)(i / channels / width / height);
    return y < h && x < w ? from[((image * h + y) * w + x) * channels + c] : 0.0f;
}

__kernel void corner_forward(READ(u), WRITE(y), int n, int h, int w, int height, int width,
                             int channels)
{
    int i = (int)get_global_id(0);
    if (i < n)
        AT(y)[i] = element(AT(u), i, height, width, h, w, channels);
}

__kernel void corner_backward(UNUSED(u), UNUSED(y), WRITE(du), READ(dy), uint accumulate, int n,
                              int h, int w, int height, int width, int channels)
{
    int i = (int)get_global_id(0);
    if (i < n)
        PUT(AT(du)[i], element(AT(dy), i, h, w, height, width, channels), ADDS(0));
}
