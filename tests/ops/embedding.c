/* SPDX-License-Identifier: MIT */
/* embedding.c: few rows, so that samples share them, or many. */
#include "check.h"

void check_embedding(check *c);
void reference_embedding(const check_case *c);

void check_embedding(check *c) {
    int64_t rows = check_extent(c, 1, 50), channels = check_extent(c, 1, 300);
    int64_t batch = check_extent(c, 1, 80);
    check_input(c, 0, 1.0, 2, (int64_t[]){rows, channels});
    check_integers(c, 1, 0, rows - 1, 1, &batch);
    check_terms(c, batch);
    check_run(c, reference_embedding);
}
