/* SPDX-License-Identifier: MIT */
/* node_set.h: a graph whose nodes have features and classes.
 *
 * The room `graphs` holds all about graphs of nodes: their sets and files, pooling, graph networks
 * and their training over levels. It shares the tape and the operators with `model`, and knows no
 * images. */
#ifndef PDESSM_GRAPHS_NODE_SET_H
#define PDESSM_GRAPHS_NODE_SET_H

#include <pdessm/node_set.h>

#include "core/context.h"
#include "graphs/csr.h"

struct pdessm_node_set {
    pdessm_csr csr;
    int64_t features, classes, repeated, graphs;
    float *feature; /* [nodes, features], 64-byte aligned */
    int32_t *label; /* [nodes]; -1: not known */
    uint8_t *split; /* [nodes], a pdessm_node_split */
    int32_t *first; /* [graphs + 1] */
};

/* Zeroed memory for features, as a set keeps them. */
pdessm_status pdessm_node_features(pdessm_context *ctx, int64_t nodes, int64_t features,
                                   float **ret);

/* pdessm_node_set_create() that takes *feature, which arrays->feature need not name, over instead
 * of copying it; it becomes NULL. */
pdessm_status pdessm_node_set_take(pdessm_context *ctx, const char *name,
                                   const pdessm_node_arrays *arrays, float **feature,
                                   pdessm_node_set **ret);

/* 34 nodes in two camps, as in the club of the textbooks: most edges are within a camp, the leaders
 * know half of theirs; features [8] are mostly noise. */
pdessm_status pdessm_node_set_clubs(pdessm_context *ctx, uint64_t seed, pdessm_node_set **ret);

/* The first `graphs` of 1,100 (qtips.c). */
pdessm_status pdessm_node_set_qtips(pdessm_context *ctx, uint64_t seed, int64_t graphs,
                                    pdessm_node_set **ret);

#endif
