/* SPDX-License-Identifier: MIT */
/* patchify.c: patches from 1 pixel to the whole image. */
#include "check.h"

void check_patchify(check *c);
void reference_patchify(const check_case *c);

void check_patchify(check *c) {
    int64_t p = check_extent(c, 1, 8), rows = check_extent(c, 1, 5),
            columns = check_extent(c, 1, 5);
    check_input(c, 0, 1.0, 4,
                (int64_t[]){check_extent(c, 1, 3), check_extent(c, 1, 4), rows * p, columns * p});
    check_attribute(c, 0, (double)p);
    check_run(c, reference_patchify);
}
