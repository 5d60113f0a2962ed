/* SPDX-License-Identifier: MIT */
/* philox_normal.cl: normal numbers from Philox4x32-10, one block of four a work-item; the numbers
 * are those of src/core/random.h. */

/* dims: (blocks of a sample, samples) */
__kernel void philox_normal_forward(WRITE(y), int elements, uint key0, uint key1, uint purpose,
                                    uint step, uint first) {
    uint block = (uint)get_global_id(0), sample = (uint)get_global_id(1);
    uint4 c = (uint4)(purpose, step, first + sample, block);
    for (int round = 0; round < 10; round++) {
        c = (uint4)(mul_hi(0xcd9e8d57u, c.z) ^ c.y ^ key0, 0xcd9e8d57u * c.z,
                    mul_hi(0xd2511f53u, c.x) ^ c.w ^ key1, 0xd2511f53u * c.x);
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
    float2 u1 = (float2)((float)((c.x >> 8) + 1u), (float)((c.z >> 8) + 1u)) * 0x1p-24f;
    float2 twice_u2 = (float2)((float)(c.y >> 8), (float)(c.w >> 8)) * 0x1p-23f;
    float2 radius = sqrt(-2.0f * log(u1));
    float2 even = radius * cospi(twice_u2), odd = radius * sinpi(twice_u2);
    float z[4] = {even.x, odd.x, even.y, odd.y};
    int e = (int)block * 4;
    __global float *y = AT(y) + (ulong)sample * elements + e;
    for (int k = 0; k < 4 && e + k < elements; k++)
        y[k] = z[k];
}
