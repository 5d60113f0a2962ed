/* SPDX-License-Identifier: MIT */
/* node_set.h: a graph whose nodes have features and classes. */
#ifndef PDESSM_DATA_NODE_SET_H
#define PDESSM_DATA_NODE_SET_H

#include <pdessm/node_set.h>

#include "core/context.h"
#include "data/csr.h"

struct pdessm_node_set {
    pdessm_csr csr;
    int64_t features, classes, repeated;
    float *feature; /* [nodes, features] */
    int32_t *label; /* [nodes]; -1: not known */
    uint8_t *part;  /* [nodes], a pdessm_node_part */
};

/* 34 nodes in two camps, as in the club of the textbooks: most edges are within a camp, the leaders
 * know half of theirs; features [8] are mostly noise. */
pdessm_status pdessm_node_set_clubs(pdessm_context *ctx, uint64_t seed, pdessm_node_set **ret);

#endif
