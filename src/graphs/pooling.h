/* SPDX-License-Identifier: MIT */
/* pooling.h: which nodes of a graph a level keeps. */
#ifndef PDESSM_GRAPHS_POOLING_H
#define PDESSM_GRAPHS_POOLING_H

#include <pdessm/graph_train.h>

#include "graphs/csr.h"

/* A draw: the numbers that follow from it, and nothing else, decide the order of the nodes. */
typedef struct pdessm_draw {
    uint64_t seed;
    uint32_t step, index; /* index: of the draw in its step */
} pdessm_draw;

typedef struct pdessm_pooling_order pdessm_pooling_order;

/* For graphs of at most `nodes` nodes; neighbourhoods grow around `centres` nodes at once. */
pdessm_status pdessm_pooling_order_create(pdessm_context *ctx, int64_t nodes, int64_t centres,
                                          pdessm_pooling_order **ret);
void pdessm_pooling_order_destroy(pdessm_pooling_order **order);

/* Draws an order of the nodes of a graph, as far as level `finest` (1 or more) needs it. */
void pdessm_pooling_order_draw(pdessm_pooling_order *order, const pdessm_csr *csr,
                               pdessm_pooling pooling, int finest, const pdessm_draw *draw);

/* The nodes of a level of the graph that was drawn last, at least as coarse as the order was drawn
 * for, or 0 (all of them), in rising order to ret_chosen [nodes]; the answer is how many, at
 * least 1. subgraph: those of the first n / 2^level in the order that lie within the level's number
 * of edges. */
int64_t pdessm_pooling_order_level(pdessm_pooling_order *order, int level, int32_t *ret_chosen);

#endif
