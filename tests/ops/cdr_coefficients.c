/* SPDX-License-Identifier: MIT */
/* cdr_coefficients.c: any numbers of channels and states, raw values from both tails. */
#include "check.h"

void check_cdr_coefficients(check *c);
void reference_cdr_coefficients(const check_case *k);

void check_cdr_coefficients(check *c) {
    int64_t channels = check_extent(c, 1, 90), states = check_extent(c, 1, 9);
    double scale = check_coin(c) ? 1.0 : 6.0;
    check_input(c, 0, scale, 3, (int64_t[]){channels, states, 3});
    check_input(c, 1, scale, 3, (int64_t[]){channels, states, 2});
    check_input(c, 2, scale, 2, (int64_t[]){channels, states});
    check_attribute(c, 0, check_uniform(c, 0.1, 0.5));
    check_attribute(c, 1, check_coin(c) ? 0.0 : check_uniform(c, 0.5, 3.0));
    check_run(c, reference_cdr_coefficients);
}
