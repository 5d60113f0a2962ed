/* SPDX-License-Identifier: MIT */
/* tape.h: the tape. Model code calls operators (ops.h) on tensors of a tape; nothing runs yet.
 * pdessm_tape_plan() derives the backward pass, plans all memory at once, and from then on
 * pdessm_tape_forward() and _backward() replay the tape without allocating.
 *
 * Recording never fails at once: the tape keeps the first error, further calls on it return NULL
 * and do nothing, and pdessm_tape_plan() reports it. So model code reads like the paper. */
#ifndef PDESSM_TAPE_H
#define PDESSM_TAPE_H

#include <pdessm/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pdessm_tape pdessm_tape;

PDESSM_API pdessm_status pdessm_tape_create(pdessm_device *device, pdessm_tape **ret);
PDESSM_API void pdessm_tape_destroy(pdessm_tape **tape);

/* A tensor that the caller writes before each run (pdessm_tensor_write). Owned by the tape. */
PDESSM_API pdessm_tensor *pdessm_tape_input(pdessm_tape *tape, pdessm_dtype dtype, int rank,
                                            const int64_t *dims);

/* A tensor that lives elsewhere, such as a parameter; it must outlive the tape. With a gradient
 * tensor of the same shape, the backward pass ADDS dL/dparameter to that. gradient may be NULL. */
PDESSM_API pdessm_tensor *pdessm_tape_parameter(pdessm_tape *tape, pdessm_tensor *parameter,
                                                pdessm_tensor *gradient);

/* Keeps a tensor's content readable after a run; returns the tensor. */
PDESSM_API pdessm_tensor *pdessm_tape_output(pdessm_tape *tape, pdessm_tensor *tensor);

/* Views without work. Slice i of the first axis, which is dropped; the same numbers in other
 * extents. */
PDESSM_API pdessm_tensor *pdessm_slice(pdessm_tape *tape, pdessm_tensor *x, int64_t index);
PDESSM_API pdessm_tensor *pdessm_reshape(pdessm_tape *tape, pdessm_tensor *x, int rank,
                                         const int64_t *dims);

/* Ends the recording. loss: a tensor of one element, whose gradient is derived; NULL: forward only,
 * and then whatever depends on parameters alone is computed once and kept. */
PDESSM_API pdessm_status pdessm_tape_plan(pdessm_tape *tape, pdessm_tensor *loss);

/* Backward starts from dL/dloss = scale (1 at first): 1/n for accumulation over n runs. */
PDESSM_API pdessm_status pdessm_tape_set_loss_scale(pdessm_tape *tape, double scale);

/* Gives `count` inputs of a planned tape other first extents, and every tensor that is computed
 * from them the extents that follow. The plan serves for all that fits into it: nothing is
 * allocated, what the inputs held is void, and a tensor that would need more than it was planned
 * with is ERROR_SHAPE, as are extents that operators refuse and a view (pdessm_slice, _reshape) of
 * a tensor that changes; the tape is then as it was. */
PDESSM_API pdessm_status pdessm_tape_resize(pdessm_tape *tape, int count,
                                            pdessm_tensor *const *inputs, const int64_t *extents);

PDESSM_API pdessm_status pdessm_tape_forward(pdessm_tape *tape);
PDESSM_API pdessm_status pdessm_tape_backward(pdessm_tape *tape);

/* Parameters have changed: what was computed from them once is computed again. Only matters for a
 * tape planned without a loss. */
PDESSM_API void pdessm_tape_invalidate(pdessm_tape *tape);

/* The gradient of a tensor, valid after a backward run if the tensor is an output; NULL if none. */
PDESSM_API pdessm_tensor *pdessm_tape_gradient(pdessm_tape *tape, pdessm_tensor *tensor);

/* What the plan holds: bytes of all its memory, floating point operations of one run. */
typedef struct pdessm_tape_info {
    int forward_calls, backward_calls;
    int64_t bytes;
    double forward_flops, backward_flops;
} pdessm_tape_info;
PDESSM_API pdessm_tape_info pdessm_tape_get_info(const pdessm_tape *tape);

#ifdef __cplusplus
}
#endif
#endif
