/* SPDX-License-Identifier: MIT */
/* dropout.c: rows by any names, more than one of a name, and rates from none to nearly all. */
#include "check.h"

void check_dropout(check *c);
void reference_dropout(const check_case *c);

void check_dropout(check *c) {
    int64_t rows = check_extent(c, 1, 60), channels = check_extent(c, 1, 300);
    check_input(c, 0, 2.0, 2, (int64_t[]){rows, channels});
    check_integers(c, 1, 0, check_coin(c) ? 5 : 2000000, 1, &rows);
    check_integers(c, 2, -100, 100000, 1, (int64_t[]){3});
    check_attribute(c, 0, check_coin(c) ? 0.0 : (double)(float)check_uniform(c, 0.0, 0.95));
    check_attribute(c, 1, (double)check_extent(c, 0, 65535));
    check_run(c, reference_dropout);
}
