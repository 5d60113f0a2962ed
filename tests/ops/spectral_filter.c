/* SPDX-License-Identifier: MIT */
/* spectral_filter.c: grids of every parity, lines, primes, and primes too long for a radix; symbols
 * that are not Hermitian where a column is its own mirror image. */
#include "check.h"

void check_spectral_filter(check *c);
void reference_spectral_filter(const check_case *k);

void check_spectral_filter(check *c) {
    static const int64_t special[] = {11, 13, 17, 29, 31, 37, 41, 49, 54, 61};
    int64_t h = check_extent(c, 1, 20), w = check_extent(c, 1, 20);
    switch (check_extent(c, 0, 5)) {
    case 0: /* a long or awkward line, in one dimension at a time */
        h = special[check_extent(c, 0, 9)];
        w = check_extent(c, 1, 4);
        break;
    case 1:
        h = check_extent(c, 1, 4);
        w = special[check_extent(c, 0, 9)];
        break;
    default:
        break;
    }
    int64_t batch = check_extent(c, 1, 9);
    int64_t channels = check_extent(c, 1, h * w > 100 ? 34 : 100);
    check_input(c, 0, 1.0, 4, (int64_t[]){batch, h, w, channels});
    check_input(c, 1, 1.0, 4, (int64_t[]){h, w / 2 + 1, channels, 2});
    /* Butterflies of radix 2 to 8 add fewer; primes add p at a time, Bluestein three transforms. */
    check_terms(c, 4 * (h + w) + 8 * batch);
    check_run(c, reference_spectral_filter);
}
