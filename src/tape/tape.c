/* SPDX-License-Identifier: MIT */
/* tape.c: recording and replaying a tape. */
#include "tape/tape.h"

#include <stdlib.h>
#include <string.h>

pdessm_status pdessm_graph_create(pdessm_device *device, pdessm_graph **ret) {
    pdessm_graph *g = NULL;
    pdessm_status status = pdessm_alloc(device->ctx, 1, sizeof *g, &g);
    if (status != PDESSM_OK)
        return status;
    g->device = device;
    g->ctx = device->ctx;
    *ret = g;
    return PDESSM_OK;
}

void pdessm_graph_destroy(pdessm_graph **graph) {
    pdessm_graph *g = *graph;
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
    *graph = NULL;
}

pdessm_tensor *pdessm_graph_fail(pdessm_graph *graph, pdessm_status status) {
    if (graph->status == PDESSM_OK)
        graph->status = status;
    return NULL;
}

value *pdessm_graph_value(pdessm_graph *graph, const pdessm_shape *shape) {
    value *v = NULL;
    if (graph->status != PDESSM_OK)
        return NULL;
    pdessm_status status = pdessm_alloc(graph->ctx, 1, sizeof *v, &v);
    if (status != PDESSM_OK) {
        pdessm_graph_fail(graph, status);
        return NULL;
    }
    v->tensor.dtype = shape->dtype;
    v->tensor.rank = shape->rank;
    memcpy(v->tensor.dims, shape->dims, sizeof v->tensor.dims);
    v->tensor.segments = 1;
    v->slice = -1;
    v->first = v->last = -1;
    v->next = graph->values;
    graph->values = v;
    return v;
}

value *pdessm_value_root(value *v) {
    while (v->parent)
        v = v->parent;
    return v;
}

pdessm_status pdessm_graph_append(pdessm_graph *graph, step_list *list, const step *item) {
    if (list->count == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 64;
        step *more = realloc(list->item, sizeof *more * (size_t)capacity);
        if (!more)
            return pdessm_fail(graph->ctx, PDESSM_ERROR_MEMORY, "out of memory: a tape of %d steps",
                               capacity);
        list->item = more;
        list->capacity = capacity;
    }
    list->item[list->count++] = *item;
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ leaves and views */

pdessm_tensor *pdessm_graph_input(pdessm_graph *graph, pdessm_dtype dtype, int rank,
                                  const int64_t *dims) {
    pdessm_shape shape = {.dtype = dtype, .rank = rank};
    memcpy(shape.dims, dims, sizeof *dims * (size_t)rank);
    value *v = pdessm_graph_value(graph, &shape);
    if (!v)
        return NULL;
    v->pinned = 1;
    return &v->tensor;
}

pdessm_tensor *pdessm_graph_parameter(pdessm_graph *graph, pdessm_tensor *parameter,
                                      pdessm_tensor *gradient) {
    pdessm_shape shape = {.dtype = parameter->dtype, .rank = parameter->rank};
    memcpy(shape.dims, parameter->dims, sizeof shape.dims);
    value *v = pdessm_graph_value(graph, &shape);
    value *dv = v && gradient ? pdessm_graph_value(graph, &shape) : NULL;
    if (graph->status != PDESSM_OK)
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

pdessm_tensor *pdessm_graph_external(pdessm_graph *graph, pdessm_tensor *tensor) {
    pdessm_tensor *t = pdessm_graph_parameter(graph, tensor, NULL);
    if (t)
        ((value *)t)->constant = 0;
    return t;
}

pdessm_tensor *pdessm_graph_output(pdessm_graph *graph, pdessm_tensor *tensor) {
    if (graph->status == PDESSM_OK)
        pdessm_value_root((value *)tensor)->pinned = 1;
    return tensor;
}

static value *view(pdessm_graph *graph, value *parent, const pdessm_shape *shape) {
    value *v = pdessm_graph_value(graph, shape);
    if (v) {
        v->parent = parent;
        v->wants_gradient = parent->wants_gradient;
        v->constant = parent->constant;
    }
    return v;
}

pdessm_tensor *pdessm_slice(pdessm_graph *graph, pdessm_tensor *x, int64_t index) {
    if (graph->status != PDESSM_OK)
        return NULL;
    value *parent = (value *)x;
    if (x->rank < 1 || index < 0 || index >= x->dims[0])
        return pdessm_graph_fail(graph, pdessm_fail(graph->ctx, PDESSM_ERROR_SHAPE,
                                                    "slice %lld of a tensor %s", (long long)index,
                                                    pdessm_tensor_shape(x).text));
    for (value *s = parent->slices; s; s = s->sibling)
        if (s->slice == index)
            return &s->tensor;
    pdessm_shape shape = {.dtype = x->dtype, .rank = x->rank - 1};
    memcpy(shape.dims, x->dims + 1, sizeof *x->dims * (size_t)shape.rank);
    value *v = view(graph, parent, &shape);
    if (!v)
        return NULL;
    v->slice = index;
    v->sibling = parent->slices;
    parent->slices = v;
    return &v->tensor;
}

pdessm_tensor *pdessm_reshape(pdessm_graph *graph, pdessm_tensor *x, int rank,
                              const int64_t *dims) {
    pdessm_shape shape = {.rank = rank};
    int64_t n = 1;
    if (graph->status != PDESSM_OK)
        return NULL;
    for (int i = 0; i < rank; i++)
        n *= shape.dims[i] = dims[i];
    if (n != pdessm_tensor_count(x))
        return pdessm_graph_fail(graph, pdessm_fail(graph->ctx, PDESSM_ERROR_SHAPE,
                                                    "a tensor %s cannot be seen as %lld elements",
                                                    pdessm_tensor_shape(x).text, (long long)n));
    shape.dtype = x->dtype;
    value *v = view(graph, (value *)x, &shape);
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

pdessm_tensor *pdessm_graph_apply(pdessm_graph *graph, pdessm_op op, pdessm_tensor **operands,
                                  const double *attributes) {
    const pdessm_op_row *row = pdessm_op_get(op);
    pdessm_shape shape[PDESSM_MAX_OPERANDS] = {0};
    step s = {.call = {.op = op, .pass = PDESSM_FORWARD}};
    pdessm_tensor *first = NULL;
    if (graph->status != PDESSM_OK)
        return NULL;
    for (int i = 0; row->letters[i]; i++)
        if (!pdessm_letter_is_output(row->letters[i]))
            s.call.operand[i] = operands[i];
    if (attributes)
        memcpy(s.call.attribute, attributes, sizeof s.call.attribute);
    pdessm_status status = row->descriptor->shapes(graph->ctx, &s.call, shape);
    if (status != PDESSM_OK)
        return pdessm_graph_fail(graph, status);
    for (int i = 0; row->letters[i]; i++) {
        if (!pdessm_letter_is_output(row->letters[i]))
            continue;
        value *v = pdessm_graph_value(graph, &shape[i]);
        if (!v)
            return NULL;
        inherit(v, row, &s.call);
        s.call.operand[i] = operands[i] = &v->tensor;
        first = first ? first : &v->tensor;
    }
    status = pdessm_check_call(graph->device, &s.call);
    if (status == PDESSM_OK)
        status = pdessm_graph_append(graph, &graph->forward, &s);
    return status == PDESSM_OK ? first : pdessm_graph_fail(graph, status);
}

/* ------------------------------------------------------------------ plan and replay */

/* Without a loss, steps that depend on parameters alone run once; their results stay in place. */
static void find_constants(pdessm_graph *g) {
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

static void add_cost(pdessm_graph *g, const step_list *list, double *flops, int *calls) {
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

pdessm_status pdessm_graph_plan(pdessm_graph *graph, pdessm_tensor *loss) {
    pdessm_status status = graph->status;
    if (status != PDESSM_OK)
        goto out;
    PDESSM_REQUIRE(graph->ctx, !graph->planned, PDESSM_ERROR_ARGUMENT,
                   "the graph is planned already");
    graph->loss = loss ? pdessm_value_root((value *)loss) : NULL; /* a view has no gradient */
    if (loss)
        PDESSM_TRY(pdessm_graph_derive(graph));
    else
        find_constants(graph);
    PDESSM_TRY(pdessm_graph_place(graph));
    add_cost(graph, &graph->forward, &graph->info.forward_flops, &graph->info.forward_calls);
    add_cost(graph, &graph->backward, &graph->info.backward_flops, &graph->info.backward_calls);
    graph->planned = 1;
    if (loss)
        PDESSM_TRY(pdessm_graph_set_loss_scale(graph, 1));
out:
    return status;
}

pdessm_status pdessm_graph_set_loss_scale(pdessm_graph *graph, double scale) {
    float value_of_scale = (float)scale;
    if (!graph->loss || !graph->loss->gradient)
        return pdessm_fail(graph->ctx, PDESSM_ERROR_ARGUMENT,
                           "the graph was planned without a loss");
    return pdessm_tensor_write(&graph->loss->gradient->tensor, &value_of_scale);
}

static pdessm_status replay(pdessm_graph *g, const step_list *list, int skip_constants) {
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

pdessm_status pdessm_graph_forward(pdessm_graph *graph) {
    if (!graph->planned)
        return pdessm_fail(graph->ctx, PDESSM_ERROR_ARGUMENT, "the graph is not planned yet");
    pdessm_status status = replay(graph, &graph->forward, graph->constants_ready);
    graph->constants_ready = status == PDESSM_OK;
    return status;
}

pdessm_status pdessm_graph_backward(pdessm_graph *graph) {
    if (!graph->planned || !graph->loss)
        return pdessm_fail(graph->ctx, PDESSM_ERROR_ARGUMENT,
                           "the graph was planned without a loss");
    return replay(graph, &graph->backward, 0);
}

void pdessm_graph_invalidate(pdessm_graph *graph) {
    graph->constants_ready = 0;
}

pdessm_tensor *pdessm_graph_gradient(pdessm_graph *graph, pdessm_tensor *tensor) {
    (void)graph;
    value *v = (value *)tensor;
    return v->gradient ? &v->gradient->tensor : NULL;
}

pdessm_graph_info pdessm_graph_get_info(const pdessm_graph *graph) {
    return graph->info;
}
