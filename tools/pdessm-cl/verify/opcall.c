/* SPDX-License-Identifier: MIT */
/* opcall.c: operands, outputs and gradients of one call. */
#include "opcall.h"

#include <stdio.h>
#include <string.h>

cli_opcall pdessm_cli_opcall_begin(pdessm_device *device, pdessm_op op) {
    return (cli_opcall){.device = device, .row = pdessm_op_get(op), .call = {.op = op}};
}

void pdessm_cli_opcall_end(cli_opcall *o) {
    for (int i = 0; i < PDESSM_MAX_OPERANDS; i++) {
        pdessm_tensor_destroy(&o->call.operand[i]);
        pdessm_tensor_destroy(&o->call.gradient[i]);
    }
}

pdessm_status pdessm_cli_opcall_set(cli_opcall *o, int i, int rank, const int64_t *dims,
                                    const void *values) {
    pdessm_dtype dtype = o->row->letters[i] == 'i' ? PDESSM_INT32 : PDESSM_FLOAT32;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tensor_create(o->device, dtype, rank, dims, &o->call.operand[i]));
    PDESSM_TRY(pdessm_tensor_write(o->call.operand[i], values));
out:
    return status;
}

pdessm_status pdessm_cli_opcall_make_outputs(cli_opcall *o) {
    pdessm_status status = PDESSM_OK;
    pdessm_shape shapes[PDESSM_MAX_OPERANDS] = {0};
    const char *letters = o->row->letters;
    for (int i = 0; letters[i]; i++)
        PDESSM_REQUIRE(o->device->ctx,
                       o->call.operand[i] || pdessm_letter_is_output(letters[i]) ||
                           pdessm_letter_is_optional(letters[i]),
                       PDESSM_ERROR_ARGUMENT, "%s: operand %s is missing; operands are: %s",
                       o->row->name, pdessm_cli_op_name(o->row->operands, i).text,
                       o->row->operands);
    PDESSM_TRY(o->row->descriptor->shapes(o->device->ctx, &o->call, shapes));
    for (int i = 0; letters[i]; i++)
        if (pdessm_letter_is_output(letters[i]))
            PDESSM_TRY(pdessm_tensor_create(o->device, shapes[i].dtype, shapes[i].rank,
                                            shapes[i].dims, &o->call.operand[i]));
out:
    return status;
}

pdessm_status pdessm_cli_opcall_set_gradient(cli_opcall *o, int i, const float *values) {
    const pdessm_tensor *operand = o->call.operand[i];
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tensor_create(o->device, PDESSM_FLOAT32, pdessm_tensor_rank(operand),
                                    pdessm_tensor_dims(operand), &o->call.gradient[i]));
    if (values)
        PDESSM_TRY(pdessm_tensor_write(o->call.gradient[i], values));
out:
    return status;
}

pdessm_status pdessm_cli_opcall_run(cli_opcall *o, pdessm_pass pass) {
    o->call.pass = pass;
    return pdessm_dispatch(o->device, &o->call);
}

int pdessm_cli_op_differentiable(pdessm_op op) {
    return pdessm_op_get(op)->descriptor->host[PDESSM_BACKWARD] != NULL;
}

cli_op_name pdessm_cli_op_name(const char *names, int n) {
    cli_op_name name;
    while (n-- > 0 && *names) {
        names += strcspn(names, " ");
        names += strspn(names, " ");
    }
    snprintf(name.text, sizeof name.text, "%.*s", (int)strcspn(names, " "), names);
    return name;
}
