/* SPDX-License-Identifier: MIT */
/* spmm.cl: products with a sparse matrix of symmetric pattern. What points outside of the matrix
 * becomes NaN, and nothing outside is read. dims: (channels or heads, nodes) */

#define BEGIN(i) max(AT(start)[i], 0)
#define END(i) min(AT(start)[(i) + 1], edges)

/* One channel of one row of the result; through: the value of edge e is that of reverse[e]. */
static inline float row_sum(__global const float *x, __global const float *weight,
                            __global const int *column, __global const int *reverse, int begin,
                            int end, int nodes, int channels, int edges, int heads) {
    int c = (int)get_global_id(0), h = c / (channels / heads);
    float sum = 0.0f;
    for (int e = begin; e < end; e++) {
        int j = column[e], value = reverse ? reverse[e] : e;
        if (j < 0 || j >= nodes || value < 0 || value >= edges)
            return NAN;
        sum += (weight ? weight[(ulong)value * heads + h] : 1.0f) * x[(ulong)j * channels + c];
    }
    return sum;
}

__kernel void spmm_forward(READ(x), READ(weight), READ_INT(start), READ_INT(column),
                           UNUSED(reverse), WRITE(y), int nodes, int channels, int edges,
                           int heads) {
    int c = (int)get_global_id(0), i = (int)get_global_id(1);
    AT(y)[(ulong)i * channels + c] =
        row_sum(AT(x), GIVEN(weight) ? AT(weight) : 0, AT(column), 0, BEGIN(i), END(i), nodes,
                channels, edges, heads);
}

__kernel void spmm_backward(UNUSED(x), READ(weight), READ_INT(start), READ_INT(column),
                            READ_INT(reverse), UNUSED(y), WRITE(dx), UNUSED(dweight),
                            READ(dy), uint accumulate, int nodes, int channels, int edges,
                            int heads) {
    int c = (int)get_global_id(0), i = (int)get_global_id(1);
    float sum = row_sum(AT(dy), GIVEN(weight) ? AT(weight) : 0, AT(column), AT(reverse), BEGIN(i),
                        END(i), nodes, channels, edges, heads);
    PUT(AT(dx)[(ulong)i * channels + c], sum, ADDS(0));
}

/* Row 0 and the last one also see to the edges that belong to no row, which have no gradient. */
__kernel void spmm_weight(READ(x), UNUSED(weight), READ_INT(start), READ_INT(column),
                          UNUSED(reverse), UNUSED(y), UNUSED(dx), WRITE(dweight),
                          READ(dy), uint accumulate, int nodes, int channels, int edges,
                          int heads) {
    int h = (int)get_global_id(0), i = (int)get_global_id(1), width = channels / heads;
    __global const float *dy = AT(dy) + (ulong)i * channels + h * width;
    for (int e = i == 0 ? 0 : edges; e < min(BEGIN(0), edges); e++)
        PUT(AT(dweight)[(ulong)e * heads + h], 0.0f, ADDS(1));
    for (int e = i == nodes - 1 ? max(END(i), BEGIN(i)) : edges; e < edges; e++)
        PUT(AT(dweight)[(ulong)e * heads + h], 0.0f, ADDS(1));
    for (int e = BEGIN(i); e < END(i); e++) {
        int j = AT(column)[e];
        float sum = j < 0 || j >= nodes ? NAN : 0.0f;
        __global const float *x = AT(x) + (ulong)(sum == 0.0f ? j : 0) * channels + h * width;
        for (int c = 0; c < width; c++)
            sum += dy[c] * x[c];
        PUT(AT(dweight)[(ulong)e * heads + h], sum, ADDS(1));
    }
}
