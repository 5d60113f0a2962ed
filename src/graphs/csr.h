/* SPDX-License-Identifier: MIT */
/* csr.h: undirected graphs in compressed rows, and the parts of them that a selection of nodes is
 * joined by. */
#ifndef PDESSM_GRAPHS_CSR_H
#define PDESSM_GRAPHS_CSR_H

#include <stdint.h>

#include "core/context.h"

/* Edge e of row i, start[i] <= e < start[i + 1], is (i, column[e]); columns of a row rise, and
 * reverse[e] is edge (column[e], i). Every node is joined to itself, so no graph is without edges.
 * All zero is empty and releasable. */
typedef struct pdessm_csr {
    int64_t nodes, edges;
    int32_t *start, *column, *reverse;
} pdessm_csr;

/* From edges ends[k] = (a, b), 0 <= k < count, in either direction or both, as often as they like,
 * loops included; *ret_repeated counts those that said nothing new. A node that no edge names is
 * joined to itself alone. An edge that names no node, or more edges than int32 counts, is
 * ERROR_FILE; `name` opens the message. */
pdessm_status pdessm_csr_build(pdessm_context *ctx, const char *name, int64_t nodes, int64_t count,
                               const int32_t (*ends)[2], pdessm_csr *ret, int64_t *ret_repeated);

/* Room for a graph; its content is open. */
pdessm_status pdessm_csr_reserve(pdessm_context *ctx, int64_t nodes, int64_t edges,
                                 pdessm_csr *ret);
void pdessm_csr_release(pdessm_csr *csr);

/* P^T A P: the edges between `count` chosen nodes, in rising order, which become nodes 0, 1, .. of
 * *to, a graph with room enough. index [nodes of from] is all -1, and is so again afterwards. */
void pdessm_csr_select(const pdessm_csr *from, int64_t count, const int32_t *chosen, int32_t *index,
                       pdessm_csr *to);

/* P^T A^power P, its pattern: nodes at most `power` edges apart in *from are joined. near
 * [2 nodes of from] is scratch. */
void pdessm_csr_select_near(const pdessm_csr *from, int power, int64_t count, const int32_t *chosen,
                            int32_t *index, int32_t *near, pdessm_csr *to);

/* Edges of A^power, loops among them; counted no further than `most` + 1. near as above. */
int64_t pdessm_csr_count_near(const pdessm_csr *csr, int power, int64_t most, int32_t *near);

#endif
