/* SPDX-License-Identifier: MIT */
/* pdessm.h: what a program needs that uses a model. Who needs which header:
 *
 *   use       pdessm.h alone: opens data and devices, loads models, samples, classifies, evaluates
 *   train     run.h: a training run; train.h: a trainer and its steps; fit.h: maps that
 *             precondition the data
 *   build     build.h: networks from tensors, a tape and operators (tensor.h, tape.h, ops.h);
 *             graph networks (gnn.h, node_set.h, graph_train.h)
 *   research  research.h: global optimisation (optimize.h), its test problems (problems.h), why
 *             trainings stall (diagnostics.h), what mixers have learned (mixer_kernel.h). What
 *             these declare MAY CHANGE between versions.
 *
 * Every header compiles alone, in C and C++, and includes what it needs. All objects hang on a
 * context (context.h), every function that can fail returns a status (status.h). */
#ifndef PDESSM_PDESSM_H
#define PDESSM_PDESSM_H

#include <pdessm/context.h>
#include <pdessm/data.h>
#include <pdessm/device.h>
#include <pdessm/evaluate.h>
#include <pdessm/model.h>
#include <pdessm/precondition.h>
#include <pdessm/safetensors.h>
#include <pdessm/sample.h>
#include <pdessm/status.h>

#endif
