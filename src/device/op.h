/* SPDX-License-Identifier: MIT */
/* op.h: what an operator is, and a call of one. */
#ifndef PDESSM_DEVICE_OP_H
#define PDESSM_DEVICE_OP_H

#include "core/context.h"
#include "device/tensor.h"

struct pdessm_fallback; /* fallback/fallback.h */
struct pdessm_blas;     /* device/blas.h */
struct pdessm_backend;  /* device/backend.h */
struct pdessm_tuning;   /* device/tuning.h */
struct pdessm_tunable;  /* device/tuning.h */
struct pdessm_case;     /* ops/case.h */
struct pdessm_case_size;

typedef enum pdessm_op {
#define OP(name, letters, operands, attributes, meaning) PDESSM_OP_##name,
#include "ops/ops.def"
#undef OP
    PDESSM_OP_COUNT
} pdessm_op;

typedef enum pdessm_pass { PDESSM_FORWARD, PDESSM_BACKWARD } pdessm_pass;

enum { PDESSM_MAX_OPERANDS = 10, PDESSM_MAX_ATTRIBUTES = 8 };

/* One call of one operator. Operands stand in row order; an optional one may be NULL. */
typedef struct pdessm_call {
    pdessm_op op;
    pdessm_pass pass;
    pdessm_tensor *operand[PDESSM_MAX_OPERANDS];
    /* Backward only. Outputs: the gradient that comes in (read). Inputs: where their gradient goes,
     * or NULL when nobody wants it. */
    pdessm_tensor *gradient[PDESSM_MAX_OPERANDS];
    unsigned accumulate; /* bit i: gradient[i] is added to, not overwritten */
    double attribute[PDESSM_MAX_ATTRIBUTES];
} pdessm_call;

/* What a host adapter may use. */
typedef struct pdessm_host {
    const struct pdessm_fallback *fallback;
    pdessm_pool *pool;
    const struct pdessm_blas *blas; /* NULL: there is only our own matrix product */
    int blas_is_standard;           /* it is what is used where nothing else was measured */
    const struct pdessm_tuning *tuning;
} pdessm_host;

/* What a launch adapter may use. */
typedef struct pdessm_launcher {
    const struct pdessm_backend *backend;
    void *state;
    pdessm_context *ctx;
    const pdessm_device_info *info;
    const struct pdessm_tuning *tuning;
} pdessm_launcher;

typedef struct pdessm_cost {
    double flops, bytes;
    size_t host_scratch; /* bytes for each worker of the pool */
} pdessm_cost;

typedef struct pdessm_shape {
    pdessm_dtype dtype;
    int rank;
    int64_t dims[PDESSM_MAX_RANK];
} pdessm_shape;

/* Checks the inputs' extents and the attributes of a forward call, and says what the outputs
 * (letters w W s) look like: ret[i] belongs to operand i. Does not look at output operands. The
 * dispatcher has already checked that inputs are there and have the row's dtype, and afterwards
 * compares the outputs with the answer. */
typedef pdessm_status (*pdessm_shapes_fn)(pdessm_context *ctx, const pdessm_call *call,
                                          pdessm_shape ret[PDESSM_MAX_OPERANDS]);
typedef void (*pdessm_cost_fn)(const pdessm_call *call, const pdessm_host *host, pdessm_cost *ret);
typedef pdessm_status (*pdessm_host_fn)(const pdessm_call *call, const pdessm_host *host);
typedef pdessm_status (*pdessm_launch_fn)(const pdessm_call *call, const pdessm_launcher *launcher);

/* Does this backward call look at operand i, of which the letter says that some backward calls do?
 */
typedef int (*pdessm_needs_fn)(const pdessm_call *call, int i);

/* Draws a valid call for tests, verification and measurements of speed: src/ops/case.h. */
typedef void (*pdessm_draw_fn)(struct pdessm_case *k, const struct pdessm_case_size *size);

/* One per row of ops.def, filled in by src/ops/NAME.c. Index of host and launch: the pass. */
typedef struct pdessm_descriptor {
    pdessm_shapes_fn shapes;
    pdessm_cost_fn cost;
    pdessm_host_fn host[2];               /* host[BACKWARD] NULL: not differentiable */
    pdessm_launch_fn launch[2];           /* NULL: plain C only */
    pdessm_needs_fn needs;                /* NULL: whatever the letters say */
    int pass_through;                     /* 1 + operand whose gradient equals the output's, or 0 */
    const struct pdessm_tunable *tunable; /* choices left open, or NULL */
    pdessm_draw_fn draw;
} pdessm_descriptor;

/* The row itself, for listings: letters one per operand (see ops.def), names separated by blanks.
 */
typedef struct pdessm_op_row {
    const char *name, *letters, *operands, *attributes, *meaning;
    const pdessm_descriptor *descriptor;
} pdessm_op_row;

const pdessm_op_row *pdessm_op_get(pdessm_op op);
/* PDESSM_OP_COUNT when there is none. */
pdessm_op pdessm_op_find(const char *name);
int pdessm_op_operands(pdessm_op op);
/* Whether the row has a backward pass. */
int pdessm_op_differentiable(pdessm_op op);

/* The n-th name in a list parted by blanks, as rows have them; "" beyond the end. */
typedef struct pdessm_op_name_text {
    char text[32];
} pdessm_op_name_text;
pdessm_op_name_text pdessm_op_name(const char *names, int n);

/* Letters: r R o O w W can carry gradients; i s m cannot. */
int pdessm_letter_has_gradient(char letter);
int pdessm_letter_is_output(char letter);
int pdessm_letter_is_optional(char letter);
/* R O W s i: the backward pass may look at the operand. */
int pdessm_letter_is_kept(char letter);
/* Does this backward call look at operand i? */
int pdessm_call_needs(const pdessm_call *call, int i);

#endif
