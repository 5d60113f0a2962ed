/* SPDX-License-Identifier: MIT */
/* gaussian_gain.cl: a(t) = (2t - 1) / ((1 - t)^2 + t^2) for each sample, repeated. */

__kernel void gaussian_gain_forward(READ(t), WRITE(a), int n, int width) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float t = AT(t)[i / width], left = 1.0f - t;
    AT(a)[i] = (t - left) / (left * left + t * t);
}
