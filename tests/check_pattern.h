/* SPDX-License-Identifier: MIT */
/* check_pattern.h: a drawn graph in compressed rows, for the tests of operators on edges. */
#ifndef PDESSM_TESTS_CHECK_PATTERN_H
#define PDESSM_TESTS_CHECK_PATTERN_H

#include "check.h"

/* Sets the operands start [nodes + 1], column and reverse [edges], which are number `at` and the
 * two after it. Every pair of nodes is joined with the given chance, a node to itself too; the
 * first is joined to the last in any case. Returns the number of edges. */
static inline int64_t check_pattern(check *c, int at, int64_t nodes, double chance) {
    enum { MOST = 64 };
    int joined[MOST][MOST] = {{0}}, index[MOST][MOST] = {{0}};
    int64_t edges = 0, one = nodes + 1;
    for (int64_t i = 0; i < nodes; i++)
        for (int64_t j = 0; j <= i; j++)
            joined[i][j] = joined[j][i] =
                check_uniform(c, 0.0, 1.0) < chance || (i == nodes - 1 && j == 0);
    check_integers(c, at, 0, 0, 1, &one);
    for (int64_t i = 0; i < nodes; i++) {
        for (int64_t j = 0; j < nodes; j++)
            if (joined[i][j])
                index[i][j] = (int)edges++;
        check_values(c, at)[i + 1] = (double)edges;
    }
    check_integers(c, at + 1, 0, 0, 1, &edges);
    check_integers(c, at + 2, 0, 0, 1, &edges);
    for (int64_t i = 0; i < nodes; i++)
        for (int64_t j = 0; j < nodes; j++)
            if (joined[i][j]) {
                check_values(c, at + 1)[index[i][j]] = (double)j;
                check_values(c, at + 2)[index[i][j]] = (double)index[j][i];
            }
    return edges;
}

#endif
