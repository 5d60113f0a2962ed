/* SPDX-License-Identifier: MIT */
/* graph_train.h: training of graph networks, on all of a graph or over coarser levels of it.
 *
 * Level l of a graph keeps about n / 2^l of its n nodes and the edges between them: x_l = P^T x,
 * A_l = the pattern of P^T A^p P, p = 1 unless set. The nodes are drawn again each time, as the
 * first ones of a random order, so that the selection of a level holds those of the coarser ones.
 * The same weights run at every level. (Training on images of several resolutions: train.h.) */
#ifndef PDESSM_GRAPH_TRAIN_H
#define PDESSM_GRAPH_TRAIN_H

#include <pdessm/gnn.h>
#include <pdessm/node_set.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PDESSM_GRAPH_TRAIN_METHODS(X)                                                              \
    X(SINGLE, "single")                 /* level 0 alone */                                        \
    X(COARSE_TO_FINE, "coarse-to-fine") /* levels L-1 .. 0, at level l epochs 2^l */               \
    X(SUB_TO_FULL, "sub-to-full")       /* the same, parts are neighbourhoods */                   \
    X(MGE, "mge")                       /* every step the signed sum over levels, see below */
typedef enum pdessm_graph_train_method {
#define X(id, name) PDESSM_##id,
    PDESSM_GRAPH_TRAIN_METHODS(X)
#undef X
        PDESSM_GRAPH_TRAIN_COUNT
} pdessm_graph_train_method;

#define PDESSM_POOLINGS(X)                                                                         \
    X(RANDOM, "random")     /* any nodes */                                                        \
    X(TOPK, "topk")         /* those of most edges */                                              \
    X(SUBGRAPH, "subgraph") /* within 6, 4, 2 edges of a random node at level 1, 2, 3.. */         \
    X(RNS, "rns")           /* random and subgraph in turn */
typedef enum pdessm_pooling {
#define X(id, name) PDESSM_POOLING_##id,
    PDESSM_POOLINGS(X)
#undef X
        PDESSM_POOLING_COUNT
} pdessm_pooling;

PDESSM_API pdessm_status pdessm_graph_train_method_find(pdessm_context *ctx, const char *name,
                                                        pdessm_graph_train_method *ret);
PDESSM_API const char *pdessm_graph_train_method_name(pdessm_graph_train_method method);
PDESSM_API pdessm_status pdessm_pooling_find(pdessm_context *ctx, const char *name,
                                             pdessm_pooling *ret);
PDESSM_API const char *pdessm_pooling_name(pdessm_pooling pooling);

typedef struct pdessm_graph_train_report {
    int64_t epoch, epochs; /* done, and in all */
    int level;
    double loss;                                 /* of the last step */
    double validation_accuracy, best_validation; /* last and best */
    double test_accuracy;                        /* of the best: what the training would give now */
    double node_work, edge_work;                 /* so far, as in the result */
} pdessm_graph_train_report;

typedef struct pdessm_graph_train_options {
    pdessm_graph_train_method method;
    pdessm_pooling pooling;
    int levels;        /* L, level 0 among them; single has 1 */
    int power;         /* p: a coarser level joins nodes that are at most p edges apart */
    int64_t epochs;    /* at level 0, or of mge; 0: 2000, 1000, 800, 600 for L = 1 .. 4 */
    int64_t batch;     /* training graphs of a draw, see below; 0: the whole set */
    double rate;       /* of Adam */
    int64_t max_bytes; /* most memory of the device for tensors; 0: as much as it has */
    int64_t evaluate;  /* epochs from one look at the validation nodes to the next */
    uint64_t seed;
    /* Called after each evaluation; nonzero ends the training with ERROR_CANCELLED. */
    int (*progress)(void *user, const pdessm_graph_train_report *report);
    void *user;
} pdessm_graph_train_options;

/* single, random, 1 level, power 1, rate 1e-3, evaluate 10. */
PDESSM_API pdessm_graph_train_options pdessm_graph_train_defaults(void);

typedef struct pdessm_graph_train_result {
    double validation_accuracy; /* of the epoch that is best by it, the first of equals */
    double test_accuracy;       /* of that epoch */
    int64_t best_epoch, epochs;
    /* Nodes and edges (loops among them) that training ran through, forward and backward, in units
     * of the whole graph; evaluations of the whole graph, forward only, come on top. */
    double node_work, edge_work;
    int64_t evaluations;
} pdessm_graph_train_result;

/* With a batch, a draw takes that many graphs of a set of graphs; of a single graph it takes that
 * many training nodes, which alone count in the loss, and 4 random neighbours of each node, over
 * two hops, with all edges between these. Levels are then parts of that. An epoch is as many steps
 * as there are batches in the training graphs or nodes. The gradient ignores what a batch leaves
 * out of a single graph: it is an unbiased estimate only for sets of graphs.
 *
 * More tensors than max_bytes are ERROR_MEMORY before anything large is allocated.
 *
 * Trains the network on the set's training nodes. mge follows
 *
 *     g = sum_{l < L-1} mean_{B_l}[grad L_l - grad L_{l+1}] + mean_{B_{L-1}}[grad L_{L-1}],
 *
 * |B_l| = 2^l draws, both terms of a difference from one draw and with the same units dropped,
 * which is unbiased for grad L_0: L_l is the expected loss over the training nodes of a selection
 * (0 where it holds none). *ret is also written when the training is cancelled after an evaluation.
 */
PDESSM_API pdessm_status pdessm_graph_train(pdessm_gnn *gnn, const pdessm_node_set *set,
                                            const pdessm_graph_train_options *options,
                                            pdessm_graph_train_result *ret);

#ifdef __cplusplus
}
#endif
#endif
