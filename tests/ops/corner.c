/* SPDX-License-Identifier: MIT */
/* corner.c: larger or smaller in either direction. */
#include "check.h"

void check_corner(check *c);
void reference_corner(const check_case *k);

void check_corner(check *c) {
    int64_t batch = check_extent(c, 1, 4), channels = check_extent(c, 1, 40);
    int64_t h = check_extent(c, 1, 9), w = check_extent(c, 1, 9);
    check_input(c, 0, 1.0, 4, (int64_t[]){batch, h, w, channels});
    check_attribute(c, 0, (double)check_extent(c, 1, 12));
    check_attribute(c, 1, (double)check_extent(c, 1, 12));
    check_run(c, reference_corner);
}
