/* SPDX-License-Identifier: MIT */
/* node_batch.c: batches of graphs, and of nodes with neighbours. */
#include "graphs/node_batch.h"

#include <stdlib.h>

#include "core/random.h"

/* ------------------------------------------------------------------ making */

static int graph_has(const pdessm_node_set *s, int64_t graph, int training) {
    for (int32_t i = s->first[graph]; i < s->first[graph + 1]; i++)
        if (training ? s->part[i] == PDESSM_NODES_TRAIN
                     : s->part[i] == PDESSM_NODES_VALIDATION || s->part[i] == PDESSM_NODES_TEST)
            return 1;
    return 0;
}

static int is_unit(const pdessm_node_set *s, int64_t i) {
    return s->graphs > 1 ? graph_has(s, i, 1) : s->part[i] == PDESSM_NODES_TRAIN;
}

static void find_units(pdessm_field *f) {
    const int64_t most = f->set->graphs > 1 ? f->set->graphs : f->set->csr.nodes;
    for (int64_t i = 0; i < most; i++)
        if (is_unit(f->set, i))
            f->unit[f->units++] = (int32_t)i;
}

static int falling(const void *a, const void *b) {
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x < y) - (x > y);
}

/* Nodes of the `batch` largest graphs; or of a batch of nodes that all have enough neighbours. */
static pdessm_status find_most(pdessm_context *ctx, pdessm_field *f) {
    pdessm_status status = PDESSM_OK;
    const pdessm_node_set *s = f->set;
    int32_t *size = NULL;
    int64_t spread = 1;
    f->most_nodes = 0;
    if (s->graphs == 1) {
        for (int hop = 0; hop < PDESSM_FIELD_HOPS; hop++)
            spread = 1 + PDESSM_FIELD_FAN_OUT * spread;
        f->most_nodes = f->batch < s->csr.nodes / spread ? f->batch * spread : s->csr.nodes;
        goto out;
    }
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)f->units, sizeof *size, &size));
    for (int64_t k = 0; k < f->units; k++)
        size[k] = s->first[f->unit[k] + 1] - s->first[f->unit[k]];
    qsort(size, (size_t)f->units, sizeof *size, falling);
    for (int64_t k = 0; k < f->batch; k++)
        f->most_nodes += size[k];
out:
    free(size);
    return status;
}

static pdessm_status make(pdessm_context *ctx, const pdessm_node_set *set, pdessm_field **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_field *f = NULL;
    const size_t n = (size_t)set->csr.nodes;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *f, &f));
    f->set = set;
    f->csr = &set->csr;
    f->most_nodes = set->csr.nodes;
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *f->node, &f->node));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *f->label, &f->label));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *f->index, &f->index));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *f->unit, &f->unit));
    for (int64_t i = 0; i < set->csr.nodes; i++) {
        f->index[i] = -1;
        f->node[i] = (int32_t)i;
        f->label[i] = set->part[i] == PDESSM_NODES_TRAIN ? set->label[i] : -1;
    }
    find_units(f);
    *ret = f;
    f = NULL;
out:
    pdessm_field_destroy(&f);
    return status;
}

pdessm_status pdessm_field_create(pdessm_context *ctx, const pdessm_node_set *set, int64_t batch,
                                  pdessm_field **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_field *f = NULL;
    PDESSM_TRY(make(ctx, set, &f));
    PDESSM_REQUIRE(ctx, batch >= 0 && batch <= f->units, PDESSM_ERROR_ARGUMENT,
                   "a batch of %lld: the graph has %lld training %s", (long long)batch,
                   (long long)f->units, set->graphs > 1 ? "graphs" : "nodes");
    if (batch > 0) {
        f->batch = batch;
        PDESSM_TRY(find_most(ctx, f));
        PDESSM_TRY(pdessm_csr_reserve(ctx, f->most_nodes, set->csr.edges, &f->part));
        f->csr = &f->part;
    }
    *ret = f;
    f = NULL;
out:
    pdessm_field_destroy(&f);
    return status;
}

void pdessm_field_destroy(pdessm_field **field) {
    pdessm_field *f = *field;
    if (!f)
        return;
    pdessm_csr_release(&f->part);
    free(f->node);
    free(f->label);
    free(f->index);
    free(f->unit);
    free(f);
    *field = NULL;
}

int pdessm_field_is_whole(const pdessm_field *field) {
    return field->csr == &field->set->csr;
}

/* ------------------------------------------------------------------ drawing */

static int64_t add_graph(pdessm_field *f, int64_t count, int64_t graph) {
    for (int32_t i = f->set->first[graph]; i < f->set->first[graph + 1]; i++)
        f->node[count++] = i;
    return count;
}

static pdessm_status cut_held_out(pdessm_context *ctx, pdessm_field *f) {
    pdessm_status status = PDESSM_OK;
    const pdessm_node_set *s = f->set;
    int64_t count = 0;
    for (int64_t g = 0; g < s->graphs; g++)
        if (graph_has(s, g, 0))
            count = add_graph(f, count, g);
    if (count < s->csr.nodes) {
        PDESSM_TRY(pdessm_csr_reserve(ctx, count, s->csr.edges, &f->part));
        pdessm_csr_select(&s->csr, count, f->node, f->index, &f->part);
        f->csr = &f->part;
        f->most_nodes = count;
    }
out:
    return status;
}

pdessm_status pdessm_field_create_held_out(pdessm_context *ctx, const pdessm_node_set *set,
                                           pdessm_field **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_field *f = NULL;
    PDESSM_TRY(make(ctx, set, &f));
    for (int64_t i = 0; i < set->csr.nodes; i++)
        f->label[i] = -1;
    PDESSM_TRY(cut_held_out(ctx, f));
    *ret = f;
    f = NULL;
out:
    pdessm_field_destroy(&f);
    return status;
}

/* Numbers of a stream of its own: pooling takes the others of the same draw. */
static int64_t below(const pdessm_draw *draw, int64_t index, int64_t n) {
    return pdessm_below(draw->seed, PDESSM_RANDOM_ORDER, draw->step, draw->index, index,
                        (uint64_t)n);
}

/* The first `batch` places of f->unit become different units at random. */
static void draw_units(pdessm_field *f, const pdessm_draw *draw) {
    for (int64_t i = 0; i < f->batch; i++) {
        const int64_t j = i + below(draw, i, f->units - i);
        const int32_t other = f->unit[j];
        f->unit[j] = f->unit[i];
        f->unit[i] = other;
    }
}

static int64_t add_neighbour(pdessm_field *f, int64_t count, int32_t node) {
    if (f->index[node] >= 0)
        return count;
    f->index[node] = 0;
    f->node[count] = node;
    return count + 1;
}

/* All neighbours of a node, or some at random, each in a part of its edges, so that all differ. */
static int64_t add_neighbours(pdessm_field *f, int64_t count, int32_t node,
                              const pdessm_draw *draw) {
    const pdessm_csr *csr = &f->set->csr;
    const int32_t begin = csr->start[node], edges = csr->start[node + 1] - begin;
    if (edges <= PDESSM_FIELD_FAN_OUT + 1) { /* the loop is one of them */
        for (int32_t e = begin; e < begin + edges; e++)
            count = add_neighbour(f, count, csr->column[e]);
        return count;
    }
    for (int32_t k = 0; k < PDESSM_FIELD_FAN_OUT; k++) {
        const int64_t from = (int64_t)edges * k / PDESSM_FIELD_FAN_OUT;
        const int64_t to = (int64_t)edges * (k + 1) / PDESSM_FIELD_FAN_OUT;
        const int64_t number = f->batch + (int64_t)node * PDESSM_FIELD_FAN_OUT + k;
        count = add_neighbour(f, count, csr->column[begin + from + below(draw, number, to - from)]);
    }
    return count;
}

static int rising(const void *a, const void *b) {
    return falling(b, a);
}

/* The batch and its neighbours, neighbours' neighbours, .. */
static int64_t draw_nodes(pdessm_field *f, const pdessm_draw *draw) {
    int64_t count = 0, begin = 0;
    for (int64_t k = 0; k < f->batch; k++)
        count = add_neighbour(f, count, f->unit[k]);
    for (int hop = 0; hop < PDESSM_FIELD_HOPS; hop++) {
        const int64_t end = count;
        for (; begin < end; begin++)
            count = add_neighbours(f, count, f->node[begin], draw);
    }
    for (int64_t r = 0; r < count; r++)
        f->index[f->node[r]] = -1;
    return count;
}

void pdessm_field_draw(pdessm_field *field, const pdessm_draw *draw) {
    pdessm_field *f = field;
    const pdessm_node_set *s = f->set;
    int64_t count = 0;
    if (f->batch == 0)
        return;
    draw_units(f, draw);
    if (s->graphs == 1)
        count = draw_nodes(f, draw);
    else
        for (int64_t k = 0; k < f->batch; k++)
            count = add_graph(f, count, f->unit[k]);
    qsort(f->node, (size_t)count, sizeof *f->node, rising);
    pdessm_csr_select(&s->csr, count, f->node, f->index, &f->part);
    for (int64_t k = 0; s->graphs == 1 && k < f->batch; k++)
        f->index[f->unit[k]] = 0;
    for (int64_t r = 0; r < count; r++) {
        const int32_t i = f->node[r];
        const int counts = s->graphs > 1 ? s->part[i] == PDESSM_NODES_TRAIN : f->index[i] == 0;
        f->label[r] = counts ? s->label[i] : -1;
        f->index[i] = -1;
    }
}
