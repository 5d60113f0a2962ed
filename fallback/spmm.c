/* SPDX-License-Identifier: MIT */
/* spmm.c: products with a sparse matrix of symmetric pattern, one row of the result after the
 * other, vectors over channels. */
#include "spmm.h"

#include <math.h>

#include "dot.h"
#include "elementwise.h"
#include "fallback.h"

/* Channels that are summed in registers. */
enum { LANES = 64 };

struct spmm {
    const pdessm_spmm_job *job;
    const float *x, *weight, *dy;
    float *to;
    int through; /* transposed: the value of edge e is that of reverse[e] */
    int add;
};

/* The value of edge e in block h; NaN for a reverse that is no edge. */
static float value_of(const struct spmm *g, int64_t e, int64_t h) {
    const pdessm_spmm_job *job = g->job;
    if (!g->weight)
        return 1.0f;
    if (g->through)
        e = job->reverse[e];
    return e >= 0 && e < job->edges ? g->weight[e * job->heads + h] : NAN;
}

static void add_wide(float w, const float *restrict x, float *restrict sum) {
    for (int c = 0; c < LANES; c++)
        sum[c] += w * x[c];
}

static void add_some(int64_t n, float w, const float *restrict x, float *restrict sum) {
    for (int64_t c = 0; c < n; c++)
        sum[c] += w * x[c];
}

/* Channels [first, first + n) of row i of the result, all in block h. */
static void sum_edges(const struct spmm *g, int64_t i, int64_t h, int64_t first, int64_t n) {
    const pdessm_spmm_job *job = g->job;
    float sum[LANES] = {0}, poison = 0.0f;
    for (int64_t e = spmm_begin(job, i); e < spmm_end(job, i); e++) {
        int64_t j = job->column[e];
        float w = value_of(g, e, h);
        if (j < 0 || j >= job->nodes)
            poison = NAN;
        else if (n == LANES)
            add_wide(w, g->x + j * job->channels + first, sum);
        else
            add_some(n, w, g->x + j * job->channels + first, sum);
    }
    float *to = g->to + i * job->channels + first;
    for (int64_t c = 0; c < n; c++)
        to[c] = (g->add ? to[c] : 0.0f) + (sum[c] + poison);
}

static void gather(void *argument, int64_t begin, int64_t end) {
    const struct spmm *g = argument;
    int64_t width = g->job->channels / g->job->heads;
    for (int64_t i = begin; i < end; i++)
        for (int64_t h = 0; h < g->job->heads; h++)
            for (int64_t c = 0; c < width; c += LANES)
                sum_edges(g, i, h, h * width + c, least(LANES, width - c));
}

/* dweight[e] = dy[i] . x[column[e]] in each block. */
static void weights(void *argument, int64_t begin, int64_t end) {
    const struct spmm *g = argument;
    const pdessm_spmm_job *job = g->job;
    int64_t width = job->channels / job->heads;
    for (int64_t i = begin; i < end; i++)
        for (int64_t e = spmm_begin(job, i); e < spmm_end(job, i); e++)
            for (int64_t h = 0; h < job->heads; h++) {
                int64_t j = job->column[e], at = h * width;
                float *to = g->to + e * job->heads + h;
                float d = j < 0 || j >= job->nodes ? NAN
                                                   : dot(width, g->dy + i * job->channels + at,
                                                         g->x + j * job->channels + at);
                *to = (g->add ? *to : 0.0f) + d;
            }
}

/* Rows in pieces of about PIECE products. */
static void for_nodes(pdessm_pool *pool, const pdessm_spmm_job *job, range_task task,
                      struct spmm *g) {
    for_rows(pool, job->nodes, job->channels * (1 + job->edges / job->nodes), task, g);
}

void FALLBACK(spmm_forward)(pdessm_pool *pool, const pdessm_spmm_job *job, const float *x,
                            const float *weight, float *y) {
    for_nodes(pool, job, gather, &(struct spmm){.job = job, .x = x, .weight = weight, .to = y});
}

void FALLBACK(spmm_backward)(pdessm_pool *pool, const pdessm_spmm_job *job, const float *weight,
                             const float *dy, float *dx, int add) {
    struct spmm g = {.job = job, .x = dy, .weight = weight, .to = dx, .through = 1, .add = add};
    for_nodes(pool, job, gather, &g);
}

void FALLBACK(spmm_weight)(pdessm_pool *pool, const pdessm_spmm_job *job, const float *x,
                           const float *dy, float *dweight, int add) {
    struct spmm g = {.job = job, .x = x, .dy = dy, .to = dweight, .add = add};
    if (!add)
        spmm_clear_others(job, dweight);
    for_nodes(pool, job, weights, &g);
}
