/* SPDX-License-Identifier: MIT */
/* philox_normal.c: any seed, step and first sample; samples that end within a block of four. */
#include "check.h"

void check_philox_normal(check *c);
void reference_philox_normal(const check_case *c);

void check_philox_normal(check *c) {
    for (int i = 0; i < 5; i++)
        check_attribute(c, i,
                        check_coin(c) ? (double)check_extent(c, 0, UINT32_MAX)
                                      : (double)check_extent(c, 0, 20));
    check_attribute(c, 5, (double)check_extent(c, 1, 6));
    check_attribute(c, 6, (double)check_extent(c, 1, 20000));
    check_run(c, reference_philox_normal);
}
