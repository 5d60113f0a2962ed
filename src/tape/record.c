/* SPDX-License-Identifier: MIT */
/* record.c: recording: leaves, views of values, and calls of operators. */
#include <stdlib.h>
#include <string.h>

#include "tape/tape.h"

pdessm_tensor *pdessm_tape_fail(pdessm_tape *tape, pdessm_status status) {
    if (tape->status == PDESSM_OK)
        tape->status = status;
    return NULL;
}

value *pdessm_tape_value(pdessm_tape *tape, const pdessm_shape *shape) {
    value *v = NULL;
    if (tape->status != PDESSM_OK)
        return NULL;
    pdessm_status status = pdessm_alloc(tape->ctx, 1, sizeof *v, &v);
    if (status != PDESSM_OK) {
        pdessm_tape_fail(tape, status);
        return NULL;
    }
    v->tensor.dtype = shape->dtype;
    v->tensor.rank = shape->rank;
    memcpy(v->tensor.dims, shape->dims, sizeof v->tensor.dims);
    v->tensor.segments = 1;
    v->slice = -1;
    v->first = v->last = -1;
    v->next = tape->values;
    tape->values = v;
    return v;
}

value *pdessm_value_root(value *v) {
    while (v->parent)
        v = v->parent;
    return v;
}

pdessm_status pdessm_tape_append(pdessm_tape *tape, step_list *list, const step *item) {
    if (list->count == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 64;
        step *more = realloc(list->item, sizeof *more * (size_t)capacity);
        if (!more)
            return pdessm_fail(tape->ctx, PDESSM_ERROR_MEMORY, "out of memory: a tape of %d steps",
                               capacity);
        list->item = more;
        list->capacity = capacity;
    }
    list->item[list->count++] = *item;
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ leaves and views */

pdessm_tensor *pdessm_tape_input(pdessm_tape *tape, pdessm_dtype dtype, int rank,
                                 const int64_t *dims) {
    pdessm_shape shape = {.dtype = dtype, .rank = rank};
    memcpy(shape.dims, dims, sizeof *dims * (size_t)rank);
    value *v = pdessm_tape_value(tape, &shape);
    if (!v)
        return NULL;
    v->pinned = 1;
    return &v->tensor;
}

pdessm_tensor *pdessm_tape_parameter(pdessm_tape *tape, pdessm_tensor *parameter,
                                     pdessm_tensor *gradient) {
    pdessm_shape shape = {.dtype = parameter->dtype, .rank = parameter->rank};
    memcpy(shape.dims, parameter->dims, sizeof shape.dims);
    value *v = pdessm_tape_value(tape, &shape);
    value *dv = v && gradient ? pdessm_tape_value(tape, &shape) : NULL;
    if (tape->status != PDESSM_OK)
        return NULL;
    v->tensor = *parameter;
    v->tensor.owns_storage = 0;
    v->external = v->constant = 1;
    if (dv) {
        dv->tensor = *gradient;
        dv->tensor.owns_storage = 0;
        dv->external = 1;
        v->gradient = dv;
        v->wants_gradient = 1;
    }
    return &v->tensor;
}

pdessm_tensor *pdessm_tape_external(pdessm_tape *tape, pdessm_tensor *tensor) {
    pdessm_tensor *t = pdessm_tape_parameter(tape, tensor, NULL);
    if (t)
        ((value *)t)->constant = 0;
    return t;
}

pdessm_tensor *pdessm_tape_output(pdessm_tape *tape, pdessm_tensor *tensor) {
    if (tape->status == PDESSM_OK)
        pdessm_value_root((value *)tensor)->pinned = 1;
    return tensor;
}

static value *view(pdessm_tape *tape, value *parent, const pdessm_shape *shape) {
    value *v = pdessm_tape_value(tape, shape);
    if (v) {
        v->parent = parent;
        v->wants_gradient = parent->wants_gradient;
        v->constant = parent->constant;
    }
    return v;
}

pdessm_tensor *pdessm_slice(pdessm_tape *tape, pdessm_tensor *x, int64_t index) {
    if (tape->status != PDESSM_OK)
        return NULL;
    value *parent = (value *)x;
    if (x->rank < 1 || index < 0 || index >= x->dims[0])
        return pdessm_tape_fail(tape, pdessm_fail(tape->ctx, PDESSM_ERROR_SHAPE,
                                                  "slice %lld of a tensor %s", (long long)index,
                                                  pdessm_tensor_shape(x).text));
    for (value *s = parent->slices; s; s = s->sibling)
        if (s->slice == index)
            return &s->tensor;
    pdessm_shape shape = {.dtype = x->dtype, .rank = x->rank - 1};
    memcpy(shape.dims, x->dims + 1, sizeof *x->dims * (size_t)shape.rank);
    value *v = view(tape, parent, &shape);
    if (!v)
        return NULL;
    v->slice = index;
    v->sibling = parent->slices;
    parent->slices = v;
    return &v->tensor;
}

pdessm_tensor *pdessm_reshape(pdessm_tape *tape, pdessm_tensor *x, int rank, const int64_t *dims) {
    pdessm_shape shape = {.rank = rank};
    int64_t n = 1;
    if (tape->status != PDESSM_OK)
        return NULL;
    for (int i = 0; i < rank; i++)
        n *= shape.dims[i] = dims[i];
    if (n != pdessm_tensor_count(x))
        return pdessm_tape_fail(tape, pdessm_fail(tape->ctx, PDESSM_ERROR_SHAPE,
                                                  "a tensor %s cannot be seen as %lld elements",
                                                  pdessm_tensor_shape(x).text, (long long)n));
    shape.dtype = x->dtype;
    value *v = view(tape, (value *)x, &shape);
    return v ? &v->tensor : NULL;
}

/* ------------------------------------------------------------------ operators */

static void inherit(value *output, const pdessm_op_row *row, const pdessm_call *call) {
    int wants = 0, constant = 1;
    for (int i = 0; row->letters[i]; i++) {
        const value *v = (const value *)call->operand[i];
        if (!v || pdessm_letter_is_output(row->letters[i]))
            continue;
        wants |= v->wants_gradient && pdessm_letter_has_gradient(row->letters[i]);
        constant &= v->constant;
    }
    output->wants_gradient = wants && row->descriptor->host[PDESSM_BACKWARD];
    output->constant = constant;
}

pdessm_tensor *pdessm_tape_apply(pdessm_tape *tape, pdessm_op op, pdessm_tensor **operands,
                                 const double *attributes) {
    const pdessm_op_row *row = pdessm_op_get(op);
    pdessm_shape shape[PDESSM_MAX_OPERANDS] = {0};
    step s = {.call = {.op = op, .pass = PDESSM_FORWARD}};
    pdessm_tensor *first = NULL;
    if (tape->status != PDESSM_OK)
        return NULL;
    for (int i = 0; row->letters[i]; i++)
        if (!pdessm_letter_is_output(row->letters[i]))
            s.call.operand[i] = operands[i];
    if (attributes)
        memcpy(s.call.attribute, attributes, sizeof s.call.attribute);
    pdessm_status status = row->descriptor->shapes(tape->ctx, &s.call, shape);
    if (status != PDESSM_OK)
        return pdessm_tape_fail(tape, status);
    for (int i = 0; row->letters[i]; i++) {
        if (!pdessm_letter_is_output(row->letters[i]))
            continue;
        value *v = pdessm_tape_value(tape, &shape[i]);
        if (!v)
            return NULL;
        inherit(v, row, &s.call);
        s.call.operand[i] = operands[i] = &v->tensor;
        first = first ? first : &v->tensor;
    }
    status = pdessm_check_call(tape->device, &s.call);
    if (status == PDESSM_OK)
        status = pdessm_tape_append(tape, &tape->forward, &s);
    return status == PDESSM_OK ? first : pdessm_tape_fail(tape, status);
}
