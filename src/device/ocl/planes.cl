/* SPDX-License-Identifier: MIT */
/* planes.cl: batched transposes around clFFT: [B, rows, cols] -> [B, cols, rows], of real or
 * complex numbers. Offsets in elements of the type moved. A tile of 16 x 16 goes through local
 * memory, so that both sides are read and written along their rows; the 17th column spares bank
 * conflicts. */

#define TILE 16

#define TRANSPOSE(name, type)                                                                      \
    __kernel __attribute__((reqd_work_group_size(TILE, TILE, 1))) void name(                       \
        __global const type *source, const ulong source_offset, __global type *target,             \
        const ulong target_offset, const int rows, const int cols)                                 \
    {                                                                                              \
        __local type tile[TILE][TILE + 1];                                                         \
        const int x = (int)get_local_id(0), y = (int)get_local_id(1);                              \
        const int col0 = (int)get_group_id(0) * TILE, row0 = (int)get_group_id(1) * TILE;          \
        const ulong plane = get_global_id(2) * (ulong)rows * (ulong)cols;                          \
        if (row0 + y < rows && col0 + x < cols)                                                    \
            tile[y][x] = source[source_offset + plane + (ulong)(row0 + y) * (ulong)cols +          \
                                (ulong)(col0 + x)];                                                \
        barrier(CLK_LOCAL_MEM_FENCE);                                                              \
        if (col0 + y < cols && row0 + x < rows)                                                    \
            target[target_offset + plane + (ulong)(col0 + y) * (ulong)rows + (ulong)(row0 + x)] =  \
                tile[x][y];                                                                        \
    }

TRANSPOSE(planes_real, float)
TRANSPOSE(planes_complex, float2)
