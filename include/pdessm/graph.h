/* SPDX-License-Identifier: MIT */
/* graph.h: the tape. Model code calls operators (ops.h) on tensors of a graph; nothing runs yet.
 * pdessm_graph_plan() derives the backward pass, plans all memory at once, and from then on
 * pdessm_graph_forward() and _backward() replay the tape without allocating.
 *
 * Recording never fails at once: the graph keeps the first error, further calls on it return NULL
 * and do nothing, and pdessm_graph_plan() reports it. So model code reads like the paper. */
#ifndef PDESSM_GRAPH_H
#define PDESSM_GRAPH_H

#include <pdessm/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct pdessm_graph pdessm_graph;

pdessm_status pdessm_graph_create(pdessm_device *device, pdessm_graph **ret);
void pdessm_graph_destroy(pdessm_graph **graph);

/* A tensor that the caller writes before each run (pdessm_tensor_write). Owned by the graph. */
pdessm_tensor *pdessm_graph_input(pdessm_graph *graph, pdessm_dtype dtype, int rank,
                                  const int64_t *dims);

/* A tensor that lives elsewhere, such as a parameter; it must outlive the graph. With a gradient
 * tensor of the same shape, the backward pass ADDS dL/dparameter to that. gradient may be NULL. */
pdessm_tensor *pdessm_graph_parameter(pdessm_graph *graph, pdessm_tensor *parameter,
                                      pdessm_tensor *gradient);

/* Keeps a tensor's content readable after a run; returns the tensor. */
pdessm_tensor *pdessm_graph_output(pdessm_graph *graph, pdessm_tensor *tensor);

/* Views without work. Slice i of the first axis, which is dropped; the same numbers in other
 * extents. */
pdessm_tensor *pdessm_slice(pdessm_graph *graph, pdessm_tensor *x, int64_t index);
pdessm_tensor *pdessm_reshape(pdessm_graph *graph, pdessm_tensor *x, int rank, const int64_t *dims);

/* Ends the recording. loss: a tensor of one element, whose gradient is derived; NULL: forward only,
 * and then whatever depends on parameters alone is computed once and kept. */
pdessm_status pdessm_graph_plan(pdessm_graph *graph, pdessm_tensor *loss);

/* Backward starts from dL/dloss = scale (1 at first): 1/n for accumulation over n runs. */
pdessm_status pdessm_graph_set_loss_scale(pdessm_graph *graph, double scale);

/* Gives `count` inputs of a planned graph other first extents, and every tensor that is computed
 * from them the extents that follow. The plan serves for all that fits into it: nothing is
 * allocated, what the inputs held is void, and a tensor that would need more than it was planned
 * with is ERROR_SHAPE, as are extents that operators refuse and a view (pdessm_slice, _reshape) of
 * a tensor that changes; the graph is then as it was. */
pdessm_status pdessm_graph_resize(pdessm_graph *graph, int count, pdessm_tensor *const *inputs,
                                  const int64_t *extents);

pdessm_status pdessm_graph_forward(pdessm_graph *graph);
pdessm_status pdessm_graph_backward(pdessm_graph *graph);

/* Parameters have changed: what was computed from them once is computed again. Only matters for a
 * graph planned without a loss. */
void pdessm_graph_invalidate(pdessm_graph *graph);

/* The gradient of a tensor, valid after a backward run if the tensor is an output; NULL if none. */
pdessm_tensor *pdessm_graph_gradient(pdessm_graph *graph, pdessm_tensor *tensor);

/* What the plan holds: bytes of all its memory, floating point operations of one run. */
typedef struct pdessm_graph_info {
    int forward_calls, backward_calls;
    int64_t bytes;
    double forward_flops, backward_flops;
} pdessm_graph_info;
pdessm_graph_info pdessm_graph_get_info(const pdessm_graph *graph);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
