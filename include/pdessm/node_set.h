/* SPDX-License-Identifier: MIT */
/* node_set.h: graphs whose nodes have features and classes, to train networks on. */
#ifndef PDESSM_NODE_SET_H
#define PDESSM_NODE_SET_H

#include <stdint.h>

#include <pdessm/context.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct pdessm_node_set pdessm_node_set;

typedef enum pdessm_node_part {
    PDESSM_NODES_UNUSED,
    PDESSM_NODES_TRAIN,
    PDESSM_NODES_VALIDATION,
    PDESSM_NODES_TEST,
    PDESSM_NODES_PARTS
} pdessm_node_part;

typedef struct pdessm_node_set_info {
    int64_t nodes, edges;              /* edges: without loops, each pair of nodes once */
    int64_t features, classes;         /* of a node */
    int64_t isolated;                  /* nodes without edges */
    int64_t repeated;                  /* edges given that said nothing new */
    int64_t count[PDESSM_NODES_PARTS]; /* nodes of each part */
} pdessm_node_set_info;

/* What a graph is made of. Edges join both ways; loops and repetitions are dropped. */
typedef struct pdessm_node_arrays {
    int64_t nodes, edges, features, classes;
    const int32_t (*ends)[2]; /* [edges] */
    const float *feature;     /* [nodes, features] */
    const int32_t *label;     /* [nodes], 0 to classes - 1, or -1 where it is not known */
    const uint8_t *part;      /* [nodes], a pdessm_node_part */
} pdessm_node_arrays;

/* Copies the arrays. An edge that names no node, a label out of range, a node of unknown label in a
 * part that is used, a feature that is not finite, or no training, validation or test nodes:
 * ERROR_FILE; `name` opens the message. */
pdessm_status pdessm_node_set_create(pdessm_context *ctx, const char *name,
                                     const pdessm_node_arrays *arrays, pdessm_node_set **ret);
/* By name; there is `clubs`, a toy of 34 nodes drawn from the seed. */
pdessm_status pdessm_node_set_open(pdessm_context *ctx, const char *spec, uint64_t seed,
                                   pdessm_node_set **ret);
void pdessm_node_set_destroy(pdessm_node_set **set);
pdessm_node_set_info pdessm_node_set_get_info(const pdessm_node_set *set);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
