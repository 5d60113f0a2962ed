/* SPDX-License-Identifier: MIT */
/* node_set.h: graphs whose nodes have features and classes, to train networks on. */
#ifndef PDESSM_NODE_SET_H
#define PDESSM_NODE_SET_H

#include <stdint.h>

#include <pdessm/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pdessm_node_set pdessm_node_set;

typedef enum pdessm_node_split {
    PDESSM_NODES_UNUSED,
    PDESSM_NODES_TRAIN,
    PDESSM_NODES_VALIDATION,
    PDESSM_NODES_TEST,
    PDESSM_NODES_SPLITS
} pdessm_node_split;

typedef struct pdessm_node_set_info {
    int64_t nodes, edges;               /* edges: without loops, each pair of nodes once */
    int64_t graphs;                     /* that no edge joins; 1 unless it is a set of graphs */
    int64_t features, classes;          /* of a node */
    int64_t isolated;                   /* nodes without edges */
    int64_t repeated;                   /* edges given that said nothing new */
    int64_t count[PDESSM_NODES_SPLITS]; /* nodes of each split */
} pdessm_node_set_info;

/* What a graph is made of. Edges join both ways; loops and repetitions are dropped. */
typedef struct pdessm_node_arrays {
    int64_t nodes, edges, features, classes;
    const int32_t (*ends)[2]; /* [edges] */
    const float *feature;     /* [nodes, features] */
    const int32_t *label;     /* [nodes], 0 to classes - 1, or -1 where it is not known */
    const uint8_t *split;     /* [nodes], a pdessm_node_split */
    /* A set of graphs: graph g has nodes first[g] .. first[g + 1] - 1. NULL: one graph. */
    int64_t graphs;
    const int32_t *first; /* [graphs + 1] */
} pdessm_node_arrays;

/* Copies the arrays. An edge that names no node or joins two graphs, a label out of range, a node
 * of unknown label in a split that is used, a feature that is not finite, or no training,
 * validation or test nodes: ERROR_FILE; `name` opens the message. */
PDESSM_API pdessm_status pdessm_node_set_create(pdessm_context *ctx, const char *name,
                                                const pdessm_node_arrays *arrays,
                                                pdessm_node_set **ret);
typedef struct pdessm_node_options {
    uint64_t seed;     /* of what is drawn */
    int64_t max_bytes; /* most memory for any array of a file; 0: 8 GiB */
    /* Called while a graph is built that takes long; nonzero ends it with ERROR_CANCELLED. */
    int (*progress)(void *user, double share);
    void *user;
} pdessm_node_options;

/* `clubs`: a toy of 34 nodes. `fashion-knn`: the 70,000 images of Fashion-MNIST, each joined to its
 * 8 nearest by pixels; 50,000 training, 10,000 validation nodes, the 10,000 test images; built once
 * in minutes and kept in the cache folder. `qtips`: 1,100 graphs of the cells of a quadtree, see
 * src/graphs/qtips.c. `NAME:N` takes the first N nodes (graphs) of the last two. Else a path:
 * - an .npz file with adj_data, adj_indices, adj_indptr, adj_shape (an entry that is not 0 is an
 *   edge), attr_ the same (features), labels, and train_mask, val_mask, test_mask or none of them;
 * - a folder with tables edges (two nodes a row), features (a row a node), labels, and parts (0, 1,
 *   2, 3 as above) or not, each .npy or .csv.
 * Labels are whole numbers from 0, or -1. Without parts 60, 20 and 20 % of the nodes that have a
 * label are drawn from the seed. What is wrong with a file is ERROR_FILE. options may be NULL. */
PDESSM_API pdessm_status pdessm_node_set_open(pdessm_context *ctx, const char *spec,
                                              const pdessm_node_options *options,
                                              pdessm_node_set **ret);
PDESSM_API void pdessm_node_set_destroy(pdessm_node_set **set);
PDESSM_API pdessm_node_set_info pdessm_node_set_get_info(const pdessm_node_set *set);

#ifdef __cplusplus
}
#endif
#endif
