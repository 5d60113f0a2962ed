/* SPDX-License-Identifier: MIT */
/* pooling.c: orders of nodes, of which a level keeps the first. */
#include "drivers/pooling.h"

#include <stdlib.h>
#include <string.h>

#include "core/random.h"

struct pdessm_pool_order {
    const pdessm_csr *csr;
    int64_t count;     /* nodes that have a place in the order */
    int32_t *order;    /* [nodes] */
    int32_t *distance; /* [nodes] by place: edges from the centre; 0 unless a neighbourhood */
    uint8_t *mark;     /* [nodes], all 0 between calls */
    int32_t *by_rank; /* [nodes] those of most edges first; within a degree, as they are numbered */
};

static int64_t degree(const pdessm_csr *csr, int64_t i) {
    return csr->start[i + 1] - csr->start[i];
}

/* Counting sort, most edges first. */
static pdessm_status rank_by_degree(pdessm_context *ctx, pdessm_pool_order *o) {
    pdessm_status status = PDESSM_OK;
    const pdessm_csr *csr = o->csr;
    int64_t largest = 0, *place = NULL;
    for (int64_t i = 0; i < csr->nodes; i++)
        largest = degree(csr, i) > largest ? degree(csr, i) : largest;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)largest + 2, sizeof *place, &place));
    for (int64_t i = 0; i < csr->nodes; i++)
        place[largest - degree(csr, i) + 1]++;
    for (int64_t d = 0; d < largest; d++)
        place[d + 1] += place[d];
    for (int64_t i = 0; i < csr->nodes; i++)
        o->by_rank[place[largest - degree(csr, i)]++] = (int32_t)i;
out:
    free(place);
    return status;
}

pdessm_status pdessm_pool_order_create(pdessm_context *ctx, const pdessm_csr *csr,
                                       pdessm_pool_order **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_pool_order *o = NULL;
    const size_t n = (size_t)csr->nodes;
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *o, &o));
    o->csr = csr;
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *o->order, &o->order));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *o->distance, &o->distance));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *o->mark, &o->mark));
    PDESSM_TRY(pdessm_alloc(ctx, n, sizeof *o->by_rank, &o->by_rank));
    PDESSM_TRY(rank_by_degree(ctx, o));
    *ret = o;
    o = NULL;
out:
    pdessm_pool_order_destroy(&o);
    return status;
}

void pdessm_pool_order_destroy(pdessm_pool_order **order) {
    pdessm_pool_order *o = *order;
    if (!o)
        return;
    free(o->order);
    free(o->distance);
    free(o->mark);
    free(o->by_rank);
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

static void draw_random(pdessm_pool_order *o, int64_t size, const pdessm_draw *draw) {
    for (int64_t i = 0; i < o->csr->nodes; i++)
        o->order[i] = (int32_t)i;
    shuffle(o->order, 0, size, o->csr->nodes, draw);
    o->count = size;
}

/* Nodes of equally many edges come in random order. */
static void draw_topk(pdessm_pool_order *o, int64_t size, const pdessm_draw *draw) {
    const int64_t n = o->csr->nodes;
    memcpy(o->order, o->by_rank, sizeof *o->order * (size_t)n);
    for (int64_t begin = 0, end; begin < size; begin = end) {
        for (end = begin + 1;
             end < n && degree(o->csr, o->by_rank[end]) == degree(o->csr, o->by_rank[begin]); end++)
            ;
        shuffle(o->order, begin, size, end, draw);
    }
    o->count = size;
}

/* Breadth first from a random node. */
static void draw_neighbourhood(pdessm_pool_order *o, int64_t size, const pdessm_draw *draw) {
    const pdessm_csr *csr = o->csr;
    int64_t filled = 1;
    o->order[0] = (int32_t)below(draw, 0, csr->nodes);
    o->distance[0] = 0;
    o->mark[o->order[0]] = 1;
    for (int64_t k = 0; k < filled; k++)
        for (int32_t e = csr->start[o->order[k]]; e < csr->start[o->order[k] + 1]; e++) {
            int32_t j = csr->column[e];
            if (o->mark[j] || filled == size)
                continue;
            o->mark[j] = 1;
            o->distance[filled] = o->distance[k] + 1;
            o->order[filled++] = j;
        }
    for (int64_t k = 0; k < filled; k++)
        o->mark[o->order[k]] = 0;
    o->count = filled;
}

void pdessm_pool_order_draw(pdessm_pool_order *order, pdessm_pooling pooling, int finest,
                            const pdessm_draw *draw) {
    const int64_t size = size_of_level(order->csr, finest);
    if (pooling == PDESSM_POOL_RNS)
        pooling = draw->step % 2 ? PDESSM_POOL_SUBGRAPH : PDESSM_POOL_RANDOM;
    if (pooling == PDESSM_POOL_SUBGRAPH) {
        draw_neighbourhood(order, size, draw);
        return;
    }
    memset(order->distance, 0, sizeof *order->distance * (size_t)order->csr->nodes);
    if (pooling == PDESSM_POOL_TOPK)
        draw_topk(order, size, draw);
    else
        draw_random(order, size, draw);
}

/* ------------------------------------------------------------------ levels */

static int32_t reach(int level) {
    return level == 1 ? 6 : level == 2 ? 4 : 2;
}

int64_t pdessm_pool_order_level(pdessm_pool_order *order, int level, int32_t *ret_chosen) {
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
