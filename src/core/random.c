/* SPDX-License-Identifier: MIT */
/* random.c: single numbers of the counter-based streams. */
#include "core/random.h"

#include <math.h>

void pdessm_philox(uint64_t seed, pdessm_purpose purpose, uint32_t step, uint32_t sample,
                   uint32_t block, uint32_t ret[4]) {
    ret[0] = (uint32_t)purpose;
    ret[1] = step;
    ret[2] = sample;
    ret[3] = block;
    pdessm_philox_rounds(ret, (uint32_t)seed, (uint32_t)(seed >> 32));
}

double pdessm_uniform(uint64_t seed, pdessm_purpose purpose, uint32_t step, uint32_t sample,
                      int64_t index) {
    uint32_t w[4];
    pdessm_philox(seed, purpose, step, sample, (uint32_t)(index / 4), w);
    return (double)(w[index % 4] >> 8) * 0x1p-24;
}

double pdessm_normal(uint64_t seed, pdessm_purpose purpose, uint32_t step, uint32_t sample,
                     int64_t index) {
    uint32_t w[4];
    pdessm_philox(seed, purpose, step, sample, (uint32_t)(index / 4), w);
    const uint32_t *pair = w + (index & 2);
    double u1 = (double)((pair[0] >> 8) + 1) * 0x1p-24;
    double angle = 6.283185307179586477 * (double)(pair[1] >> 8) * 0x1p-24;
    return sqrt(-2.0 * log(u1)) * (index & 1 ? sin(angle) : cos(angle));
}

uint32_t pdessm_below(uint64_t seed, pdessm_purpose purpose, uint32_t step, uint32_t sample,
                      int64_t index, uint64_t n) {
    uint32_t w[4];
    pdessm_philox(seed, purpose, step, sample, (uint32_t)(index / 2), w);
    const uint32_t *pair = w + 2 * (index & 1);
    /* The high word of (pair1 pair0) n, by halves. */
    uint64_t low = (uint64_t)pair[0] * n >> 32;
    return (uint32_t)(((uint64_t)pair[1] * n + low) >> 32);
}
