/* SPDX-License-Identifier: MIT */
/* verify.h: the harness. Whoever wants to know whether an operator is right, or how fast, comes
 * here: the tests of the operators (tests/check.h), the test of every tuning choice, and the
 * commands `verify`, `bench`, `tune` and `doctor`.
 *
 *   pdessm_case_draw()        a valid call, hostile or as a network makes it (ops/case.h)
 *   pdessm_case_operands()    tensors for it, their numbers from the case's seed alone
 *   pdessm_opcall_run()       one pass on one device
 *   pdessm_case_compare()     both passes on two devices, and how far the results are apart
 *   pdessm_tolerance()        how far rounding may take them
 *
 * Nobody else draws calls or knows a tolerance. The room `verify` knows operators one by one, as
 * their cases draw them, and no network. */
#ifndef PDESSM_VERIFY_VERIFY_H
#define PDESSM_VERIFY_VERIFY_H

#include "device/device.h"
#include "ops/case.h"

/* ------------------------------------------------------------------ numbers */

/* n numbers of operand i, four bytes each: float, or int32 where the letter is i. */
void pdessm_case_numbers(const pdessm_case *k, int i, int64_t n, void *ret);
/* n numbers of the gradient that comes in for output i. */
void pdessm_case_gradient(const pdessm_case *k, int i, int64_t n, float *ret);

/* What the operands look like, outputs too, without making any; rank 0: absent. Refuses what the
 * operator refuses. */
pdessm_status pdessm_case_shapes(pdessm_context *ctx, const pdessm_case *k,
                                 pdessm_shape ret[PDESSM_MAX_OPERANDS]);

/* ------------------------------------------------------------------ a call that owns its tensors
 */

/* Inputs are set one by one; outputs and gradients then follow from the row's shapes. */
typedef struct pdessm_opcall {
    pdessm_device *device;
    const pdessm_op_row *row;
    pdessm_call call;
} pdessm_opcall;

/* A call without operands and with all attributes 0. */
pdessm_opcall pdessm_opcall_begin(pdessm_device *device, pdessm_op op);
/* Destroys all operands and gradients. */
void pdessm_opcall_end(pdessm_opcall *o);

/* Makes operand i and fills it: 4-byte elements of the letter's type. */
pdessm_status pdessm_opcall_set(pdessm_opcall *o, int i, int rank, const int64_t *dims,
                                const void *values);
/* Refuses a call whose required inputs are missing, naming them, then makes the outputs. */
pdessm_status pdessm_opcall_make_outputs(pdessm_opcall *o);
/* Makes a gradient tensor like operand i; values may be NULL. */
pdessm_status pdessm_opcall_set_gradient(pdessm_opcall *o, int i, const float *values);

/* Operands filled as the case says, and room for the outputs. */
pdessm_status pdessm_case_operands(const pdessm_case *k, pdessm_opcall *o);
/* What a backward pass needs besides: gradients of the outputs, drawn, and room for those of every
 * input that can have one. */
pdessm_status pdessm_case_gradients(const pdessm_case *k, pdessm_opcall *o);

pdessm_status pdessm_opcall_run(pdessm_opcall *o, pdessm_pass pass);

/* Tensor i of what the latest pass computed; NULL when that is no result: forwards an input or a
 * statistic (letter s), which is an operator's private matter, backwards an output. */
pdessm_tensor *pdessm_opcall_result(const pdessm_opcall *o, int i);

/* ------------------------------------------------------------------ comparing */

/* What rounding may make of a result, relative to its largest element, when elements are kept to
 * `roundoff` (2^-24 for float): a roundoff for each addition behind it, four times for two orders
 * of summation, but no more than long sums reach; ten times more for gradients, which chain two
 * passes; all of that times the operator's condition. */
double pdessm_tolerance(const pdessm_case *k, pdessm_pass pass, double roundoff);
#define PDESSM_FLOAT_ROUNDOFF 0x1p-24

/* The largest difference, relative to the largest element of the result concerned. */
typedef struct pdessm_deviation {
    double error, tolerance;
} pdessm_deviation;

/* Runs the case, forward and (where there is one) backward, on both devices. ret[pass]; without a
 * backward pass ret[1] is zero. */
pdessm_status pdessm_case_compare(const pdessm_case *k, pdessm_device *device,
                                  pdessm_device *reference, pdessm_deviation ret[2]);

/* The same for two calls that have run the same pass. */
pdessm_status pdessm_opcall_compare(const pdessm_opcall *a, const pdessm_opcall *b, double *ret);

/* |a - b| at its largest over |b| at its largest; infinite when anything is not finite. */
double pdessm_relative_error(const float *a, const float *b, int64_t count);

/* Plain C to compare a device with; when that is plain C too, the portable build of it. Its
 * info.driver says which instruction set that is. */
pdessm_status pdessm_reference_open(pdessm_context *ctx, const pdessm_device *device,
                                    pdessm_device **ret);

#endif
