/* SPDX-License-Identifier: MIT */
/* opcall.c: operands, outputs and gradients of one call. */
#include <stdlib.h>
#include <string.h>

#include "verify/verify.h"

pdessm_opcall pdessm_opcall_begin(pdessm_device *device, pdessm_op op) {
    return (pdessm_opcall){.device = device, .row = pdessm_op_get(op), .call = {.op = op}};
}

void pdessm_opcall_end(pdessm_opcall *o) {
    for (int i = 0; i < PDESSM_MAX_OPERANDS; i++) {
        pdessm_tensor_destroy(&o->call.operand[i]);
        pdessm_tensor_destroy(&o->call.gradient[i]);
    }
}

pdessm_status pdessm_opcall_set(pdessm_opcall *o, int i, int rank, const int64_t *dims,
                                const void *values) {
    pdessm_dtype dtype = o->row->letters[i] == 'i' ? PDESSM_INT32 : PDESSM_FLOAT32;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tensor_create(o->device, dtype, rank, dims, &o->call.operand[i]));
    PDESSM_TRY(pdessm_tensor_write(o->call.operand[i], values));
out:
    return status;
}

pdessm_status pdessm_opcall_make_outputs(pdessm_opcall *o) {
    pdessm_status status = PDESSM_OK;
    pdessm_shape shapes[PDESSM_MAX_OPERANDS] = {0};
    const char *letters = o->row->letters;
    for (int i = 0; letters[i]; i++)
        PDESSM_REQUIRE(o->device->ctx,
                       o->call.operand[i] || pdessm_letter_is_output(letters[i]) ||
                           pdessm_letter_is_optional(letters[i]),
                       PDESSM_ERROR_ARGUMENT, "%s: operand %s is missing; operands are: %s",
                       o->row->name, pdessm_op_name(o->row->operands, i).text, o->row->operands);
    PDESSM_TRY(o->row->descriptor->shapes(o->device->ctx, &o->call, shapes));
    for (int i = 0; letters[i]; i++)
        if (pdessm_letter_is_output(letters[i]))
            PDESSM_TRY(pdessm_tensor_create(o->device, shapes[i].dtype, shapes[i].rank,
                                            shapes[i].dims, &o->call.operand[i]));
out:
    return status;
}

pdessm_status pdessm_opcall_set_gradient(pdessm_opcall *o, int i, const float *values) {
    const pdessm_tensor *operand = o->call.operand[i];
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tensor_create(o->device, PDESSM_FLOAT32, pdessm_tensor_rank(operand),
                                    pdessm_tensor_dims(operand), &o->call.gradient[i]));
    if (values)
        PDESSM_TRY(pdessm_tensor_write(o->call.gradient[i], values));
out:
    return status;
}

pdessm_status pdessm_opcall_run(pdessm_opcall *o, pdessm_pass pass) {
    o->call.pass = pass;
    return pdessm_dispatch(o->device, &o->call);
}

pdessm_tensor *pdessm_opcall_result(const pdessm_opcall *o, int i) {
    const int output = strchr("wWm", o->row->letters[i]) != NULL;
    if (o->call.pass == PDESSM_FORWARD)
        return output ? o->call.operand[i] : NULL;
    return output ? NULL : o->call.gradient[i];
}

/* ------------------------------------------------------------------ as a case says */

pdessm_status pdessm_case_shapes(pdessm_context *ctx, const pdessm_case *k,
                                 pdessm_shape ret[PDESSM_MAX_OPERANDS]) {
    const pdessm_op_row *row = pdessm_op_get(k->op);
    pdessm_tensor tensor[PDESSM_MAX_OPERANDS] = {{0}};
    pdessm_call call = {.op = k->op};
    memset(ret, 0, sizeof *ret * PDESSM_MAX_OPERANDS);
    memcpy(call.attribute, k->attribute, sizeof call.attribute);
    for (int i = 0; row->letters[i]; i++) {
        const pdessm_case_operand *operand = &k->operand[i];
        if (operand->fill == PDESSM_FILL_NONE)
            continue;
        tensor[i].dtype = row->letters[i] == 'i' ? PDESSM_INT32 : PDESSM_FLOAT32;
        tensor[i].rank = operand->rank;
        memcpy(tensor[i].dims, operand->dims, sizeof operand->dims);
        ret[i] = (pdessm_shape){.dtype = tensor[i].dtype, .rank = operand->rank};
        memcpy(ret[i].dims, operand->dims, sizeof operand->dims);
        call.operand[i] = &tensor[i];
    }
    return row->descriptor->shapes(ctx, &call, ret);
}

static pdessm_status set_operand(const pdessm_case *k, pdessm_opcall *o, int i) {
    const pdessm_case_operand *operand = &k->operand[i];
    pdessm_status status = PDESSM_OK;
    void *values = NULL;
    int64_t n = 1;
    for (int d = 0; d < operand->rank; d++)
        n *= operand->dims[d];
    PDESSM_TRY(pdessm_alloc(o->device->ctx, (size_t)n, sizeof(float), &values));
    pdessm_case_numbers(k, i, n, values);
    PDESSM_TRY(pdessm_opcall_set(o, i, operand->rank, operand->dims, values));
out:
    free(values);
    return status;
}

pdessm_status pdessm_case_operands(const pdessm_case *k, pdessm_opcall *o) {
    pdessm_status status = PDESSM_OK;
    memcpy(o->call.attribute, k->attribute, sizeof k->attribute);
    for (int i = 0; o->row->letters[i]; i++)
        if (k->operand[i].fill != PDESSM_FILL_NONE)
            PDESSM_TRY(set_operand(k, o, i));
    PDESSM_TRY(pdessm_opcall_make_outputs(o));
out:
    return status;
}

pdessm_status pdessm_case_gradients(const pdessm_case *k, pdessm_opcall *o) {
    pdessm_status status = PDESSM_OK;
    float *values = NULL;
    for (int i = 0; o->row->letters[i]; i++) {
        if (!o->call.operand[i] || !pdessm_letter_has_gradient(o->row->letters[i]))
            continue;
        int64_t n = pdessm_tensor_count(o->call.operand[i]);
        PDESSM_TRY(pdessm_alloc(o->device->ctx, (size_t)n, sizeof *values, &values));
        pdessm_case_gradient(k, i, n, values);
        PDESSM_TRY(pdessm_opcall_set_gradient(o, i, values));
        free(values);
        values = NULL;
    }
out:
    free(values);
    return status;
}
