/* SPDX-License-Identifier: MIT */
/* edge_softmax.c: softmax over the edges of each row, one head after the other. */
#include <math.h>

#include "elementwise.h"
#include "fallback.h"

struct edge_softmax {
    const pdessm_spmm_job *job;
    float slope;
    const float *left, *right, *y, *dy;
    float *out;    /* y, or the current gradient */
    float *totals; /* [nodes, heads]: sum of y dy over a row's edges */
    int add;
};

static float score(const struct edge_softmax *g, int64_t i, int64_t j, int64_t h) {
    const int64_t heads = g->job->heads;
    if (j < 0 || j >= g->job->nodes)
        return NAN;
    float z = g->left[i * heads + h] + g->right[j * heads + h];
    return z > 0.0f ? z : g->slope * z;
}

static void softmax_row(const struct edge_softmax *g, int64_t i, int64_t h) {
    const pdessm_spmm_job *job = g->job;
    const int64_t begin = spmm_begin(job, i), end = spmm_end(job, i), heads = job->heads;
    float top = -INFINITY, sum = 0.0f;
    for (int64_t e = begin; e < end; e++) {
        float z = score(g, i, job->column[e], h);
        g->out[e * heads + h] = z;
        top = z > top ? z : top;
    }
    for (int64_t e = begin; e < end; e++)
        sum += g->out[e * heads + h] = exp_fast(g->out[e * heads + h] - top);
    for (int64_t e = begin; e < end; e++)
        g->out[e * heads + h] /= sum;
}

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct edge_softmax *g = argument;
    for (int64_t i = begin; i < end; i++)
        for (int64_t h = 0; h < g->job->heads; h++)
            softmax_row(g, i, h);
}

/* d loss / d (left[i] + right[j]) of edge e = (i, j), whose row has this total. */
static float edge_gradient(const struct edge_softmax *g, int64_t e, int64_t i, int64_t j,
                           int64_t h) {
    const int64_t heads = g->job->heads, at = e * heads + h;
    if (j < 0 || j >= g->job->nodes || i < 0 || i >= g->job->nodes || e < 0 || e >= g->job->edges)
        return NAN;
    float d = g->y[at] * (g->dy[at] - g->totals[i * heads + h]);
    return g->left[i * heads + h] + g->right[j * heads + h] > 0.0f ? d : g->slope * d;
}

/* Totals of rows, and the gradient of left. */
static void lefts(void *argument, int64_t begin, int64_t end) {
    const struct edge_softmax *g = argument;
    const pdessm_spmm_job *job = g->job;
    for (int64_t at = begin * job->heads; at < end * job->heads; at++) {
        const int64_t i = at / job->heads, h = at % job->heads;
        float total = 0.0f, sum = 0.0f;
        for (int64_t e = spmm_begin(job, i); e < spmm_end(job, i); e++)
            total += g->y[e * job->heads + h] * g->dy[e * job->heads + h];
        g->totals[at] = total;
        for (int64_t e = spmm_begin(job, i); g->out && e < spmm_end(job, i); e++)
            sum += edge_gradient(g, e, i, job->column[e], h);
        if (g->out)
            g->out[at] = (g->add ? g->out[at] : 0.0f) + sum;
    }
}

/* The gradient of right: over the edges that end in a node, which are the reverses of its own. */
static void rights(void *argument, int64_t begin, int64_t end) {
    const struct edge_softmax *g = argument;
    const pdessm_spmm_job *job = g->job;
    for (int64_t at = begin * job->heads; at < end * job->heads; at++) {
        const int64_t j = at / job->heads, h = at % job->heads;
        float sum = 0.0f;
        for (int64_t e = spmm_begin(job, j); e < spmm_end(job, j); e++)
            sum += edge_gradient(g, job->reverse[e], job->column[e], j, h);
        g->out[at] = (g->add ? g->out[at] : 0.0f) + sum;
    }
}

static void for_nodes(pdessm_pool *pool, range_task task, struct edge_softmax *g) {
    const pdessm_spmm_job *job = g->job;
    for_rows(pool, job->nodes, 8 * job->heads * (1 + job->edges / job->nodes), task, g);
}

void FALLBACK(edge_softmax_forward)(pdessm_pool *pool, const pdessm_spmm_job *job, float slope,
                                    const float *left, const float *right, float *y) {
    struct edge_softmax g = {.job = job, .slope = slope, .left = left, .right = right, .out = y};
    spmm_clear_others(job, y);
    for_nodes(pool, forward, &g);
}

void FALLBACK(edge_softmax_backward)(pdessm_pool *pool, const pdessm_spmm_job *job, float slope,
                                     const float *const from[4], float *const to[2], unsigned add) {
    struct edge_softmax g = {.job = job,
                             .slope = slope,
                             .left = from[0],
                             .right = from[1],
                             .y = from[2],
                             .dy = from[3],
                             .out = to[0],
                             .totals = pdessm_pool_scratch(pool, 0),
                             .add = (int)(add & 1u)};
    for_nodes(pool, lefts, &g);
    g.out = to[1];
    g.add = (int)(add >> 1 & 1u);
    if (to[1])
        for_nodes(pool, rights, &g);
}
