/* SPDX-License-Identifier: MIT */
/* edge_softmax.c: one node, or enough for rows whose scores are of either sign: where all are of
 * one, the gradient of left is nothing but rounding, for a softmax does not see what its scores
 * share. Scores of one node are large enough to overflow where the largest is not taken off. */
#include <math.h>

#include "check_pattern.h"

void check_edge_softmax(check *c);
void reference_edge_softmax(const check_case *c);

void check_edge_softmax(check *c) {
    int64_t nodes = check_extent(c, 0, 9) == 0 ? 1 : check_extent(c, 12, 40);
    int64_t heads = check_extent(c, 1, 6);
    int64_t dims[] = {nodes, heads};
    double offset = check_coin(c) ? 0.0 : check_uniform(c, -150.0, 150.0);
    for (int i = 0; i < 2; i++) {
        check_input(c, i, 1.5, 2, dims);
        /* Multiples of 1/64, those of right and 1/128 more: no sum is at the kink. */
        for (int64_t k = 0; k < nodes * heads; k++)
            check_values(c, i)[k] = floor(64 * check_values(c, i)[k]) / 64 + i / 128.0;
    }
    for (int64_t h = 0; h < heads; h++)
        check_values(c, 1)[h] += floor(64 * offset) / 64;
    check_pattern(c, 2, nodes, check_uniform(c, 0.3, 0.6));
    check_attribute(c, 0, check_coin(c) ? 0.2 : check_uniform(c, 0.0, 1.0));
    check_terms(c, nodes);
    check_condition(c, offset == 0.0 ? 8.0 : 64.0);
    check_run(c, reference_edge_softmax);
}
