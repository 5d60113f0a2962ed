/* SPDX-License-Identifier: MIT */
/* build.h: everything to build networks with: tensors, the tape, the operators, graph networks. */
#ifndef PDESSM_BUILD_H
#define PDESSM_BUILD_H

#include <pdessm/gnn.h>
#include <pdessm/graph_train.h>
#include <pdessm/node_set.h>
#include <pdessm/ops.h>
#include <pdessm/tape.h>
#include <pdessm/tensor.h>

#endif
