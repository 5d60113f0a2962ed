/* SPDX-License-Identifier: MIT */
/* check_draw.h: the harness's random numbers (splitmix64, so that a seed replays anywhere). */
#ifndef PDESSM_TESTS_CHECK_DRAW_H
#define PDESSM_TESTS_CHECK_DRAW_H

#include <math.h>
#include <stdint.h>

typedef struct draw {
    uint64_t state;
} draw;

static inline uint64_t draw_word(draw *d) {
    uint64_t z = d->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline double draw_unit(draw *d) {
    return ((double)(draw_word(d) >> 11) + 0.5) * 0x1p-53;
}

static inline double draw_normal(draw *d) {
    double r = sqrt(-2 * log(draw_unit(d)));
    return r * cos(6.283185307179586 * draw_unit(d));
}

static inline int64_t draw_integer(draw *d, int64_t least, int64_t most) {
    return least + (int64_t)(draw_word(d) % (uint64_t)(most - least + 1));
}

static inline int64_t draw_extent(draw *d, int64_t least, int64_t most) {
    int64_t n = draw_integer(d, least, most), power = 1;
    switch (draw_integer(d, 0, 5)) {
    case 0:
        n = least;
        break;
    case 1:
        n = most;
        break;
    case 2: /* a power of two or a neighbour */
        while (power * 2 <= n)
            power *= 2;
        n = power + draw_integer(d, -1, 1);
        break;
    default:
        break;
    }
    return n < least ? least : n > most ? most : n;
}

#endif
