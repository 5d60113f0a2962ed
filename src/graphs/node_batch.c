/* SPDX-License-Identifier: MIT */
/* node_batch.c: batches of graphs, and of nodes with neighbours. */
#include "graphs/node_batch.h"

#include <stdlib.h>

#include "core/random.h"

/* ------------------------------------------------------------------ making */

static int graph_has(const pdessm_node_set *s, int64_t graph, int training) {
    for (int32_t i = s->first[graph]; i < s->first[graph + 1]; i++)
        if (training ? s->split[i] == PDESSM_NODES_TRAIN
                     : s->split[i] == PDESSM_NODES_VALIDATION || s->split[i] == PDESSM_NODES_TEST)
            return 1;
    return 0;
}

static int is_unit(const pdessm_node_set *s, int64_t i) {
    return s->graphs > 1 ? graph_has(s, i, 1) : s->split[i] == PDESSM_NODES_TRAIN;
}

static void find_units(pdessm_node_batch *b) {
    const int64_t most = b->set->graphs > 1 ? b->set->graphs : b->set->csr.nodes;
    for (int64_t i = 0; i < most; i++)
        if (is_unit(b->set, i))
            b->unit[b->units++] = (int32_t)i;
}

static int falling(const void *a, const void *b) {
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x < y) - (x > y);
}

/* Nodes of the `batch` largest graphs; or of a batch of nodes that all have enough neighbours. */
static pdessm_status find_most(pdessm_context *ctx, pdessm_node_batch *b) {
    pdessm_status status = PDESSM_OK;
    const pdessm_node_set *s = b->set;
    int32_t *size = NULL;
    int64_t spread = 1;
    b->most_nodes = 0;
    if (s->graphs == 1) {
        for (int hop = 0; hop < PDESSM_NODE_BATCH_HOPS; hop++)
            spread = 1 + PDESSM_NODE_BATCH_FAN_OUT * spread;
        b->most_nodes = b->batch < s->csr.nodes / spread ? b->batch * spread : s->csr.nodes;
        goto out;
    }
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)b->units, sizeof *size, &size));
    for (int64_t k = 0; k < b->units; k++)
        size[k] = s->first[b->unit[k] + 1] - s->first[b->unit[k]];
    qsort(size, (size_t)b->units, sizeof *size, falling);
    for (int64_t k = 0; k < b->batch; k++)
        b->most_nodes += size[k];
out:
    free(size);
    return status;
}

static pdessm_status make(pdessm_context *ctx, const pdessm_node_set *set,
                          pdessm_node_batch **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_node_batch *b = NULL;
    const size_t n = (size_t)set->csr.nodes;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *b, &b));
    b->set = set;
    b->csr = &set->csr;
    b->most_nodes = set->csr.nodes;
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *b->node, &b->node));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *b->label, &b->label));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *b->index, &b->index));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *b->unit, &b->unit));
    for (int64_t i = 0; i < set->csr.nodes; i++) {
        b->index[i] = -1;
        b->node[i] = (int32_t)i;
        b->label[i] = set->split[i] == PDESSM_NODES_TRAIN ? set->label[i] : -1;
    }
    find_units(b);
    *ret = b;
    b = NULL;
out:
    pdessm_node_batch_destroy(&b);
    return status;
}

pdessm_status pdessm_node_batch_create(pdessm_context *ctx, const pdessm_node_set *set,
                                       int64_t batch, pdessm_node_batch **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_node_batch *b = NULL;
    PDESSM_TRY(make(ctx, set, &b));
    PDESSM_REQUIRE(ctx, batch >= 0 && batch <= b->units, PDESSM_ERROR_ARGUMENT,
                   "a batch of %lld: the graph has %lld training %s", (long long)batch,
                   (long long)b->units, set->graphs > 1 ? "graphs" : "nodes");
    if (batch > 0) {
        b->batch = batch;
        PDESSM_TRY(find_most(ctx, b));
        PDESSM_TRY(pdessm_csr_reserve(ctx, b->most_nodes, set->csr.edges, &b->part));
        b->csr = &b->part;
    }
    *ret = b;
    b = NULL;
out:
    pdessm_node_batch_destroy(&b);
    return status;
}

void pdessm_node_batch_destroy(pdessm_node_batch **batch) {
    pdessm_node_batch *b = *batch;
    if (!b)
        return;
    pdessm_csr_release(&b->part);
    free(b->node);
    free(b->label);
    free(b->index);
    free(b->unit);
    free(b);
    *batch = NULL;
}

int pdessm_node_batch_is_whole(const pdessm_node_batch *batch) {
    return batch->csr == &batch->set->csr;
}

/* ------------------------------------------------------------------ drawing */

static int64_t add_graph(pdessm_node_batch *b, int64_t count, int64_t graph) {
    for (int32_t i = b->set->first[graph]; i < b->set->first[graph + 1]; i++)
        b->node[count++] = i;
    return count;
}

static pdessm_status cut_held_out(pdessm_context *ctx, pdessm_node_batch *b) {
    pdessm_status status = PDESSM_OK;
    const pdessm_node_set *s = b->set;
    int64_t count = 0;
    for (int64_t g = 0; g < s->graphs; g++)
        if (graph_has(s, g, 0))
            count = add_graph(b, count, g);
    if (count < s->csr.nodes) {
        PDESSM_TRY(pdessm_csr_reserve(ctx, count, s->csr.edges, &b->part));
        pdessm_csr_select(&s->csr, count, b->node, b->index, &b->part);
        b->csr = &b->part;
        b->most_nodes = count;
    }
out:
    return status;
}

pdessm_status pdessm_node_batch_create_held_out(pdessm_context *ctx, const pdessm_node_set *set,
                                                pdessm_node_batch **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_node_batch *b = NULL;
    PDESSM_TRY(make(ctx, set, &b));
    for (int64_t i = 0; i < set->csr.nodes; i++)
        b->label[i] = -1;
    PDESSM_TRY(cut_held_out(ctx, b));
    *ret = b;
    b = NULL;
out:
    pdessm_node_batch_destroy(&b);
    return status;
}

/* Numbers of a separate stream: pooling takes the others of the same draw. */
static int64_t below(const pdessm_draw *draw, int64_t index, int64_t n) {
    return pdessm_below(draw->seed, PDESSM_RANDOM_ORDER, draw->step, draw->index, index,
                        (uint64_t)n);
}

/* The first `batch` places of b->unit become different units at random. */
static void draw_units(pdessm_node_batch *b, const pdessm_draw *draw) {
    for (int64_t i = 0; i < b->batch; i++) {
        const int64_t j = i + below(draw, i, b->units - i);
        const int32_t other = b->unit[j];
        b->unit[j] = b->unit[i];
        b->unit[i] = other;
    }
}

static int64_t add_neighbour(pdessm_node_batch *b, int64_t count, int32_t node) {
    if (b->index[node] >= 0)
        return count;
    b->index[node] = 0;
    b->node[count] = node;
    return count + 1;
}

/* All neighbours of a node, or some at random, each in a part of its edges, so that all differ. */
static int64_t add_neighbours(pdessm_node_batch *b, int64_t count, int32_t node,
                              const pdessm_draw *draw) {
    const pdessm_csr *csr = &b->set->csr;
    const int32_t begin = csr->start[node], edges = csr->start[node + 1] - begin;
    if (edges <= PDESSM_NODE_BATCH_FAN_OUT + 1) { /* the loop is one of them */
        for (int32_t e = begin; e < begin + edges; e++)
            count = add_neighbour(b, count, csr->column[e]);
        return count;
    }
    for (int32_t k = 0; k < PDESSM_NODE_BATCH_FAN_OUT; k++) {
        const int64_t from = (int64_t)edges * k / PDESSM_NODE_BATCH_FAN_OUT;
        const int64_t to = (int64_t)edges * (k + 1) / PDESSM_NODE_BATCH_FAN_OUT;
        const int64_t number = b->batch + (int64_t)node * PDESSM_NODE_BATCH_FAN_OUT + k;
        count = add_neighbour(b, count, csr->column[begin + from + below(draw, number, to - from)]);
    }
    return count;
}

static int rising(const void *a, const void *b) {
    return falling(b, a);
}

/* The batch and its neighbours, neighbours' neighbours, .. */
static int64_t draw_nodes(pdessm_node_batch *b, const pdessm_draw *draw) {
    int64_t count = 0, begin = 0;
    for (int64_t k = 0; k < b->batch; k++)
        count = add_neighbour(b, count, b->unit[k]);
    for (int hop = 0; hop < PDESSM_NODE_BATCH_HOPS; hop++) {
        const int64_t end = count;
        for (; begin < end; begin++)
            count = add_neighbours(b, count, b->node[begin], draw);
    }
    for (int64_t r = 0; r < count; r++)
        b->index[b->node[r]] = -1;
    return count;
}

void pdessm_node_batch_draw(pdessm_node_batch *batch, const pdessm_draw *draw) {
    pdessm_node_batch *b = batch;
    const pdessm_node_set *s = b->set;
    int64_t count = 0;
    if (b->batch == 0)
        return;
    draw_units(b, draw);
    if (s->graphs == 1)
        count = draw_nodes(b, draw);
    else
        for (int64_t k = 0; k < b->batch; k++)
            count = add_graph(b, count, b->unit[k]);
    qsort(b->node, (size_t)count, sizeof *b->node, rising);
    pdessm_csr_select(&s->csr, count, b->node, b->index, &b->part);
    for (int64_t k = 0; s->graphs == 1 && k < b->batch; k++)
        b->index[b->unit[k]] = 0;
    for (int64_t r = 0; r < count; r++) {
        const int32_t i = b->node[r];
        const int counts = s->graphs > 1 ? s->split[i] == PDESSM_NODES_TRAIN : b->index[i] == 0;
        b->label[r] = counts ? s->label[i] : -1;
        b->index[i] = -1;
    }
}
