/* SPDX-License-Identifier: MIT */
/* guide.cl: y = v_null + scale (v_label - v_null); the null half of v comes first. */

__kernel void guide_forward(READ(v), WRITE(y), int n, float scale) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float null = AT(v)[i];
    AT(y)[i] = null + scale * (AT(v)[(ulong)n + i] - null);
}
