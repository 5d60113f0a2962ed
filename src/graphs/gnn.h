/* SPDX-License-Identifier: MIT */
/* gnn.h: what the training of graph networks asks of a network. */
#ifndef PDESSM_GRAPHS_GNN_H
#define PDESSM_GRAPHS_GNN_H

#include <pdessm/gnn.h>

pdessm_gnn_config pdessm_gnn_get_config(const pdessm_gnn *gnn);
pdessm_device *pdessm_gnn_device(const pdessm_gnn *gnn);

#endif
