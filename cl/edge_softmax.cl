/* SPDX-License-Identifier: MIT */
/* edge_softmax.cl: softmax over the edges of each row, a row and head a work-item. What points
 * outside of the graph becomes NaN. dims: (heads, nodes) */

#define BEGIN(i) max(AT(start)[i], 0)
#define END(i) min(AT(start)[(i) + 1], edges)

__kernel void edge_softmax_forward(READ(left), READ(right), READ_INT(start), READ_INT(column),
                                   UNUSED(reverse), WRITE(y), int nodes, int heads, int edges,
                                   float slope) {
    int h = (int)get_global_id(0), i = (int)get_global_id(1);
    __global float *y = AT(y) + h;
    float top = -INFINITY, sum = 0.0f, own = AT(left)[(ulong)i * heads + h];
    for (int e = i == 0 ? 0 : edges; e < min(BEGIN(0), edges); e++)
        y[(ulong)e * heads] = 0.0f;
    for (int e = i == nodes - 1 ? max(END(i), BEGIN(i)) : edges; e < edges; e++)
        y[(ulong)e * heads] = 0.0f;
    for (int e = BEGIN(i); e < END(i); e++) {
        int j = AT(column)[e];
        float z = j < 0 || j >= nodes ? NAN : own + AT(right)[(ulong)j * heads + h];
        z = z > 0.0f ? z : slope * z;
        y[(ulong)e * heads] = z;
        top = fmax(top, z);
    }
    for (int e = BEGIN(i); e < END(i); e++) {
        float p = exp(y[(ulong)e * heads] - top);
        y[(ulong)e * heads] = p;
        sum += p;
    }
    for (int e = BEGIN(i); e < END(i); e++)
        y[(ulong)e * heads] /= sum;
}

#define BACKWARD                                                                                   \
    READ(left), READ(right), READ_INT(start), READ_INT(column), READ_INT(reverse), READ(y),        \
        WRITE(dleft), WRITE(dright), READ(dy), uint accumulate, __global float *totals, int nodes, \
        int heads, int edges, float slope

/* Totals of y dy over a row's edges, and the gradient of left. */
__kernel void edge_softmax_left(BACKWARD) {
    int h = (int)get_global_id(0), i = (int)get_global_id(1);
    ulong at = (ulong)i * heads + h;
    float total = 0.0f, sum = 0.0f;
    for (int e = BEGIN(i); e < END(i); e++)
        total += AT(y)[(ulong)e * heads + h] * AT(dy)[(ulong)e * heads + h];
    totals[at] = total;
    if (!GIVEN(dleft))
        return;
    for (int e = BEGIN(i); e < END(i); e++) {
        int j = AT(column)[e];
        float z = j < 0 || j >= nodes ? NAN : AT(left)[at] + AT(right)[(ulong)j * heads + h];
        float d = AT(y)[(ulong)e * heads + h] * (AT(dy)[(ulong)e * heads + h] - total);
        sum += z > 0.0f ? d : z <= 0.0f ? slope * d : NAN;
    }
    PUT(AT(dleft)[at], sum, ADDS(0));
}

/* The gradient of right: over the edges that end in a node, which are the reverses of its own. */
__kernel void edge_softmax_right(BACKWARD) {
    int h = (int)get_global_id(0), j = (int)get_global_id(1);
    ulong at = (ulong)j * heads + h;
    float sum = 0.0f;
    for (int k = BEGIN(j); k < END(j); k++) {
        int i = AT(column)[k], e = AT(reverse)[k];
        if (i < 0 || i >= nodes || e < 0 || e >= edges) {
            sum = NAN;
            break;
        }
        float z = AT(left)[(ulong)i * heads + h] + AT(right)[at];
        float d = AT(y)[(ulong)e * heads + h] *
                  (AT(dy)[(ulong)e * heads + h] - totals[(ulong)i * heads + h]);
        sum += z > 0.0f ? d : slope * d;
    }
    PUT(AT(dright)[at], sum, ADDS(1));
}
