/* SPDX-License-Identifier: MIT */
/* philox_normal.cl: normal numbers from Philox4x32-10; the numbers are those of src/core/random.h.
 * A work-item makes one block of four, on CPUs sixteen blocks side by side. */

#if CPU_FORM
#define BLOCKS 16
typedef float16 real;
typedef int16 whole;
typedef uint16 word;
#define TO_REAL convert_float16
#define TO_WHOLE convert_int16_rte
#define PLACES ((word)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#define STORE(v, to) vstore16(v, 0, to)
#else
#define BLOCKS 1
typedef float real;
typedef int whole;
typedef uint word;
#define TO_REAL convert_float
#define TO_WHOLE convert_int_rte
#define PLACES 0u
#define STORE(v, to) (*(to) = (v))
#endif

/* sin and cos of 2 pi r for 0 <= r < 1: the quarter turn is taken off exactly, what is left lies in
 * [-pi/4, pi/4], where the Taylor series end early. sinpi and cospi of CPU drivers are calls for
 * each element, 20 times slower. */
static inline real sincos_turns(real r, real *ret_cos) {
    whole n = TO_WHOLE(4.0f * r);
    real a = (r - 0.25f * TO_REAL(n)) * 6.28318531f;
    real q = a * a;
    real s = q * (1.0f / 362880) - 1.0f / 5040;
    s = (s * q + 1.0f / 120) * q - 1.0f / 6;
    s = s * q * a + a;
    real c = q * (-1.0f / 3628800) + 1.0f / 40320;
    c = (c * q - 1.0f / 720) * q + 1.0f / 24;
    c = (c * q - 0.5f) * q + 1.0f;
    /* n counts quarters, 0 to 4; select() on vectors looks at the sign bit, so odd = all ones. */
    whole odd = -(n & 1);
    real sine = select(s, c, odd), cosine = select(c, s, odd);
    *ret_cos = cosine * TO_REAL(1 - ((n + 1) & 2));
    return sine * TO_REAL(1 - (n & 2));
}

/* dims: (blocks of a sample / BLOCKS, samples) */
__kernel void philox_normal_forward(WRITE(y), int elements, uint key0, uint key1, uint purpose,
                                    uint step, uint first) {
    uint block = (uint)get_global_id(0) * BLOCKS, sample = (uint)get_global_id(1);
    word c0 = purpose, c1 = step, c2 = first + sample, c3 = block + PLACES;
    for (int round = 0; round < 10; round++) {
        word high = mul_hi((word)0xcd9e8d57u, c2) ^ c1 ^ key0, low = 0xcd9e8d57u * c2;
        c2 = mul_hi((word)0xd2511f53u, c0) ^ c3 ^ key1;
        c3 = 0xd2511f53u * c0;
        c0 = high;
        c1 = low;
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
    real r01 = sqrt(-2.0f * log(TO_REAL((c0 >> 8) + 1u) * 0x1p-24f));
    real r23 = sqrt(-2.0f * log(TO_REAL((c2 >> 8) + 1u) * 0x1p-24f));
    real cos01, cos23, sin01, sin23;
    sin01 = sincos_turns(TO_REAL(c1 >> 8) * 0x1p-24f, &cos01);
    sin23 = sincos_turns(TO_REAL(c3 >> 8) * 0x1p-24f, &cos23);
    float z[4][BLOCKS];
    STORE(r01 * cos01, z[0]);
    STORE(r01 * sin01, z[1]);
    STORE(r23 * cos23, z[2]);
    STORE(r23 * sin23, z[3]);
    int e = (int)block * 4, last = min(elements - e, 4 * BLOCKS);
    __global float *y = AT(y) + (ulong)sample * elements + e;
    for (int k = 0; k < last; k++)
        y[k] = z[k % 4][k / 4];
}
