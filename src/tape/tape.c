/* SPDX-License-Identifier: MIT */
/* tape.c: recording and replaying a tape. */
#include "tape/tape.h"

#include <stdlib.h>
#include <string.h>

pdessm_status pdessm_tape_create(pdessm_device *device, pdessm_tape **ret) {
    pdessm_tape *g = NULL;
    pdessm_status status = pdessm_alloc(device->ctx, 1, sizeof *g, &g);
    if (status != PDESSM_OK)
        return status;
    g->device = device;
    g->ctx = device->ctx;
    *ret = g;
    return PDESSM_OK;
}

void pdessm_tape_destroy(pdessm_tape **tape) {
    pdessm_tape *g = *tape;
    if (!g)
        return;
    for (value *v = g->values, *next; v; v = next) {
        next = v->next;
        free(v);
    }
    for (int i = 0; i < g->storages; i++)
        pdessm_storage_destroy(&g->storage[i]);
    free(g->storage);
    free(g->kept);
    free(g->forward.item);
    free(g->backward.item);
    free(g);
    *tape = NULL;
}

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

/* ------------------------------------------------------------------ plan and replay */

/* Without a loss, steps that depend on parameters alone run once; their results stay in place. */
static void find_constants(pdessm_tape *g) {
    for (int i = 0; i < g->forward.count; i++) {
        step *s = &g->forward.item[i];
        const char *letters = pdessm_op_get(s->call.op)->letters;
        for (int k = 0; letters[k]; k++) {
            value *v = (value *)s->call.operand[k];
            if (!pdessm_letter_is_output(letters[k]) || !v->constant)
                continue;
            s->constant = 1;
            v->pinned = 1;
        }
    }
}

static void add_cost(pdessm_tape *g, const step_list *list, double *flops, int *calls) {
    for (int i = 0; i < list->count; i++) {
        const step *s = &list->item[i];
        pdessm_cost cost = {0};
        if (s->zero)
            continue;
        pdessm_op_get(s->call.op)->descriptor->cost(&s->call, &g->device->host, &cost);
        *flops += cost.flops;
        *calls += 1;
    }
}

pdessm_status pdessm_tape_plan(pdessm_tape *tape, pdessm_tensor *loss) {
    pdessm_status status = tape->status;
    if (status != PDESSM_OK)
        goto out;
    PDESSM_REQUIRE(tape->ctx, !tape->planned, PDESSM_ERROR_ARGUMENT, "the tape is planned already");
    tape->loss = loss ? pdessm_value_root((value *)loss) : NULL; /* a view has no gradient */
    if (loss)
        PDESSM_TRY(pdessm_tape_derive(tape));
    else
        find_constants(tape);
    PDESSM_TRY(pdessm_tape_place(tape));
    add_cost(tape, &tape->forward, &tape->info.forward_flops, &tape->info.forward_calls);
    add_cost(tape, &tape->backward, &tape->info.backward_flops, &tape->info.backward_calls);
    tape->planned = 1;
    if (loss)
        PDESSM_TRY(pdessm_tape_set_loss_scale(tape, 1));
out:
    return status;
}

pdessm_status pdessm_tape_set_loss_scale(pdessm_tape *tape, double scale) {
    float value_of_scale = (float)scale;
    if (!tape->loss || !tape->loss->gradient)
        return pdessm_fail(tape->ctx, PDESSM_ERROR_ARGUMENT, "the tape was planned without a loss");
    return pdessm_tensor_write(&tape->loss->gradient->tensor, &value_of_scale);
}

static pdessm_status replay(pdessm_tape *g, const step_list *list, int skip_constants) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < list->count; i++) {
        step *s = &list->item[i];
        if (s->zero)
            PDESSM_TRY(pdessm_tensor_zero(s->zero));
        else if (!(s->constant && skip_constants))
            PDESSM_TRY(pdessm_run_call(g->device, &s->call));
    }
out:
    return status;
}

pdessm_status pdessm_tape_forward(pdessm_tape *tape) {
    if (!tape->planned)
        return pdessm_fail(tape->ctx, PDESSM_ERROR_ARGUMENT, "the tape is not planned yet");
    pdessm_status status = replay(tape, &tape->forward, tape->constants_ready);
    tape->constants_ready = status == PDESSM_OK;
    return status;
}

pdessm_status pdessm_tape_backward(pdessm_tape *tape) {
    if (!tape->planned || !tape->loss)
        return pdessm_fail(tape->ctx, PDESSM_ERROR_ARGUMENT, "the tape was planned without a loss");
    return replay(tape, &tape->backward, 0);
}

void pdessm_tape_invalidate(pdessm_tape *tape) {
    tape->constants_ready = 0;
}

pdessm_tensor *pdessm_tape_gradient(pdessm_tape *tape, pdessm_tensor *tensor) {
    (void)tape;
    value *v = (value *)tensor;
    return v->gradient ? &v->gradient->tensor : NULL;
}

pdessm_tape_info pdessm_tape_get_info(const pdessm_tape *tape) {
    return tape->info;
}
