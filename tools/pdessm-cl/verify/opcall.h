/* SPDX-License-Identifier: MIT */
/* opcall.h: a call of one operator whose operands the caller owns: what `op`, `verify` and `cache
 * warm` run. Inputs are set one by one; outputs and gradients then follow from the row's shapes. */
#ifndef PDESSM_CLI_VERIFY_OPCALL_H
#define PDESSM_CLI_VERIFY_OPCALL_H

#include "device/device.h"

typedef struct cli_opcall {
    pdessm_device *device;
    const pdessm_op_row *row;
    pdessm_call call;
} cli_opcall;

/* A call without operands and with all attributes 0. */
cli_opcall pdessm_cli_opcall_begin(pdessm_device *device, pdessm_op op);
/* Destroys all operands and gradients. */
void pdessm_cli_opcall_end(cli_opcall *o);

/* Makes operand i and fills it: 4-byte elements of the letter's type. */
pdessm_status pdessm_cli_opcall_set(cli_opcall *o, int i, int rank, const int64_t *dims,
                                    const void *values);

/* Refuses a call whose required inputs are missing, naming them, then makes the outputs. */
pdessm_status pdessm_cli_opcall_make_outputs(cli_opcall *o);

/* Makes a gradient tensor like operand i; values may be NULL. */
pdessm_status pdessm_cli_opcall_set_gradient(cli_opcall *o, int i, const float *values);

pdessm_status pdessm_cli_opcall_run(cli_opcall *o, pdessm_pass pass);

/* Whether the row has a backward pass. */
int pdessm_cli_op_differentiable(pdessm_op op);

/* The n-th name in a list parted by blanks, as rows have them; "" beyond the end. */
typedef struct cli_op_name {
    char text[32];
} cli_op_name;
cli_op_name pdessm_cli_op_name(const char *names, int n);

#endif
