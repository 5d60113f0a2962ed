/* SPDX-License-Identifier: MIT */
/* patchify.cl: image to tokens, a patch flattened as (channel, y, x); one element a work-item. */

/* Where element i of the image [batch, channels, height, width] stands in the tokens. */
static inline ulong place(int i, int channels, int height, int width, int patch) {
    int x = i % width, y = i / width % height;
    int c = i / (width * height) % channels, b = i / (width * height * channels);
    int token = (b * (height / patch) + y / patch) * (width / patch) + x / patch;
    int within = (c * patch + y % patch) * patch + x % patch;
    return (ulong)token * channels * patch * patch + within;
}

__kernel void patchify_forward(READ(image), WRITE(patches), int n, int channels, int height,
                               int width, int patch) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    AT(patches)[place(i, channels, height, width, patch)] = AT(image)[i];
}

__kernel void patchify_backward(UNUSED(image), UNUSED(patches), WRITE(dimage), READ(dpatches),
                                uint accumulate, int n, int channels, int height, int width,
                                int patch) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    PUT(AT(dimage)[i], AT(dpatches)[place(i, channels, height, width, patch)], ADDS(0));
}
