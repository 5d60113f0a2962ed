/* SPDX-License-Identifier: MIT */
/* apply.h: what an operator needs to know of the tape: how it becomes a step. */
#ifndef PDESSM_TAPE_APPLY_H
#define PDESSM_TAPE_APPLY_H

#include <pdessm/tape.h>

#include "device/op.h"

/* Records one operator: operands holds the inputs in row order (NULL: absent); outputs are created
 * and put into it. attributes may be NULL. Returns the first output. */
pdessm_tensor *pdessm_tape_apply(pdessm_tape *tape, pdessm_op op, pdessm_tensor **operands,
                                 const double *attributes);

#endif
