/* SPDX-License-Identifier: MIT */
/* add.cl: y = a + b, b repeated over the rows of a. Sums over rows go in two steps: pieces of the
 * rows into the scratch buffer [pieces, width], then these. */

#define COLUMNS (CPU_FORM ? 16 : 1)

/* Elements of a work-item. */
#define SPAN (CPU_FORM ? 1024 : 1)

__kernel void add_forward(READ(a), READ(b), WRITE(y), int n, int width) {
    long at = (long)get_global_id(0) * SPAN, end = min(at + SPAN, (long)n);
    while (at < end) {
        int column = (int)(at % width), c = 0, run = (int)min(end - at, (long)(width - column));
        __global const float *a = AT(a) + at, *b = AT(b) + column;
        __global float *y = AT(y) + at;
#if CPU_FORM
        for (; c + 16 <= run; c += 16)
            vstore16(vload16(0, a + c) + vload16(0, b + c), 0, y + c);
#endif
        for (; c < run; c++)
            y[c] = a[c] + b[c];
        at += run;
    }
}

__kernel void add_backward_a(UNUSED(a), UNUSED(b), UNUSED(y), WRITE(da), UNUSED(db), READ(dy),
                             uint accumulate, int n) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    PUT(AT(da)[i], AT(dy)[i], ADDS(0));
}

/* dims: (width / COLUMNS, pieces) */
__kernel void add_backward_b(UNUSED(a), UNUSED(b), UNUSED(y), UNUSED(da), UNUSED(db), READ(dy),
                             uint accumulate, __global float *parts, int rows, int width,
                             int piece) {
    int c = (int)get_global_id(0) * COLUMNS, part = (int)get_global_id(1);
    int begin = part * piece, end = min(begin + piece, rows);
    __global const float *d = AT(dy) + (ulong)begin * width;
    __global float *sums = parts + (ulong)part * width;
#if CPU_FORM
    if (c + 16 <= width) {
        float16 wide = 0.0f;
        for (int r = begin; r < end; r++, d += width)
            wide += vload16(0, d + c);
        vstore16(wide, 0, sums + c);
        return;
    }
#endif
    for (int last = min(c + COLUMNS, width); c < last; c++) {
        float sum = 0.0f;
        for (int r = 0; r < end - begin; r++)
            sum += d[(ulong)r * width + c];
        sums[c] = sum;
    }
}

__kernel void add_backward_b_total(UNUSED(a), UNUSED(b), UNUSED(y), UNUSED(da), WRITE(db),
                                   UNUSED(dy), uint accumulate, __global const float *parts, int n,
                                   int pieces) {
    int i = (int)get_global_id(0);
    if (i >= n)
        return;
    float sum = 0.0f;
    for (int p = 0; p < pieces; p++)
        sum += parts[(ulong)p * n + i];
    PUT(AT(db)[i], sum, ADDS(1));
}
