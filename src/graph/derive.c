/* SPDX-License-Identifier: MIT */
/* derive.c: the backward pass, derived from the forward tape in reverse.
 *
 * Who writes a gradient first overwrites it, who comes later adds; parameters' gradients always
 * add, because runs accumulate in them. An operator that passes the gradient of its output through
 * to an input unchanged (a residual's x) costs nothing: the input's gradient IS the output's, which
 * nobody else reads any more. */
#include "graph/graph.h"

static value *gradient_of(pdessm_graph *g, value *v);

/* The gradient of a view is the same view of the parent's gradient. */
static value *gradient_view(pdessm_graph *g, value *v) {
    value *parent = gradient_of(g, v->parent);
    if (!parent)
        return NULL;
    pdessm_tensor *t = v->slice >= 0
                           ? pdessm_slice(g, &parent->tensor, v->slice)
                           : pdessm_reshape(g, &parent->tensor, v->tensor.rank, v->tensor.dims);
    return (value *)t;
}

/* Creates it on demand; NULL when the graph has failed. */
static value *gradient_of(pdessm_graph *g, value *v) {
    if (v->gradient)
        return v->gradient;
    if (v->parent) {
        v->gradient = gradient_view(g, v);
    } else {
        pdessm_shape shape = {.dtype = v->tensor.dtype, .rank = v->tensor.rank};
        for (int i = 0; i < shape.rank; i++)
            shape.dims[i] = v->tensor.dims[i];
        v->gradient = pdessm_graph_value(g, &shape);
        if (v->gradient)
            v->gradient->pinned = v->pinned;
    }
    return v->gradient;
}

/* Has the whole of v, or a part of it, a gradient yet? */
static int has_gradient(const value *v) {
    if (v->external)
        return v->gradient != NULL;
    if (v->gradient_written)
        return 1;
    for (const value *s = v->slices; s; s = s->sibling)
        if (s->gradient_written)
            return 1;
    if (v->parent)
        return v->slice >= 0 ? v->parent->gradient_written : has_gradient(v->parent);
    return 0;
}

static pdessm_status zero_step(pdessm_graph *g, value *v) {
    value *gradient = gradient_of(g, v);
    return gradient ? pdessm_graph_append(g, &g->backward, &(step){.zero = &gradient->tensor})
                    : g->status;
}

/* Slices that nobody wrote are zero. */
static pdessm_status complete_slices(pdessm_graph *g, value *v) {
    pdessm_status status = PDESSM_OK;
    int64_t known = 0;
    for (value *s = v->slices; s; s = s->sibling, known++)
        if (!s->gradient_written) {
            PDESSM_TRY(zero_step(g, s));
            s->gradient_written = 1;
        }
    for (int64_t i = 0; known < v->tensor.dims[0] && i < v->tensor.dims[0]; i++) {
        value *s = (value *)pdessm_slice(g, &v->tensor, i);
        if (!s)
            return g->status;
        if (!s->gradient_written) {
            PDESSM_TRY(zero_step(g, s));
            s->gradient_written = 1;
        }
    }
out:
    return status;
}

/* Must the next writer of v's gradient add? Marks it as written. */
static pdessm_status claim(pdessm_graph *g, value *v, int *ret_adds) {
    if (v->external) {
        *ret_adds = 1;
        return PDESSM_OK;
    }
    if (v->parent && v->slice < 0)
        return claim(g, v->parent, ret_adds);
    if (v->parent) {
        *ret_adds = v->gradient_written || v->parent->gradient_written;
        v->gradient_written = 1;
        return PDESSM_OK;
    }
    pdessm_status status = PDESSM_OK;
    *ret_adds = has_gradient(v);
    if (*ret_adds && !v->gradient_written)
        PDESSM_TRY(complete_slices(g, v));
    v->gradient_written = 1;
out:
    return status;
}

/* Lets x's gradient be y's, if nobody has written to x's yet and both are whole values. */
static int pass_through(value *x, value *y) {
    if (x->external || x->gradient || x->parent || y->parent || x->pinned || y->pinned)
        return 0;
    x->gradient = y->gradient;
    x->gradient_written = 1;
    return 1;
}

/* The gradients that come in: those of the outputs, complete. */
static pdessm_status incoming(pdessm_graph *g, const char *letters, pdessm_call *back,
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
            PDESSM_TRY(zero_step(g, y));
        PDESSM_TRY(claim(g, y, &adds));
        value *gradient = gradient_of(g, y);
        if (!gradient)
            return g->status;
        back->gradient[i] = &gradient->tensor;
    }
out:
    return status;
}

/* The gradients that go out: those of the inputs which want one. */
static pdessm_status outgoing(pdessm_graph *g, const pdessm_op_row *row, pdessm_call *back,
                              int *ret_any) {
    pdessm_status status = PDESSM_OK;
    *ret_any = 0;
    for (int i = 0; row->letters[i]; i++) {
        value *x = (value *)back->operand[i];
        if (!x || pdessm_letter_is_output(row->letters[i]) || !x->wants_gradient ||
            !pdessm_letter_has_gradient(row->letters[i]))
            continue;
        int last = pdessm_op_operands(back->op) - 1;
        if (row->descriptor->pass_through == i + 1 && pass_through(x, (value *)back->operand[last]))
            continue;
        int adds = 0;
        PDESSM_TRY(claim(g, x, &adds));
        value *gradient = gradient_of(g, x);
        if (!gradient)
            return g->status;
        back->gradient[i] = &gradient->tensor;
        back->accumulate |= (unsigned)adds << i;
        *ret_any = 1;
    }
out:
    return status;
}

static pdessm_status derive_step(pdessm_graph *g, const pdessm_call *call) {
    pdessm_status status = PDESSM_OK;
    const pdessm_op_row *row = pdessm_op_get(call->op);
    step back = {.call = *call};
    int any = 0;
    if (!row->descriptor->host[PDESSM_BACKWARD])
        return status;
    back.call.pass = PDESSM_BACKWARD;
    PDESSM_TRY(incoming(g, row->letters, &back.call, &any));
    if (any)
        PDESSM_TRY(outgoing(g, row, &back.call, &any));
    if (any)
        PDESSM_TRY(pdessm_graph_append(g, &g->backward, &back));
out:
    return status;
}

pdessm_status pdessm_graph_derive(pdessm_graph *graph) {
    pdessm_status status = PDESSM_OK;
    value *loss = graph->loss;
    PDESSM_REQUIRE(graph->ctx, pdessm_tensor_count(&loss->tensor) == 1 && loss->wants_gradient,
                   PDESSM_ERROR_ARGUMENT,
                   "the loss is a tensor %s: expected one element that depends on parameters",
                   pdessm_tensor_shape(&loss->tensor).text);
    loss->pinned = 1;
    if (!gradient_of(graph, loss))
        return graph->status;
    loss->gradient_written = 1;
    for (int i = graph->forward.count - 1; i >= 0; i--)
        PDESSM_TRY(derive_step(graph, &graph->forward.item[i].call));
out:
    return status;
}
