/* SPDX-License-Identifier: MIT */
/* csr.c: compressed rows from a list of edges, and the part that chosen nodes have of them. */
#include "graphs/csr.h"

#include <stdlib.h>
#include <string.h>

pdessm_status pdessm_csr_reserve(pdessm_context *ctx, int64_t nodes, int64_t edges,
                                 pdessm_csr *ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_csr csr = {.nodes = nodes, .edges = edges};
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)nodes + 1, sizeof *csr.start, &csr.start));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)edges, sizeof *csr.column, &csr.column));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)edges, sizeof *csr.reverse, &csr.reverse));
    *ret = csr;
    csr = (pdessm_csr){0};
out:
    pdessm_csr_release(&csr);
    return status;
}

void pdessm_csr_release(pdessm_csr *csr) {
    free(csr->start);
    free(csr->column);
    free(csr->reverse);
    *csr = (pdessm_csr){0};
}

/* Rows rise and so do columns, hence the edges (j, i) of a row j come in the order of i: each edge
 * (i, j) takes the next one of row j. next [nodes] is overwritten. */
static void find_reverse(pdessm_csr *csr, int32_t *next) {
    memcpy(next, csr->start, sizeof *next * (size_t)csr->nodes);
    for (int64_t i = 0; i < csr->nodes; i++)
        for (int32_t e = csr->start[i]; e < csr->start[i + 1]; e++)
            csr->reverse[e] = next[csr->column[e]]++;
}

static pdessm_status check_edges(pdessm_context *ctx, const char *name, int64_t nodes,
                                 int64_t count, const int32_t (*ends)[2]) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, nodes >= 1 && nodes < INT32_MAX, PDESSM_ERROR_FILE,
                   "%s: %lld nodes, expected 1 to 2^31 - 2", name, (long long)nodes);
    PDESSM_REQUIRE(ctx, count >= 0 && count <= (INT32_MAX - nodes) / 2, PDESSM_ERROR_FILE,
                   "%s: %lld edges, expected at most %lld: edges are counted in 32 bits", name,
                   (long long)count, (long long)((INT32_MAX - nodes) / 2));
    for (int64_t k = 0; k < count; k++)
        for (int side = 0; side < 2; side++)
            PDESSM_REQUIRE(ctx, ends[k][side] >= 0 && ends[k][side] < nodes, PDESSM_ERROR_FILE,
                           "%s: edge %lld names node %d, expected 0 to %lld", name, (long long)k,
                           ends[k][side], (long long)nodes - 1);
out:
    return status;
}

/* Where each node's part of a list begins: loops, and each edge at both of its ends. */
static void count_ends(int64_t nodes, int64_t count, const int32_t (*ends)[2], int32_t *start) {
    for (int64_t i = 0; i < nodes; i++)
        start[i + 1] = 1;
    for (int64_t k = 0; k < count; k++) {
        start[ends[k][0] + 1]++;
        start[ends[k][1] + 1] += ends[k][0] != ends[k][1];
    }
    start[0] = 0;
    for (int64_t i = 0; i < nodes; i++)
        start[i + 1] += start[i];
}

/* The neighbours of every node, unsorted and with repetitions; next [nodes] is overwritten. */
static void list_ends(int64_t nodes, int64_t count, const int32_t (*ends)[2], const int32_t *start,
                      int32_t *next, int32_t *list) {
    memcpy(next, start, sizeof *next * (size_t)nodes);
    for (int64_t i = 0; i < nodes; i++)
        list[next[i]++] = (int32_t)i;
    for (int64_t k = 0; k < count; k++) {
        list[next[ends[k][0]]++] = ends[k][1];
        if (ends[k][0] != ends[k][1])
            list[next[ends[k][1]]++] = ends[k][0];
    }
}

/* Lists that hold i under j and j under i: walked in the order of j, they fill rows that rise. */
static void sort_rows(int64_t nodes, const int32_t *start, int32_t *next, const int32_t *list,
                      int32_t *column) {
    memcpy(next, start, sizeof *next * (size_t)nodes);
    for (int64_t j = 0; j < nodes; j++)
        for (int32_t e = start[j]; e < start[j + 1]; e++)
            column[next[list[e]]++] = (int32_t)j;
}

/* Drops repetitions within rows; rows move down. */
static void drop_repeated(pdessm_csr *csr) {
    int32_t kept = 0, begin = 0;
    for (int64_t i = 0; i < csr->nodes; i++) {
        int32_t end = csr->start[i + 1], first = kept;
        for (int32_t e = begin; e < end; e++)
            if (kept == first || csr->column[kept - 1] != csr->column[e])
                csr->column[kept++] = csr->column[e];
        begin = end;
        csr->start[i + 1] = kept;
    }
    csr->edges = kept;
}

pdessm_status pdessm_csr_build(pdessm_context *ctx, const char *name, int64_t nodes, int64_t count,
                               const int32_t (*ends)[2], pdessm_csr *ret, int64_t *ret_repeated) {
    pdessm_status status = PDESSM_OK;
    pdessm_csr csr = {0};
    int32_t *next = NULL;
    PDESSM_TRY(check_edges(ctx, name, nodes, count, ends));
    PDESSM_TRY(pdessm_csr_reserve(ctx, nodes, nodes + 2 * count, &csr));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)nodes, sizeof *next, &next));
    count_ends(nodes, count, ends, csr.start);
    list_ends(nodes, count, ends, csr.start, next, csr.reverse);
    sort_rows(nodes, csr.start, next, csr.reverse, csr.column);
    drop_repeated(&csr);
    find_reverse(&csr, next);
    /* Loops that were given say nothing new either: every node has one. */
    *ret_repeated = count - (csr.edges - nodes) / 2;
    *ret = csr;
    csr = (pdessm_csr){0};
out:
    free(next);
    pdessm_csr_release(&csr);
    return status;
}

/* ------------------------------------------------------------------ parts */

/* Chosen nodes have their new number in index. */
static void begin_part(int64_t count, const int32_t *chosen, int32_t *index, pdessm_csr *to) {
    for (int64_t r = 0; r < count; r++)
        index[chosen[r]] = (int32_t)r;
    to->nodes = count;
    to->edges = 0;
    to->start[0] = 0;
}

static void end_row(pdessm_csr *to, int64_t r, int32_t edges) {
    to->start[r + 1] = edges;
    to->edges = edges;
}

/* As find_reverse(), with the part of index that is in use for scratch. */
static void end_part(int64_t count, const int32_t *chosen, int32_t *index, pdessm_csr *to) {
    for (int64_t r = 0; r < count; r++)
        index[chosen[r]] = to->start[r];
    for (int64_t r = 0; r < count; r++)
        for (int32_t e = to->start[r]; e < to->start[r + 1]; e++)
            to->reverse[e] = index[chosen[to->column[e]]]++;
    for (int64_t r = 0; r < count; r++)
        index[chosen[r]] = -1;
}

void pdessm_csr_select(const pdessm_csr *from, int64_t count, const int32_t *chosen, int32_t *index,
                       pdessm_csr *to) {
    int32_t edges = 0;
    begin_part(count, chosen, index, to);
    for (int64_t r = 0; r < count; r++) {
        for (int32_t e = from->start[chosen[r]]; e < from->start[chosen[r] + 1]; e++)
            if (index[from->column[e]] >= 0)
                to->column[edges++] = index[from->column[e]];
        end_row(to, r, edges);
    }
    end_part(count, chosen, index, to);
}

/* Breadth first from a node: queue gets all nodes at most `power` edges away, the node itself
 * first; the answer is how many. seen [nodes] is not the node's number where a node is new. */
static int64_t reach_near(const pdessm_csr *csr, int power, int32_t node, int32_t *seen,
                          int32_t *queue) {
    int64_t begin = 0, end = 1;
    queue[0] = node;
    seen[node] = node;
    for (int step = 0; step < power; step++) {
        const int64_t filled = end;
        for (; begin < filled; begin++)
            for (int32_t e = csr->start[queue[begin]]; e < csr->start[queue[begin] + 1]; e++)
                if (seen[csr->column[e]] != node) {
                    seen[csr->column[e]] = node;
                    queue[end++] = csr->column[e];
                }
    }
    return end;
}

static void forget(const pdessm_csr *csr, int32_t *seen) {
    for (int64_t i = 0; i < csr->nodes; i++)
        seen[i] = -1;
}

static int by_number(const void *a, const void *b) {
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

void pdessm_csr_select_near(const pdessm_csr *from, int power, int64_t count, const int32_t *chosen,
                            int32_t *index, int32_t *near, pdessm_csr *to) {
    int32_t *seen = near, *queue = near + from->nodes, edges = 0;
    forget(from, seen);
    begin_part(count, chosen, index, to);
    for (int64_t r = 0; r < count; r++) {
        const int64_t reached = reach_near(from, power, chosen[r], seen, queue);
        for (int64_t k = 0; k < reached; k++)
            if (index[queue[k]] >= 0)
                to->column[edges++] = index[queue[k]];
        qsort(to->column + to->start[r], (size_t)(edges - to->start[r]), sizeof *to->column,
              by_number);
        end_row(to, r, edges);
    }
    end_part(count, chosen, index, to);
}

int64_t pdessm_csr_count_near(const pdessm_csr *csr, int power, int64_t most, int32_t *near) {
    int64_t edges = 0;
    forget(csr, near);
    for (int64_t i = 0; i < csr->nodes && edges <= most; i++)
        edges += reach_near(csr, power, (int32_t)i, near, near + csr->nodes);
    return edges <= most ? edges : most + 1;
}
