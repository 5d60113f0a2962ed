/* SPDX-License-Identifier: MIT */
/* gnn.h: graph networks for the classes of nodes. With A the adjacency with loops and D its
 * degrees,
 *
 *     gcn   h <- dropout(relu(norm(D^-1/2 A D^-1/2 h W)))
 *     gin   h <- dropout(relu(norm(relu(norm(A h W_1)) W_2)))
 *     gat   h <- dropout(relu(norm(S h W))), where in each block of channels, a head's,
 *           S_ij = softmax over the edges (i, j) of leaky(a . (h W)_i + b . (h W)_j), slope 0.2
 *
 * for each layer, norm over all nodes (batch_norm), and a linear classifier at the end. The weights
 * do not know the graph: they run on any, and on any part of one. */
#ifndef PDESSM_GNN_H
#define PDESSM_GNN_H

#include <pdessm/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PDESSM_GNNS(X) X(GCN, "gcn") X(GIN, "gin") X(GAT, "gat")
typedef enum pdessm_gnn_kind {
#define X(id, name) PDESSM_GNN_##id,
    PDESSM_GNNS(X)
#undef X
        PDESSM_GNN_COUNT
} pdessm_gnn_kind;

PDESSM_API const char *pdessm_gnn_name(pdessm_gnn_kind kind);
/* ERROR_ARGUMENT lists the names. */
PDESSM_API pdessm_status pdessm_gnn_find(pdessm_context *ctx, const char *name,
                                         pdessm_gnn_kind *ret);

typedef struct pdessm_gnn_config {
    pdessm_gnn_kind kind;
    int64_t layers, width;     /* of the hidden layers */
    int64_t heads;             /* of gat: width is all of them together */
    int64_t features, classes; /* of a node */
    double dropout;            /* share of the elements */
} pdessm_gnn_config;

/* GCN 4 layers of 192, GIN 3 of 256, GAT 3 of 64 in 2 heads; dropout 0.3. */
PDESSM_API pdessm_gnn_config pdessm_gnn_defaults(pdessm_gnn_kind kind, int64_t features,
                                                 int64_t classes);

typedef struct pdessm_gnn pdessm_gnn;

/* With initial weights that follow from the seed. */
PDESSM_API pdessm_status pdessm_gnn_create(pdessm_device *device, const pdessm_gnn_config *config,
                                           uint64_t seed, pdessm_gnn **ret);
PDESSM_API void pdessm_gnn_destroy(pdessm_gnn **gnn);

/* All weights as one array, and their gradients, which graphs add to; owned by the network. */
PDESSM_API pdessm_tensor *pdessm_gnn_values(pdessm_gnn *gnn);
PDESSM_API pdessm_tensor *pdessm_gnn_gradients(pdessm_gnn *gnn);
PDESSM_API int64_t pdessm_gnn_parameter_count(const pdessm_gnn *gnn);

/* Tensors of a graph that describe N nodes and E edges, loops among them. */
typedef struct pdessm_gnn_input {
    pdessm_tensor *x;       /* [N, features] */
    pdessm_pattern pattern; /* of A */
    pdessm_tensor *weight;  /* [E] entries of D^-1/2 A D^-1/2; only gcn looks at it */
    pdessm_tensor *node;    /* int32 [N], the nodes' names, and clock [3], for pdessm_dropout; */
    pdessm_tensor *clock;   /* only in training */
} pdessm_gnn_input;

/* [N, classes]. Not in training nothing is dropped; norms are over the N nodes in either case,
 * since what was seen of coarser graphs says little about the statistics of a finer one. */
PDESSM_API pdessm_tensor *pdessm_gnn_logits(pdessm_gnn *gnn, pdessm_tape *tape,
                                            const pdessm_gnn_input *input, int training);

#ifdef __cplusplus
}
#endif
#endif
