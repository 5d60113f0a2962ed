/* SPDX-License-Identifier: MIT */
/* philox_normal.c: Philox4x32-10 as its paper defines it, then Box-Muller. */
#include <math.h>

#include "check.h"

/* Ten rounds on the counter x, with key k. */
static void philox(uint64_t x[4], uint64_t k0, uint64_t k1) {
    const uint64_t mask = 0xffffffff;
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = 0xD2511F53 * x[0], p1 = 0xCD9E8D57 * x[2];
        uint64_t y[4] = {p1 >> 32 ^ x[1] ^ k0, p1 & mask, p0 >> 32 ^ x[3] ^ k1, p0 & mask};
        for (int i = 0; i < 4; i++)
            x[i] = y[i];
        k0 = (k0 + 0x9E3779B9) & mask;
        k1 = (k1 + 0xBB67AE85) & mask;
    }
}

static void oracle(const check_case *c) {
    const double *a = c->attribute;
    int64_t size = c->dims[0][1];
    for (int64_t i = 0; i < c->count[0]; i++) {
        int64_t e = i % size;
        uint64_t sample = ((uint64_t)a[4] + (uint64_t)(i / size)) & 0xffffffff;
        uint64_t x[4] = {(uint64_t)a[2], (uint64_t)a[3], sample, (uint64_t)(e / 4)};
        philox(x, (uint64_t)a[0], (uint64_t)a[1]);
        uint64_t w0 = x[e % 4 / 2 * 2], w1 = x[e % 4 / 2 * 2 + 1];
        double u1 = (double)((w0 >> 8) + 1) / 16777216, u2 = (double)(w1 >> 8) / 16777216;
        double angle = 2 * 3.14159265358979323846 * u2;
        c->value[0][i] = sqrt(-2 * log(u1)) * (e % 2 ? sin(angle) : cos(angle));
    }
}

const check_operator check_philox_normal = {oracle};
