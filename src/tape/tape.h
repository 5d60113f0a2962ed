/* SPDX-License-Identifier: MIT */
/* tape.h: inside of the tape.
 *
 * The room `tape` records calls of operators, derives the backward pass, plans the memory and
 * replays both. It knows of operators only what their rows and descriptors say. */
#ifndef PDESSM_TAPE_TAPE_H
#define PDESSM_TAPE_TAPE_H

#include <pdessm/tape.h>

#include "device/device.h"
#include "tape/apply.h"

/* A tensor of a tape. The tensor comes first, so that handles are pointers to either. */
typedef struct value {
    pdessm_tensor tensor;
    struct value *next;   /* all values of the tape */
    struct value *parent; /* a view of that value; NULL: a root, which memory is planned for */
    struct value *sibling, *slices; /* the slices of a value, in a list */
    int64_t slice;                  /* its index; -1: a view of the whole (reshape) or a root */
    struct value *gradient;
    int wants_gradient;
    int gradient_written; /* while backward is derived: has somebody written it? */
    int external;         /* storage belongs to somebody else; gradients always add */
    int pinned;           /* keeps its place from run to run */
    int constant;         /* depends on parameters alone */
    int first, last;      /* steps that touch it; roots only */
    size_t capacity;      /* bytes of its place in the plan; roots only */
} value;

/* One step of the tape: a call, or the zeroing of a tensor. */
typedef struct step {
    pdessm_call call;
    pdessm_tensor *zero;
    int constant;
} step;

typedef struct step_list {
    step *item;
    int count, capacity;
} step_list;

struct pdessm_tape {
    pdessm_device *device;
    pdessm_context *ctx;
    pdessm_status status; /* the first failure of recording */
    int planned, constants_ready;
    value *values;
    step_list forward, backward;
    value *loss;
    pdessm_tape *lender; /* whose places that are free between runs serve this tape too, or NULL */
    pdessm_storage **storage;
    unsigned char *kept; /* [storages] its content matters between runs */
    int storages;
    pdessm_tape_info info;
};

/* A tensor that lives elsewhere like a parameter, but changes from run to run. */
pdessm_tensor *pdessm_tape_external(pdessm_tape *tape, pdessm_tensor *tensor);

/* Before the plan: tapes that never run in turns within a forward and its backward run may share
 * memory. What lender, planned already, needs only during its runs, tape uses during its own.
 * lender must outlive tape; NULL is fine. */
void pdessm_tape_borrow(pdessm_tape *tape, pdessm_tape *lender);

/* Keeps the first failure; always returns NULL. */
pdessm_tensor *pdessm_tape_fail(pdessm_tape *tape, pdessm_status status);

/* record.c. A new value of the tape; NULL when the tape has failed. */
value *pdessm_tape_value(pdessm_tape *tape, const pdessm_shape *shape);
value *pdessm_value_root(value *v);
pdessm_status pdessm_tape_append(pdessm_tape *tape, step_list *list, const step *item);

/* derive.c: the backward steps. memory.c: places for all values. */
pdessm_status pdessm_tape_derive(pdessm_tape *tape);
pdessm_status pdessm_tape_place(pdessm_tape *tape);

#endif
