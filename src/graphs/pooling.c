/* SPDX-License-Identifier: MIT */
/* pooling.c: orders of nodes, of which a level keeps the first. */
#include "graphs/pooling.h"

#include <stdlib.h>
#include <string.h>

#include "core/random.h"

struct pdessm_pooling_order {
    const pdessm_csr *csr; /* of the last draw */
    int64_t centres;
    int64_t count;     /* nodes that have a place in the order */
    int32_t *order;    /* [nodes] */
    int32_t *distance; /* [nodes] by place: edges from the centre; 0 unless a neighbourhood */
    uint8_t *mark;     /* [nodes], all 0 between calls */
    int64_t *place;    /* [nodes + 2] scratch */
    int32_t *by_rank;  /* [nodes] those of most edges first; within a degree, by number */
};

static int64_t degree(const pdessm_csr *csr, int64_t i) {
    return csr->start[i + 1] - csr->start[i];
}

/* Counting sort, most edges first. */
static void rank_by_degree(pdessm_pooling_order *o) {
    const pdessm_csr *csr = o->csr;
    int64_t *place = o->place, largest = 0;
    for (int64_t i = 0; i < csr->nodes; i++)
        largest = degree(csr, i) > largest ? degree(csr, i) : largest;
    memset(place, 0, sizeof *place * ((size_t)largest + 2));
    for (int64_t i = 0; i < csr->nodes; i++)
        place[largest - degree(csr, i) + 1]++;
    for (int64_t d = 0; d < largest; d++)
        place[d + 1] += place[d];
    for (int64_t i = 0; i < csr->nodes; i++)
        o->by_rank[place[largest - degree(csr, i)]++] = (int32_t)i;
}

pdessm_status pdessm_pooling_order_create(pdessm_context *ctx, int64_t nodes, int64_t centres,
                                          pdessm_pooling_order **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_pooling_order *o = NULL;
    const size_t n = (size_t)nodes;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *o, &o));
    o->centres = centres;
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *o->order, &o->order));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *o->distance, &o->distance));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *o->mark, &o->mark));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *o->by_rank, &o->by_rank));
    PDESSM_TRY(pdessm_alloc(ctx, n + 2, sizeof *o->place, &o->place));
    *ret = o;
    o = NULL;
out:
    pdessm_pooling_order_destroy(&o);
    return status;
}

void pdessm_pooling_order_destroy(pdessm_pooling_order **order) {
    pdessm_pooling_order *o = *order;
    if (!o)
        return;
    free(o->order);
    free(o->distance);
    free(o->mark);
    free(o->by_rank);
    free(o->place);
    free(o);
    *order = NULL;
}

static int64_t size_of_level(const pdessm_csr *csr, int level) {
    int64_t size = level < 62 ? csr->nodes >> level : 0;
    return size > 0 ? size : 1;
}

/* ------------------------------------------------------------------ drawing */

static int64_t below(const pdessm_draw *draw, int64_t index, int64_t n) {
    return pdessm_below(draw->seed, PDESSM_RANDOM_SELECT, draw->step, draw->index, index,
                        (uint64_t)n);
}

/* Random order of order[begin, end), as far as place `until`. */
static void shuffle(int32_t *order, int64_t begin, int64_t until, int64_t end,
                    const pdessm_draw *draw) {
    for (int64_t i = begin; i < until && i < end; i++) {
        int64_t j = i + below(draw, i, end - i);
        int32_t other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}

static void draw_random(pdessm_pooling_order *o, int64_t size, const pdessm_draw *draw) {
    for (int64_t i = 0; i < o->csr->nodes; i++)
        o->order[i] = (int32_t)i;
    shuffle(o->order, 0, size, o->csr->nodes, draw);
    o->count = size;
}

/* Nodes of equally many edges come in random order. */
static void draw_topk(pdessm_pooling_order *o, int64_t size, const pdessm_draw *draw) {
    const int64_t n = o->csr->nodes;
    rank_by_degree(o);
    memcpy(o->order, o->by_rank, sizeof *o->order * (size_t)n);
    for (int64_t begin = 0, end; begin < size; begin = end) {
        for (end = begin + 1;
             end < n && degree(o->csr, o->by_rank[end]) == degree(o->csr, o->by_rank[begin]); end++)
            ;
        shuffle(o->order, begin, size, end, draw);
    }
    o->count = size;
}

static int64_t add_unmarked(pdessm_pooling_order *o, int64_t count, int32_t node,
                            int32_t distance) {
    if (o->mark[node])
        return count;
    o->mark[node] = 1;
    o->distance[count] = distance;
    o->order[count] = node;
    return count + 1;
}

/* Breadth first from random nodes. */
static void draw_neighbourhood(pdessm_pooling_order *o, int64_t size, const pdessm_draw *draw) {
    const pdessm_csr *csr = o->csr;
    int64_t filled = 0;
    for (int64_t k = 0; k < o->centres && filled < size; k++)
        filled = add_unmarked(o, filled, (int32_t)below(draw, k, csr->nodes), 0);
    for (int64_t k = 0; k < filled; k++)
        for (int32_t e = csr->start[o->order[k]]; e < csr->start[o->order[k] + 1]; e++)
            if (filled < size)
                filled = add_unmarked(o, filled, csr->column[e], o->distance[k] + 1);
    for (int64_t k = 0; k < filled; k++)
        o->mark[o->order[k]] = 0;
    o->count = filled;
}

void pdessm_pooling_order_draw(pdessm_pooling_order *order, const pdessm_csr *csr,
                               pdessm_pooling pooling, int finest, const pdessm_draw *draw) {
    const int64_t size = size_of_level(csr, finest);
    order->csr = csr;
    if (pooling == PDESSM_POOLING_RNS)
        pooling = draw->step % 2 ? PDESSM_POOLING_SUBGRAPH : PDESSM_POOLING_RANDOM;
    if (pooling == PDESSM_POOLING_SUBGRAPH) {
        draw_neighbourhood(order, size, draw);
        return;
    }
    memset(order->distance, 0, sizeof *order->distance * (size_t)order->csr->nodes);
    if (pooling == PDESSM_POOLING_TOPK)
        draw_topk(order, size, draw);
    else
        draw_random(order, size, draw);
}

/* ------------------------------------------------------------------ levels */

static int32_t reach(int level) {
    return level == 1 ? 6 : level == 2 ? 4 : 2;
}

int64_t pdessm_pooling_order_level(pdessm_pooling_order *order, int level, int32_t *ret_chosen) {
    const int64_t n = order->csr->nodes, size = size_of_level(order->csr, level);
    int64_t count = 0;
    for (int64_t k = 0; level > 0 && k < size && k < order->count; k++)
        order->mark[order->order[k]] = order->distance[k] <= reach(level);
    for (int64_t i = 0; i < n; i++) {
        if (level == 0 || order->mark[i])
            ret_chosen[count++] = (int32_t)i;
        order->mark[i] = 0;
    }
    return count;
}
