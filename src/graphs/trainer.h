/* SPDX-License-Identifier: MIT */
/* trainer.h: inside of the training of graph networks over levels. */
#ifndef PDESSM_GRAPHS_TRAINER_H
#define PDESSM_GRAPHS_TRAINER_H

#include <pdessm/graph_train.h>

#include "device/device.h"
#include "graphs/gnn.h"
#include "graphs/node_batch.h"
#include "graphs/node_set.h"

/* The network on a tape that is planned for the largest graph that it meets, and resized for
 * smaller ones. */
typedef struct pdessm_graph_level_tape {
    pdessm_tape *tape;
    pdessm_gnn_input in;
    pdessm_tensor *labels, *logits, *loss;
    int64_t nodes, edges; /* it is planned for */
    int fixed;            /* it runs one graph only, which is loaded once .. */
    int loaded;           /* .. and is there */
} pdessm_graph_level_tape;

/* What a tape runs: `count` nodes of the set, rising, the edges between them, their labels. */
typedef struct pdessm_selection {
    const pdessm_csr *csr;
    const int32_t *node, *label;
} pdessm_selection;

typedef struct pdessm_graph_trainer {
    pdessm_device *device;
    pdessm_context *ctx;
    pdessm_gnn *gnn;
    const pdessm_node_set *set;
    pdessm_graph_train_options options;
    pdessm_node_batch *batch, *held_out; /* what draws work on; what evaluations run */
    pdessm_tensor *x; /* the set's features, not a copy; NULL if nothing runs all */
    /* All of the set (batch 0), parts of a batch, evaluation. They never run at the same time and
     * share their memory. */
    pdessm_graph_level_tape whole, part, look;
    pdessm_pooling_order *order;
    pdessm_csr csr;                /* the current level */
    int32_t *chosen, *index;       /* [batch]; index as pdessm_csr_select() wants it */
    int32_t *node, *label;         /* [batch] of the level: as in a selection */
    int64_t most_edges;            /* of the set and of any level */
    int32_t *near;                 /* scratch of pdessm_csr_select_near(), NULL if the power is 1 */
    float *weight;                 /* [most_edges] */
    float *logits;                 /* [held out nodes, classes] */
    pdessm_tensor *first, *second; /* Adam's moments */
    pdessm_tensor *state, *step_loss;
    int64_t step;
    pdessm_graph_train_result result;
} pdessm_graph_trainer;

/* trainer_build.c: makes the tapes and what a step needs. */
pdessm_status pdessm_graph_trainer_build(pdessm_graph_trainer *m);
void pdessm_graph_trainer_release(pdessm_graph_trainer *m);

/* trainer_step.c: runs one step at a level, or (mge) over all of them; runs the held out nodes,
 * forward, and reads their logits. */
/* Adds the step's gradient to the network's; m->step says which draws it takes. */
pdessm_status pdessm_graph_trainer_gradient(pdessm_graph_trainer *m, int level);
/* Adds share (grad L_level - grad L_{level+1}), of the coarsest level share grad L_level, of draw
 * `index` of the step. */
pdessm_status pdessm_graph_trainer_term(pdessm_graph_trainer *m, int level, uint32_t index,
                                        double share);
pdessm_status pdessm_graph_trainer_step(pdessm_graph_trainer *m, int level);
/* The training loss of the last step. */
pdessm_status pdessm_graph_trainer_loss(pdessm_graph_trainer *m, double *ret_loss);
pdessm_status pdessm_graph_trainer_look(pdessm_graph_trainer *m);

#endif
