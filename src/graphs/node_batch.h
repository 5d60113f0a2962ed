/* SPDX-License-Identifier: MIT */
/* node_batch.h: what one draw of a training step works on: all of a set, a batch of its graphs, or
 * a batch of training nodes with some of their neighbours. Levels are parts of it. */
#ifndef PDESSM_GRAPHS_NODE_BATCH_H
#define PDESSM_GRAPHS_NODE_BATCH_H

#include "graphs/node_set.h"
#include "graphs/pooling.h"

typedef struct pdessm_node_batch {
    const pdessm_node_set *set;
    int64_t batch;         /* units of a draw; 0: the batch is the whole set, always */
    const pdessm_csr *csr; /* its nodes, and the edges between them */
    int32_t *node;         /* [csr->nodes]: which nodes of the set these are, rising */
    int32_t *label;        /* [csr->nodes]: class of those that the loss counts, else -1 */
    int64_t most_nodes;    /* that a batch can have */
    int64_t units;         /* training graphs, or training nodes if the set is one graph */
    int32_t *unit;         /* [units]: in random order after a draw, as far as it needs */
    pdessm_csr part;       /* its csr unless it is the whole set */
    int32_t *index;        /* [nodes of the set], -1 between calls */
} pdessm_node_batch;

/* A batch of training nodes takes neighbours up to HOPS edges away, at most FAN_OUT of each node.
 */
enum { PDESSM_NODE_BATCH_HOPS = 2, PDESSM_NODE_BATCH_FAN_OUT = 4 };

/* Batches for training; batch 0: the whole set. A batch that has more units than there are is
 * ERROR_ARGUMENT. */
pdessm_status pdessm_node_batch_create(pdessm_context *ctx, const pdessm_node_set *set,
                                       int64_t batch, pdessm_node_batch **ret);
/* The graphs that have validation or test nodes, no node of which is counted in the loss. */
pdessm_status pdessm_node_batch_create_held_out(pdessm_context *ctx, const pdessm_node_set *set,
                                                pdessm_node_batch **ret);
void pdessm_node_batch_destroy(pdessm_node_batch **batch);

/* Draws `batch` different units, any as likely as any other. */
void pdessm_node_batch_draw(pdessm_node_batch *batch, const pdessm_draw *draw);

int pdessm_node_batch_is_whole(const pdessm_node_batch *batch);

#endif
