/* SPDX-License-Identifier: MIT */
/* linear.cl: y = x weight^T + bias, for devices without a BLAS. x is [m, k], weight
 * [n, k], y [parts, m, width] with n = parts width.
 *
 * Build options, both with defaults: ROWS of an item's tile (CPU form), TILE of a group (GPU form).
 *
 * kernel_check: -DROWS=12 -DTILE=128
 * kernel_check: -DROWS=8 -DTILE=32
 *
 * All three products are C(i, j) = sum over t of A(i, t) B(t, j) with different strides. */

/* A matrix: element (i, j) is at[i * row + j * column]. */
typedef struct {
    __global const float *at;
    ulong row, column;
} matrix;

static inline matrix view(__global const float *at, ulong row, ulong column)
{
    matrix m = {at, row, column};
    return m;
}

#if CPU_FORM

/* One item: ROWS x 32 sums in vectors of 16. The columns of B are contiguous. */
#ifndef ROWS
#define ROWS 8
#endif

typedef struct {
    float16 low[ROWS], high[ROWS];
} tile;

static inline void tile_clear(tile *t)
{
    for (int r = 0; r < ROWS; r++)
        t->low[r] = t->high[r] = 0.0f;
}

/* Columns j .. j + 15, or j .. j + 31 if wide; rows beyond the last repeat it. */
static inline void tile_vectors(tile *t, matrix a, matrix b, int j, int depth, int rows, int wide)
{
    float16 low[ROWS], high[ROWS];
    ulong row[ROWS];
    __global const float *pa = a.at, *pb = b.at + j;
    for (int r = 0; r < ROWS; r++) {
        low[r] = t->low[r];
        high[r] = t->high[r];
        row[r] = min(r, rows - 1) * a.row;
    }
    for (int k = 0; k < depth; k++, pa += a.column, pb += b.row) {
        float16 b0 = vload16(0, pb), b1 = wide ? vload16(1, pb) : b0;
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            float16 v = pa[row[r]];
            low[r] = fma(v, b0, low[r]);
            if (wide)
                high[r] = fma(v, b1, high[r]);
        }
    }
    for (int r = 0; r < ROWS; r++) {
        t->low[r] = low[r];
        t->high[r] = high[r];
    }
}

/* Columns j + first .. j + columns - 1, one by one. */
static inline void tile_scalars(tile *t, matrix a, matrix b, int j, int depth, int rows, int first,
                                int columns)
{
    float *low = (float *)t->low, *high = (float *)t->high;
    for (int r = 0; r < rows; r++)
        for (int c = first; c < columns; c++) {
            float sum = 0.0f;
            for (int k = 0; k < depth; k++)
                sum += a.at[r * a.row + k * a.column] * b.at[k * b.row + j + c];
            *(c < 16 ? low + r * 16 + c : high + r * 16 + c - 16) += sum;
        }
}

/* t += the tile at (i, j) of the product of a [m, depth] and b [depth, n]. */
static inline void tile_sum(tile *t, matrix a, matrix b, int i, int j, int m, int n, int depth)
{
    int rows = min(ROWS, m - i), columns = min(32, n - j);
    a.at += i * a.row;
    if (columns == 32)
        tile_vectors(t, a, b, j, depth, rows, 1);
    else if (columns >= 16)
        tile_vectors(t, a, b, j, depth, rows, 0);
    if (columns < 32)
        tile_scalars(t, a, b, j, depth, rows, columns < 16 ? 0 : 16, columns);
}

static inline void tile_put(const tile *t, __global float *c, ulong step, int i, int j, int m,
                            int n, __global const float *bias, int add)
{
    int rows = min(ROWS, m - i), columns = min(32, n - j);
    const float *low = (const float *)t->low, *high = (const float *)t->high;
    for (int r = 0; r < rows; r++) {
        __global float *to = c + (i + r) * step + j;
        for (int x = 0; x < columns; x++) {
            float v = x < 16 ? low[r * 16 + x] : high[r * 16 + x - 16];
            PUT(to[x], v + (bias ? bias[j + x] : 0.0f), add);
        }
    }
}

#define TILE_I ((int)get_global_id(0) * ROWS)
#define TILE_J ((int)get_global_id(1) * 32)
#define TILE_LOCAL
#define TILE_SUM(t, a, b, m, n, depth) tile_sum(t, a, b, TILE_I, TILE_J, m, n, depth)
#define TILE_PUT(t, c, step, m, n, bias, add) tile_put(t, c, step, TILE_I, TILE_J, m, n, bias, add)

#else

/* One work-group of 16 x 16 items: TILE x TILE sums, EACH x EACH of them (16 apart) an item. */
#define SIDE 16
#ifndef TILE
#define TILE 64
#endif
#define EACH (TILE / SIDE)
#define DEPTH 16
#define PAD 1 /* keeps the columns of a local tile in different banks */

typedef struct {
    float sum[EACH][EACH];
} tile;

static inline void tile_clear(tile *t)
{
    for (int r = 0; r < EACH; r++)
        for (int c = 0; c < EACH; c++)
            t->sum[r][c] = 0.0f;
}

/* to[k][i] = from(i0 + i, k0 + k), zero outside of [rows, depth]. Neighbouring items read
 * neighbouring addresses, whichever of the two strides is 1. */
static inline void fetch(__local float *to, matrix from, int i0, int k0, int rows, int depth)
{
    int item = (int)(get_local_id(1) * SIDE + get_local_id(0));
    int along_k = from.column == 1;
    for (int e = item; e < TILE * DEPTH; e += SIDE * SIDE) {
        int i = along_k ? e / DEPTH : e % TILE, k = along_k ? e % DEPTH : e / TILE;
        int inside = i0 + i < rows && k0 + k < depth;
        to[k * (TILE + PAD) + i] =
            inside ? from.at[(i0 + i) * from.row + (k0 + k) * from.column] : 0.0f;
    }
}

static inline void tile_sum(tile *t, matrix a, matrix b, int i0, int j0, int m, int n, int depth,
                            __local float *left, __local float *right)
{
    int x = (int)get_local_id(0), y = (int)get_local_id(1);
    matrix turned = view(b.at, b.column, b.row);
    for (int k0 = 0; k0 < depth; k0 += DEPTH) {
        fetch(left, a, i0, k0, m, depth);
        fetch(right, turned, j0, k0, n, depth);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < DEPTH; k++) {
            float p[EACH], q[EACH];
            for (int r = 0; r < EACH; r++) {
                p[r] = left[k * (TILE + PAD) + y + SIDE * r];
                q[r] = right[k * (TILE + PAD) + x + SIDE * r];
            }
            for (int r = 0; r < EACH; r++)
                for (int c = 0; c < EACH; c++)
                    t->sum[r][c] = fma(p[r], q[c], t->sum[r][c]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

static inline void tile_put(const tile *t, __global float *c, ulong step, int i0, int j0, int m,
                            int n, __global const float *bias, int add)
{
    for (int r = 0; r < EACH; r++)
        for (int s = 0; s < EACH; s++) {
            int i = i0 + (int)get_local_id(1) + SIDE * r, j = j0 + (int)get_local_id(0) + SIDE * s;
            if (i < m && j < n)
                PUT(c[i * step + j], t->sum[r][s] + (bias ? bias[j] : 0.0f), add);
        }
}

#define TILE_I ((int)get_group_id(1) * TILE)
#define TILE_J ((int)get_group_id(0) * TILE)
#define TILE_LOCAL __local float left[DEPTH * (TILE + PAD)], right[DEPTH * (TILE + PAD)];
#define TILE_SUM(t, a, b, m, n, depth) tile_sum(t, a, b, TILE_I, TILE_J, m, n, depth, left, right)
#define TILE_PUT(t, c, step, m, n, bias, add) tile_put(t, c, step, TILE_I, TILE_J, m, n, bias, add)

#endif

#if CPU_FORM
/* scratch [k, n] = weight^T; an item writes one row. */
__kernel void linear_transpose(UNUSED(x), READ(weight), UNUSED(bias), UNUSED(y),
                               __global float *scratch, int n, int k)
{
    int row = (int)get_global_id(0);
    __global const float *from = AT(weight) + row;
    __global float *to = scratch + (ulong)row * n;
    for (int j = 0; j < n; j++)
        to[j] = from[(ulong)j * k];
}

#define SCRATCH __global const float *scratch,
#else
#define SCRATCH
#endif

/* Third index: the part. */
__kernel void linear_forward(READ(x), READ(weight), READ(bias), WRITE(y), SCRATCH int m, int n,
                             int k, int width)
{
    TILE_LOCAL
    tile t;
    ulong first = get_global_id(2) * width;
    matrix a = view(AT(x), k, 1);
#if CPU_FORM
    matrix b = view(scratch + first, n, 1);
#else
    matrix b = view(AT(weight) + first * k, 1, k);
#endif
    tile_clear(&t);
    TILE_SUM(&t, a, b, m, width, k);
    TILE_PUT(&t, AT(y) + first * m, width, m, width, GIVEN(bias) ? AT(bias) + first : 0, 0);
}

/* dx = sum over parts of dy_p weight_p. */
__kernel void linear_dx(UNUSED(x), READ(weight), UNUSED(bias), UNUSED(y), WRITE(dx),
                        UNUSED(dweight), UNUSED(dbias), READ(dy), uint accumulate, int m, int n,
                        int k, int width)
{
    TILE_LOCAL
    tile t;
    tile_clear(&t);
    for (ulong first = 0; first < (ulong)n; first += width)
        TILE_SUM(&t, view(AT(dy) + first * m, width, 1), view(AT(weight) + first * k, k, 1), m, k,
                 width);
    TILE_PUT(&t, AT(dx), k, m, k, 0, ADDS(0));
}

/* The rows of slice s of `slices`. */
static inline int slice_begin(int m, int slices, int s)
{
    return (int)((long)m * s / slices);
}

/* scratch [slices, n, k]: dy_p^T x over one slice of the rows. Third index: slice, part. */
__kernel void linear_dweight(READ(x), UNUSED(weight), UNUSED(bias), UNUSED(y), UNUSED(dx),
                             UNUSED(dweight), UNUSED(dbias), READ(dy), uint accumulate,
                             __global float *scratch, int m, int n, int k, int width, int slices)
{
    TILE_LOCAL
    tile t;
    int slice = (int)get_global_id(2) % slices;
    ulong first = get_global_id(2) / slices * width;
    int begin = slice_begin(m, slices, slice), end = slice_begin(m, slices, slice + 1);
    matrix a = view(AT(dy) + first * m + (ulong)begin * width, 1, width);
    matrix b = view(AT(x) + (ulong)begin * k, k, 1);
    tile_clear(&t);
    TILE_SUM(&t, a, b, width, k, end - begin);
    TILE_PUT(&t, scratch + ((ulong)slice * n + first) * k, k, width, k, 0, 0);
}

/* scratch [slices, n]: the columns of dy, summed over one slice of the rows. */
__kernel void linear_dbias(UNUSED(x), UNUSED(weight), UNUSED(bias), UNUSED(y), UNUSED(dx),
                           UNUSED(dweight), UNUSED(dbias), READ(dy), uint accumulate,
                           __global float *scratch, int m, int n, int width, int slices)
{
    int slice = (int)get_global_id(1), id = (int)get_global_id(0);
    int begin = slice_begin(m, slices, slice), end = slice_begin(m, slices, slice + 1);
#if CPU_FORM
    int chunks = (width + 15) / 16, part = id / chunks, j = id % chunks * 16;
    if (part * width >= n)
        return;
    __global const float *from = AT(dy) + ((ulong)part * m + begin) * width + j;
    __global float *to = scratch + (ulong)slice * n + part * width + j;
    if (j + 16 <= width) {
        float16 sum = 0.0f;
        for (int i = begin; i < end; i++, from += width)
            sum += vload16(0, from);
        vstore16(sum, 0, to);
        return;
    }
    for (int c = 0; c < width - j; c++) {
        float sum = 0.0f;
        for (int i = 0; i < end - begin; i++)
            sum += from[(ulong)i * width + c];
        to[c] = sum;
    }
#else
    if (id >= n)
        return;
    __global const float *from =
        AT(dy) + ((ulong)(id / width) * m + begin) * width + id % width;
    float sum = 0.0f;
    for (int i = begin; i < end; i++, from += width)
        sum += *from;
    scratch[(ulong)slice * n + id] = sum;
#endif
}

static inline float slices_sum(__global const float *scratch, int i, int count, int slices)
{
    float sum = 0.0f;
    for (int s = 0; s < slices; s++)
        sum += scratch[(ulong)s * count + i];
    return sum;
}

__kernel void linear_dweight_sum(UNUSED(x), UNUSED(weight), UNUSED(bias), UNUSED(y), UNUSED(dx),
                                 WRITE(dweight), UNUSED(dbias), UNUSED(dy), uint accumulate,
                                 __global const float *scratch, int count, int slices)
{
    int i = (int)get_global_id(0);
    if (i < count)
        PUT(AT(dweight)[i], slices_sum(scratch, i, count, slices), ADDS(1));
}

__kernel void linear_dbias_sum(UNUSED(x), UNUSED(weight), UNUSED(bias), UNUSED(y), UNUSED(dx),
                               UNUSED(dweight), WRITE(dbias), UNUSED(dy), uint accumulate,
                               __global const float *scratch, int count, int slices)
{
    int i = (int)get_global_id(0);
    if (i < count)
        PUT(AT(dbias)[i], slices_sum(scratch, i, count, slices), ADDS(2));
}

/* Behind a product of the device's BLAS, which knows no bias. Items: column, row of all parts. */
__kernel void linear_add_bias(UNUSED(x), UNUSED(weight), READ(bias), WRITE(y), int m, int width)
{
    int j = (int)get_global_id(0), row = (int)get_global_id(1);
    if (j < width)
        AT(y)[(ulong)row * width + j] += AT(bias)[row / m * width + j];
}
