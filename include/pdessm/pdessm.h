/* SPDX-License-Identifier: MIT */
/* pdessm.h: the whole library. */
#ifndef PDESSM_PDESSM_H
#define PDESSM_PDESSM_H

#include <pdessm/context.h>
#include <pdessm/data.h>
#include <pdessm/device.h>
#include <pdessm/evaluate.h>
#include <pdessm/gnn.h>
#include <pdessm/graph_train.h>
#include <pdessm/model.h>
#include <pdessm/node_set.h>
#include <pdessm/ops.h>
#include <pdessm/optimize.h>
#include <pdessm/precondition.h>
#include <pdessm/safetensors.h>
#include <pdessm/sample.h>
#include <pdessm/status.h>
#include <pdessm/tape.h>
#include <pdessm/tensor.h>
#include <pdessm/train.h>

#endif
