/* SPDX-License-Identifier: MIT */
/* node_draft.h: a graph with classes while a file of it is read. */
#ifndef PDESSM_GRAPHS_NODE_DRAFT_H
#define PDESSM_GRAPHS_NODE_DRAFT_H

#include "files/array.h"
#include "graphs/node_set.h"

/* All zero is releasable; `name` opens messages. */
typedef struct pdessm_node_draft {
    pdessm_context *ctx;
    const char *name;
    int64_t max_bytes;
    pdessm_node_arrays
        arrays; /* nodes, features, classes, edges; the rest points here in the end */
    int32_t (*ends)[2], *label;
    float *feature;
    uint8_t *split;
} pdessm_node_draft;

void pdessm_node_draft_release(pdessm_node_draft *draft);

/* Room for features, all 0, labels and splits; refuses what is larger than max_bytes. */
pdessm_status pdessm_node_draft_reserve(pdessm_node_draft *draft, int64_t nodes, int64_t features);

/* Labels are whole numbers from 0, or -1 where nothing is known; splits a pdessm_node_split. */
pdessm_status pdessm_node_draft_label(pdessm_node_draft *draft, int64_t node, double label);
pdessm_status pdessm_node_draft_split(pdessm_node_draft *draft, int64_t node, double split);

/* Of the nodes that have a label 60 % to train on, 20 % to choose the epoch by, 20 % to test. */
void pdessm_node_draft_draw_splits(pdessm_node_draft *draft, uint64_t seed);

pdessm_status pdessm_node_draft_finish(pdessm_node_draft *draft, pdessm_node_set **ret);

/* Element i of any type. */
double pdessm_array_number(const pdessm_array *array, int64_t i);

#endif
