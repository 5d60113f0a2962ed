/* SPDX-License-Identifier: MIT */
/* dropout.c: rows by any names, more than one of a name, and rates from none to nearly all; nothing
 * so close to the kink of ReLU that a finite difference steps over it. */
#include <math.h>

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
    check_attribute(c, 2, check_coin(c));
    for (int64_t i = 0; i < rows * channels; i++)
        if (fabs(check_values(c, 0)[i]) < 1e-3)
            check_values(c, 0)[i] = -0.5;
    check_run(c, reference_dropout);
}
