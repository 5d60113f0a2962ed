/* SPDX-License-Identifier: MIT */
/* average_pool.c: any even extents, any gain. */
#include "check.h"

void check_average_pool(check *c);
void reference_average_pool(const check_case *k);

void check_average_pool(check *c) {
    int64_t batch = check_extent(c, 1, 5), channels = check_extent(c, 1, 4);
    int64_t height = check_extent(c, 1, 20), width = check_extent(c, 1, 40);
    check_input(c, 0, 1.0, 4, (int64_t[]){batch, channels, 2 * height, 2 * width});
    check_attribute(c, 0, 0.5 * (double)check_extent(c, 1, 4));
    check_run(c, reference_average_pool);
}
