/* SPDX-License-Identifier: MIT */
/* multiscale.h: inside of the training of graph networks over levels. */
#ifndef PDESSM_DRIVERS_MULTISCALE_H
#define PDESSM_DRIVERS_MULTISCALE_H

#include <pdessm/multiscale.h>

#include "data/node_set.h"
#include "device/device.h"
#include "drivers/pooling.h"

/* The network on a tape that is planned for the whole graph and resized for a part of it: a part
 * has no more nodes and edges than the whole. */
typedef struct pdessm_level_tape {
    pdessm_graph *graph;
    pdessm_gnn_input in;
    pdessm_tensor *labels, *logits, *loss;
    int whole; /* it holds the whole graph now */
} pdessm_level_tape;

typedef struct pdessm_multiscale {
    pdessm_device *device;
    pdessm_context *ctx;
    pdessm_gnn *gnn;
    const pdessm_node_set *set;
    pdessm_multiscale_options options;
    pdessm_level_tape train, look; /* look: evaluation */
    pdessm_pool_order *order;
    pdessm_csr part;               /* the level at hand */
    int32_t *chosen, *index;       /* [nodes]; index as pdessm_csr_select() wants it */
    int32_t *train_label, *label;  /* [nodes]: of training nodes, else -1; of chosen ones */
    float *feature, *weight;       /* [nodes, features], [edges] of the chosen */
    float *logits;                 /* [nodes, classes] */
    pdessm_tensor *first, *second; /* Adam's moments */
    pdessm_tensor *state, *step_loss;
    int64_t step;
    pdessm_multiscale_result result;
} pdessm_multiscale;

/* multiscale_step.c: makes the tapes and what a step needs; runs one step at a level, or (mge) over
 * all of them; runs the whole graph, forward, and reads its logits. */
pdessm_status pdessm_multiscale_build(pdessm_multiscale *m);
void pdessm_multiscale_release(pdessm_multiscale *m);
/* Adds the step's gradient to the network's; m->step says which draws it takes. */
pdessm_status pdessm_multiscale_gradient(pdessm_multiscale *m, int level);
pdessm_status pdessm_multiscale_step(pdessm_multiscale *m, int level);
pdessm_status pdessm_multiscale_look(pdessm_multiscale *m, double *ret_loss);

#endif
