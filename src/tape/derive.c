/* SPDX-License-Identifier: MIT */
/* derive.c: the backward pass, derived from the forward tape in reverse.
 *
 * Who writes a gradient first overwrites it, who comes later adds; parameters' gradients always
 * add, because runs accumulate in them. An operator that passes the gradient of its output through
 * to an input unchanged (a residual's x) costs nothing: the input's gradient IS the output's, which
 * nobody else reads any more. */
#include "tape/tape.h"

static value *gradient_of(pdessm_tape *tape, value *v);

/* The gradient of a view is the same view of the parent's gradient. */
static value *gradient_view(pdessm_tape *tape, value *v) {
    value *parent = gradient_of(tape, v->parent);
    if (!parent)
        return NULL;
    pdessm_tensor *t = v->slice >= 0
                           ? pdessm_slice(tape, &parent->tensor, v->slice)
                           : pdessm_reshape(tape, &parent->tensor, v->tensor.rank, v->tensor.dims);
    return (value *)t;
}

/* Creates it on demand; NULL when the tape has failed. */
static value *gradient_of(pdessm_tape *tape, value *v) {
    if (v->gradient)
        return v->gradient;
    if (v->parent) {
        v->gradient = gradient_view(tape, v);
    } else {
        pdessm_shape shape = {.dtype = v->tensor.dtype, .rank = v->tensor.rank};
        for (int i = 0; i < shape.rank; i++)
            shape.dims[i] = v->tensor.dims[i];
        v->gradient = pdessm_tape_value(tape, &shape);
        if (v->gradient)
            v->gradient->pinned = v->pinned;
    }
    return v->gradient;
}

/* What a chain of reshapes looks at: a root, or a slice of something. */
static value *base_of(value *v) {
    while (v->parent && v->slice < 0)
        v = v->parent;
    return v;
}

/* Has somebody written to the gradient of v or to a part of it? v is a base. */
static int is_touched(const value *v) {
    int touched = v->gradient_written;
    for (const value *s = v->slices; !touched && s; s = s->sibling)
        touched = is_touched(s);
    return touched;
}

/* Is the whole gradient of v there, as its own or as part of a larger one? v is a base. */
static int is_whole(value *v) {
    for (; v->parent; v = base_of(v->parent))
        if (v->gradient_written)
            return 1;
    return v->external || v->gradient_written;
}

/* Has the whole of v, or a part of it, a gradient yet? */
static int has_gradient(value *v) {
    v = base_of(v);
    return v->external ? v->gradient != NULL : is_whole(v) || is_touched(v);
}

static pdessm_status zero_step(pdessm_tape *tape, value *v) {
    value *gradient = gradient_of(tape, v);
    return gradient ? pdessm_tape_append(tape, &tape->backward, &(step){.zero = &gradient->tensor})
                    : tape->status;
}

static pdessm_status complete(pdessm_tape *tape, value *v);

/* What nobody wrote to in slice i of v is zero. */
static pdessm_status complete_slice(pdessm_tape *tape, value *v, int64_t i) {
    value *s = (value *)pdessm_slice(tape, &v->tensor, i);
    return s ? complete(tape, s) : tape->status;
}

/* What nobody wrote to in v is zero: v's gradient is whole after this. v is a base. */
static pdessm_status complete(pdessm_tape *tape, value *v) {
    pdessm_status status = PDESSM_OK;
    if (v->gradient_written)
        return status;
    if (!is_touched(v))
        PDESSM_TRY(zero_step(tape, v));
    else
        for (int64_t i = 0; i < v->tensor.dims[0]; i++)
            PDESSM_TRY(complete_slice(tape, v, i));
    v->gradient_written = 1;
out:
    return status;
}

/* Must the next writer of v's gradient add? Marks it as written. */
static pdessm_status claim(pdessm_tape *tape, value *v, int *ret_adds) {
    pdessm_status status = PDESSM_OK;
    v = base_of(v);
    /* A slice of a reshape lies across the slices of its base, which becomes whole first. */
    if (v->parent && v->parent != base_of(v->parent) && !is_whole(v))
        PDESSM_TRY(complete(tape, base_of(v->parent)));
    *ret_adds = is_whole(v) || is_touched(v);
    if (!is_whole(v) && is_touched(v))
        PDESSM_TRY(complete(tape, v));
    if (!v->external)
        v->gradient_written = 1;
out:
    return status;
}

/* Lets the gradient of operand i be that of the output y, if nobody has written to it yet, both are
 * whole values, and no other operand is the same tensor: its part would be added to y's gradient
 * while that is still read. */
static int pass_through(const pdessm_call *call, int i, value *y) {
    value *x = (value *)call->operand[i];
    if (x->external || x->gradient || x->parent || y->parent || x->pinned || y->pinned)
        return 0;
    for (int k = 0; k < PDESSM_MAX_OPERANDS; k++)
        if (k != i && call->operand[k] && pdessm_value_root((value *)call->operand[k]) == x)
            return 0;
    x->gradient = y->gradient;
    x->gradient_written = 1;
    return 1;
}

/* The gradients that come in: those of the outputs, complete. */
static pdessm_status incoming(pdessm_tape *tape, const char *letters, pdessm_call *back,
                              int *ret_any) {
    pdessm_status status = PDESSM_OK;
    *ret_any = 0;
    for (int i = 0; letters[i]; i++)
        *ret_any |=
            (letters[i] == 'w' || letters[i] == 'W') && has_gradient((value *)back->operand[i]);
    for (int i = 0; *ret_any && letters[i]; i++) {
        if (letters[i] != 'w' && letters[i] != 'W')
            continue;
        value *y = (value *)back->operand[i];
        int adds = 0;
        if (!has_gradient(y))
            PDESSM_TRY(zero_step(tape, y));
        PDESSM_TRY(claim(tape, y, &adds));
        value *gradient = gradient_of(tape, y);
        if (!gradient)
            return tape->status;
        back->gradient[i] = &gradient->tensor;
    }
out:
    return status;
}

/* The gradients that go out: those of the inputs which want one. */
static pdessm_status outgoing(pdessm_tape *tape, const pdessm_op_row *row, pdessm_call *back,
                              int *ret_any) {
    pdessm_status status = PDESSM_OK;
    *ret_any = 0;
    for (int i = 0; row->letters[i]; i++) {
        value *x = (value *)back->operand[i];
        if (!x || pdessm_letter_is_output(row->letters[i]) || !x->wants_gradient ||
            !pdessm_letter_has_gradient(row->letters[i]))
            continue;
        int last = pdessm_op_operands(back->op) - 1;
        if (row->descriptor->pass_through == i + 1 &&
            pass_through(back, i, (value *)back->operand[last]))
            continue;
        int adds = 0;
        PDESSM_TRY(claim(tape, x, &adds));
        value *gradient = gradient_of(tape, x);
        if (!gradient)
            return tape->status;
        back->gradient[i] = &gradient->tensor;
        back->accumulate |= (unsigned)adds << i;
        *ret_any = 1;
    }
out:
    return status;
}

static pdessm_status derive_step(pdessm_tape *tape, const pdessm_call *call) {
    pdessm_status status = PDESSM_OK;
    const pdessm_op_row *row = pdessm_op_get(call->op);
    step back = {.call = *call};
    int any = 0;
    if (!row->descriptor->host[PDESSM_BACKWARD])
        return status;
    back.call.pass = PDESSM_BACKWARD;
    PDESSM_TRY(incoming(tape, row->letters, &back.call, &any));
    if (any)
        PDESSM_TRY(outgoing(tape, row, &back.call, &any));
    if (any)
        PDESSM_TRY(pdessm_tape_append(tape, &tape->backward, &back));
out:
    return status;
}

pdessm_status pdessm_tape_derive(pdessm_tape *tape) {
    pdessm_status status = PDESSM_OK;
    value *loss = tape->loss;
    PDESSM_REQUIRE(tape->ctx, pdessm_tensor_count(&loss->tensor) == 1 && loss->wants_gradient,
                   PDESSM_ERROR_ARGUMENT,
                   "the loss is a tensor %s, or a part of it: expected one element that depends on "
                   "parameters, such as an operator's output [1]",
                   pdessm_tensor_shape(&loss->tensor).text);
    loss->pinned = 1;
    if (!gradient_of(tape, loss))
        return tape->status;
    loss->gradient_written = 1;
    for (int i = tape->forward.count - 1; i >= 0; i--)
        PDESSM_TRY(derive_step(tape, &tape->forward.item[i].call));
out:
    return status;
}
