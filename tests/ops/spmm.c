/* SPDX-License-Identifier: MIT */
/* spmm.c: sparse and full patterns, isolated nodes, a node joined to itself, values or none, one
 * for each head or for all channels. */
#include "check_pattern.h"

void check_spmm(check *c);
void reference_spmm(const check_case *c);

void check_spmm(check *c) {
    int64_t nodes = check_extent(c, 1, 40), heads = check_extent(c, 1, 4);
    int64_t channels = heads * check_extent(c, 1, 150);
    check_input(c, 0, 1.0, 2, (int64_t[]){nodes, channels});
    int64_t edges = check_pattern(c, 2, nodes, check_uniform(c, 0.0, 0.5));
    int headed = check_coin(c);
    if (check_coin(c))
        check_input(c, 1, 1.0, headed ? 2 : 1, (int64_t[]){edges, heads});
    check_terms(c, nodes > channels ? nodes : channels);
    check_run(c, reference_spmm);
}
