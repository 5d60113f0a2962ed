/* SPDX-License-Identifier: MIT */
/* unpatchify.cl: tokens to image, a patch flattened as (y, x, channel); one element a work-item. */

/* Where element i of the image [batch, channels, height, width] stands in the tokens. */
static inline ulong place(int i, int channels, int height, int width, int patch) {
    int x = i % width, y = i / width % height;
    int c = i / (width * height) % channels, b = i / (width * height * channels);
    int token = (b * (height / patch) + y / patch) * (width / patch) + x / patch;
    int within = (y % patch * patch + x % patch) * channels + c;
    return (ulong)token * channels * patch * patch + within;
}

__kernel void unpatchify_forward(READ(tokens), WRITE(image), int n, int channels, int height,
                                 int width, int patch) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    AT(image)[i] = AT(tokens)[place(i, channels, height, width, patch)];
}

__kernel void unpatchify_backward(UNUSED(tokens), UNUSED(image), WRITE(dtokens), READ(dimage),
                                  uint accumulate, int n, int channels, int height, int width,
                                  int patch) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    PUT(AT(dtokens)[place(i, channels, height, width, patch)], AT(dimage)[i], ADDS(0));
}
