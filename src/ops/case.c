/* SPDX-License-Identifier: MIT */
/* case.c: drawing the shape of a call. */
#include "ops/case.h"

#include <stdio.h>

#include "core/random.h"

/* Numbers of a network's large operands repeat: to draw every one would take longer than to measure
 * the call. Odd, so that rows of any power of two differ, and a multiple of three, so that rows of
 * a diffusion matrix stay whole. */
enum { PERIOD = 3 * 21839 };

void pdessm_case_draw(pdessm_op op, const pdessm_case_size *size, uint64_t seed, pdessm_case *ret) {
    static const pdessm_case_size hostile = {.kind = PDESSM_CASE_HOSTILE};
    size = size ? size : &hostile;
    *ret = (pdessm_case){.op = op, .kind = size->kind, .seed = seed, .terms = 8};
    ret->condition = 1;
    ret->step = 1e-5;
    ret->period = size->kind == PDESSM_CASE_NETWORK ? PERIOD : 0;
    pdessm_op_get(op)->descriptor->draw(ret, size);
}

pdessm_case_text pdessm_case_describe(const pdessm_case *k) {
    const pdessm_op_row *row = pdessm_op_get(k->op);
    pdessm_case_text t = {""};
    size_t used = 0;
    for (int i = 0; row->letters[i] && used < sizeof t.text; i++) {
        pdessm_tensor shape = {.rank = k->operand[i].rank};
        for (int d = 0; d < shape.rank; d++)
            shape.dims[d] = k->operand[i].dims[d];
        if (k->operand[i].fill != PDESSM_FILL_NONE)
            used += (size_t)snprintf(t.text + used, sizeof t.text - used, "%s%s %s",
                                     used ? " " : "", pdessm_op_name(row->operands, i).text,
                                     pdessm_tensor_shape(&shape).text);
    }
    for (int i = 0; *pdessm_op_name(row->attributes, i).text && used < sizeof t.text; i++)
        used += (size_t)snprintf(t.text + used, sizeof t.text - used, "%s%s %g", used ? " " : "",
                                 pdessm_op_name(row->attributes, i).text, k->attribute[i]);
    return t;
}

/* ------------------------------------------------------------------ numbers */

static int64_t whole(pdessm_case *k, int64_t least, int64_t most) {
    return least + pdessm_below(k->seed, PDESSM_RANDOM_CHECK, 0, 0, k->drawn++,
                                (uint64_t)(most - least + 1));
}

int64_t pdessm_draw_whole(pdessm_case *k, int64_t network, int64_t least, int64_t most) {
    return k->kind == PDESSM_CASE_NETWORK ? network : whole(k, least, most);
}

int pdessm_draw_coin(pdessm_case *k, int network) {
    return (int)pdessm_draw_whole(k, network, 0, 1);
}

double pdessm_draw_real(pdessm_case *k, double network, double least, double most) {
    if (k->kind == PDESSM_CASE_NETWORK)
        return network;
    double u = pdessm_uniform(k->seed, PDESSM_RANDOM_CHECK, 1, 0, k->drawn++);
    return (double)(float)(least + (most - least) * u);
}

int64_t pdessm_draw_extent(pdessm_case *k, int64_t network, int64_t least, int64_t most) {
    if (k->kind == PDESSM_CASE_NETWORK)
        return network;
    int64_t n = whole(k, least, most), power = 1;
    switch (whole(k, 0, 5)) {
    case 0:
        return least;
    case 1:
        return most;
    case 2: /* a power of two or a neighbour of one */
        while (power * 2 <= n)
            power *= 2;
        n = power + whole(k, -1, 1);
        return n < least ? least : n > most ? most : n;
    default:
        return n;
    }
}

/* ------------------------------------------------------------------ operands */

void pdessm_case_set(pdessm_case *k, int i, pdessm_fill fill, double scale, int rank,
                     const int64_t *dims) {
    k->operand[i] = (pdessm_case_operand){.fill = fill, .scale = scale, .rank = rank};
    for (int d = 0; d < rank; d++)
        k->operand[i].dims[d] = dims[d];
}

void pdessm_case_set_like(pdessm_case *k, int i, int other, pdessm_fill fill, double scale) {
    pdessm_case_set(k, i, fill, scale, k->operand[other].rank, k->operand[other].dims);
}

/* Longest line, rows of a matrix, images: whatever the rank, some 20,000 elements at most. */
void pdessm_case_set_any(pdessm_case *k, const pdessm_case_size *size, int i, double scale,
                         int most_rank) {
    static const int64_t most[][4] = {{8000}, {300, 80}, {20, 3, 700}, {40, 30, 9, 4}};
    const int64_t network[4] = {size->batch, pdessm_case_tokens(size), size->channels, 1};
    int rank = (int)pdessm_draw_whole(k, 3, 1, most_rank);
    int64_t dims[4];
    for (int d = 0; d < rank; d++)
        dims[d] = pdessm_draw_extent(k, network[d], 1, most[rank - 1][d]);
    pdessm_case_set(k, i, PDESSM_FILL_NORMAL, scale, rank, dims);
}

void pdessm_case_set_flat(pdessm_case *k, const pdessm_case_size *size, int i, pdessm_fill fill,
                          double scale) {
    int64_t all = size->batch * pdessm_case_tokens(size) * size->channels;
    PDESSM_SET(k, i, NORMAL, scale, pdessm_draw_extent(k, all, 1, 20000));
    k->operand[i].fill = fill;
}

/* ------------------------------------------------------------------ patterns */

int pdessm_case_joined(const pdessm_case *k, int64_t i, int64_t j) {
    const int64_t high = i > j ? i : j, low = i > j ? j : i, last = k->pattern.nodes - 1;
    if (low == 0 && high == last)
        return 1;
    return pdessm_uniform(k->seed, PDESSM_RANDOM_CHECK, PDESSM_CASE_PATTERN, 0,
                          high * PDESSM_CASE_MOST_NODES + low) < k->pattern.chance;
}

int64_t pdessm_case_set_pattern(pdessm_case *k, int i, pdessm_case_pattern pattern) {
    const int64_t nodes = pattern.nodes, rows = nodes + 1;
    int64_t edges = nodes * pattern.degree;
    k->pattern = pattern;
    for (int64_t pair = 0; pattern.degree == 0 && pair < nodes * nodes; pair++)
        edges += pdessm_case_joined(k, pair / nodes, pair % nodes);
    pdessm_case_set(k, i, PDESSM_FILL_START, 1, 1, &rows);
    pdessm_case_set(k, i + 1, PDESSM_FILL_COLUMN, 1, 1, &edges);
    pdessm_case_set(k, i + 2, PDESSM_FILL_REVERSE, 1, 1, &edges);
    return edges;
}
