/* SPDX-License-Identifier: MIT */
/* unpatchify.c: patches from 1 pixel to the whole image. */
#include "check.h"

void check_unpatchify(check *c);
void reference_unpatchify(const check_case *c);

void check_unpatchify(check *c) {
    int64_t p = check_extent(c, 1, 8), rows = check_extent(c, 1, 5),
            columns = check_extent(c, 1, 5);
    check_input(c, 0, 1.0, 3,
                (int64_t[]){check_extent(c, 1, 3), rows * columns, p * p * check_extent(c, 1, 4)});
    check_attribute(c, 0, (double)p);
    check_attribute(c, 1, (double)(rows * p));
    check_attribute(c, 2, (double)(columns * p));
    check_run(c, reference_unpatchify);
}
