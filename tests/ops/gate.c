/* SPDX-License-Identifier: MIT */
/* gate.c: any number of elements. */
#include "check.h"

void check_gate(check *c);
void reference_gate(const check_case *c);

void check_gate(check *c) {
    int64_t dims[] = {check_extent(c, 1, 300), check_extent(c, 1, 80)};
    check_input(c, 0, 1.0, 2, dims);
    check_input(c, 1, 3.0, 2, dims);
    check_run(c, reference_gate);
}
