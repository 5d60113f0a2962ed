/* SPDX-License-Identifier: MIT */
/* numbers.c: the numbers of a case's operands. */
#include <math.h>
#include <string.h>

#include "core/random.h"
#include "verify/verify.h"

static double normal(const pdessm_case *k, int stream, int64_t i) {
    return pdessm_normal(k->seed, PDESSM_RANDOM_CHECK, (uint32_t)stream, 0, i);
}

static double uniform(const pdessm_case *k, int stream, int64_t i) {
    return pdessm_uniform(k->seed, PDESSM_RANDOM_CHECK, (uint32_t)stream, 0, i);
}

/* Uniform, but for the first number of a hostile case. */
static double uniform_with_ends(const pdessm_case *k, int stream, int64_t i) {
    if (i > 0 || k->kind == PDESSM_CASE_NETWORK)
        return uniform(k, stream, i);
    return floor(3 * uniform(k, stream, i)) / 2;
}

/* See src/ops/grad_norm.c. The factor and the losses are of no special size, the counts whole. */
static double state(const pdessm_case *k, int stream, int64_t i) {
    static const double good[] = {2.5, 0.4, 1, 0, 3, 7.5, 5, 1.25};
    if (k->kind == PDESSM_CASE_NETWORK)
        return good[i % 8];
    switch (i) {
    case 0:
        return fabs(normal(k, stream, i));
    case 1:
        return uniform(k, stream, i);
    case 2:
        return uniform(k, stream, i) < 0.8;
    default:
        return floor(21 * uniform(k, stream, i));
    }
}

/* K = L L^T of L = (a, b; 0, d), whose rows are widths of a blur. Those of a network are all of
 * some hundredths to tenths of the image, those of a hostile case may vanish. */
static double diffusion(const pdessm_case *k, int stream, int64_t i, double scale) {
    const int64_t row = i - i % 3;
    const int network = k->kind == PDESSM_CASE_NETWORK;
    double a = network ? 0.1 + uniform(k, stream, row) : normal(k, stream, row);
    double b = network ? uniform(k, stream, row + 1) - 0.5 : normal(k, stream, row + 1);
    double d = network ? 0.1 + uniform(k, stream, row + 2) : normal(k, stream, row + 2);
    return scale * scale * (i % 3 == 0 ? a * a : i % 3 == 1 ? a * b : b * b + d * d);
}

static double number(const pdessm_case *k, int operand, int64_t i, int64_t n) {
    const double scale = k->operand[operand].scale;
    const int stream = PDESSM_CASE_OPERANDS + operand;
    switch (k->operand[operand].fill) {
    case PDESSM_FILL_POSITIVE:
        return fabs(scale * normal(k, stream, i));
    case PDESSM_FILL_UNIFORM:
        return scale * uniform_with_ends(k, stream, i);
    case PDESSM_FILL_INDEX:
        return floor(scale * uniform(k, stream, i));
    case PDESSM_FILL_STATE:
        return state(k, stream, i);
    case PDESSM_FILL_MOMENTS:
        return 2 * i < n ? normal(k, stream, i) : 0.25 + fabs(normal(k, stream, i));
    case PDESSM_FILL_DIFFUSION:
        return diffusion(k, stream, i, scale);
    default:
        return scale * normal(k, stream, i);
    }
}

/* ------------------------------------------------------------------ patterns */

/* Element e of a ring of edges, where node i is joined to i - degree / 2 .. i + degree / 2. */
static int32_t ring(const pdessm_case *k, pdessm_fill fill, int64_t e) {
    const int64_t degree = k->pattern.degree, nodes = k->pattern.nodes;
    if (fill == PDESSM_FILL_START)
        return (int32_t)(e * degree);
    int64_t column = (e / degree + e % degree - degree / 2) % nodes;
    column += column < 0 ? nodes : 0;
    return (int32_t)(fill == PDESSM_FILL_COLUMN ? column
                                                : column * degree + degree - 1 - e % degree);
}

/* A pattern that is drawn pair by pair. */
static void pairs(const pdessm_case *k, pdessm_fill fill, int32_t *ret) {
    const int64_t nodes = k->pattern.nodes;
    int32_t edge[PDESSM_CASE_MOST_NODES][PDESSM_CASE_MOST_NODES], edges = 0;
    for (int64_t i = 0; i < nodes; i++) {
        if (fill == PDESSM_FILL_START)
            ret[i] = edges;
        for (int64_t j = 0; j < nodes; j++)
            edge[i][j] = pdessm_case_joined(k, i, j) ? edges++ : -1;
    }
    if (fill == PDESSM_FILL_START)
        ret[nodes] = edges;
    for (int64_t i = 0; fill != PDESSM_FILL_START && i < nodes; i++)
        for (int64_t j = 0; j < nodes; j++)
            if (edge[i][j] >= 0)
                ret[edge[i][j]] = fill == PDESSM_FILL_COLUMN ? (int32_t)j : edge[j][i];
}

static int is_pattern(pdessm_fill fill) {
    return fill == PDESSM_FILL_START || fill == PDESSM_FILL_COLUMN || fill == PDESSM_FILL_REVERSE;
}

static void fill_pattern(const pdessm_case *k, pdessm_fill fill, int64_t n, int32_t *ret) {
    if (k->pattern.degree == 0)
        pairs(k, fill, ret);
    for (int64_t e = 0; k->pattern.degree > 0 && e < n; e++)
        ret[e] = ring(k, fill, e);
}

/* ------------------------------------------------------------------ arrays */

/* How many of n numbers are drawn; repeat() makes the others, four bytes each. */
static int64_t drawn(const pdessm_case *k, int64_t n) {
    return k->period > 0 && k->period < n ? k->period : n;
}

static void repeat(void *values, int64_t first, int64_t n) {
    const size_t width = sizeof(float);
    for (int64_t done = first; done < n; done += first)
        memcpy((char *)values + (size_t)done * width, values,
               (size_t)(n - done < first ? n - done : first) * width);
}

void pdessm_case_numbers(const pdessm_case *k, int i, int64_t n, void *ret) {
    const pdessm_case_operand *operand = &k->operand[i];
    if (is_pattern(operand->fill)) {
        fill_pattern(k, operand->fill, n, ret);
        return;
    }
    for (int64_t e = 0; e < drawn(k, n); e++) {
        double x = number(k, i, e, n);
        x = operand->offset + (operand->grid > 0 ? floor(x / operand->grid) * operand->grid : x);
        if (operand->fill == PDESSM_FILL_INDEX)
            ((int32_t *)ret)[e] = (int32_t)x;
        else
            ((float *)ret)[e] = (float)x;
    }
    repeat(ret, drawn(k, n), n);
}

void pdessm_case_gradient(const pdessm_case *k, int i, int64_t n, float *ret) {
    for (int64_t e = 0; e < drawn(k, n); e++)
        ret[e] = (float)normal(k, PDESSM_CASE_GRADIENTS + i, e);
    repeat(ret, drawn(k, n), n);
}
