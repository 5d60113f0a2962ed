/* SPDX-License-Identifier: MIT */
/* depthwise_conv.c: grids down to one pixel, one row, one column; channels around a vector. */
#include "check.h"

void check_depthwise_conv(check *c);
void reference_depthwise_conv(const check_case *k);

void check_depthwise_conv(check *c) {
    int64_t batch = check_extent(c, 1, 5), h = check_extent(c, 1, 9), w = check_extent(c, 1, 9);
    int64_t channels = check_extent(c, 1, h * w > 20 ? 40 : 300);
    check_input(c, 0, 1.0, 4, (int64_t[]){batch, h, w, channels});
    check_input(c, 1, 1.0, 3, (int64_t[]){channels, 3, 3});
    if (check_coin(c))
        check_input(c, 2, 1.0, 1, &channels);
    check_terms(c, 9 + batch * h * w);
    check_run(c, reference_depthwise_conv);
}
