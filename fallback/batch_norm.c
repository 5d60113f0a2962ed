/* SPDX-License-Identifier: MIT */
/* batch_norm.c: mean and variance of each channel over all rows; sums in pieces (columns.h). */
#include "batch_norm.h"

#include <math.h>

#include "columns.h"
#include "fallback.h"

struct batch_norm {
    pdessm_pool *pool;
    const pdessm_batch_norm_job *job;
    const float *x, *weight, *bias, *mean, *scale, *dy;
    const float *plain, *product; /* totals of dy, and of dy times what x was normalised to */
    float *y, *dx;
    int add;
    struct cut cut;
};

static struct cut cut_of(const pdessm_batch_norm_job *job) {
    return cut_rows(1, job->rows, job->channels, CHUNK, 2);
}

/* The slots of the pieces, and in the scratch of worker 0 two totals behind them. */
size_t FALLBACK(batch_norm_scratch)(pdessm_pool *pool, const pdessm_batch_norm_job *job) {
    struct cut cut = cut_of(job);
    return cut_scratch(&cut, pool) + 2 * (size_t)job->channels * sizeof(float);
}

/* ------------------------------------------------------------------ sums over rows */

static void add_row(int64_t n, const float *restrict x, float *restrict sum) {
    for (int64_t c = 0; c < n; c++)
        sum[c] += x[c];
}

/* Squares around the mean: their sum keeps its digits where that of plain squares cancels. */
static void add_squares(int64_t n, const float *restrict x, const float *restrict mean,
                        float *restrict sum) {
    for (int64_t c = 0; c < n; c++)
        sum[c] += (x[c] - mean[c]) * (x[c] - mean[c]);
}

static void add_products(int64_t n, const float *restrict x, const float *restrict mean,
                         const float *restrict scale, const float *restrict dy,
                         float *restrict sum) {
    for (int64_t c = 0; c < n; c++)
        sum[c] += dy[c] * ((x[c] - mean[c]) * scale[c]);
}

static void sums(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct batch_norm *g = argument;
    struct piece p = cut_piece(&g->cut, index);
    float *slot = cut_slot(&g->cut, g->pool, index), *second = slot + g->cut.column_block;
    memset(slot, 0, slot_bytes(&g->cut));
    for (int64_t r = p.row_begin; r < p.row_end; r++) {
        int64_t at = r * g->job->channels + p.column;
        if (g->dy) {
            add_row(p.width, g->dy + at, slot);
            add_products(p.width, g->x + at, g->mean + p.column, g->scale + p.column, g->dy + at,
                         second);
        } else if (g->mean) {
            add_squares(p.width, g->x + at, g->mean + p.column, slot);
        } else {
            add_row(p.width, g->x + at, slot);
        }
    }
}

static void sum_rows(struct batch_norm *g, float *first, float *second) {
    pdessm_parallel(g->pool, cut_pieces(&g->cut), sums, g);
    cut_sum(g->pool, &g->cut, 0, first, 0);
    cut_sum(g->pool, &g->cut, 1, second, 0);
}

/* ------------------------------------------------------------------ forward */

static void normalise_row(int64_t n, const struct batch_norm *g, const float *restrict x,
                          float *restrict y) {
    const float *restrict mean = g->mean, *restrict scale = g->scale;
    const float *restrict weight = g->weight, *restrict bias = g->bias;
    for (int64_t c = 0; c < n; c++)
        y[c] = (x[c] - mean[c]) * (scale[c] * weight[c]) + bias[c];
}

static void normalise(void *argument, int64_t begin, int64_t end) {
    const struct batch_norm *g = argument;
    int64_t n = g->job->channels;
    for (int64_t r = begin; r < end; r++)
        normalise_row(n, g, g->x + r * n, g->y + r * n);
}

/* Mean and 1 / deviation of the rows to stats; running, of which the variance is the unbiased one,
 * moves towards them. */
static void measure(struct batch_norm *g, float *running, float *stats) {
    const pdessm_batch_norm_job *job = g->job;
    float *mean = stats, *scale = stats + job->channels, *variance = running + job->channels;
    float momentum = (float)job->momentum;
    int64_t n = job->rows, others = most(n - 1, 1);
    sum_rows(g, mean, NULL);
    for (int64_t c = 0; c < job->channels; c++)
        mean[c] /= (float)n;
    g->mean = mean;
    sum_rows(g, scale, NULL);
    for (int64_t c = 0; c < job->channels; c++) {
        float squares = scale[c];
        running[c] += momentum * (mean[c] - running[c]);
        variance[c] += momentum * (squares / (float)others - variance[c]);
        scale[c] = 1.0f / sqrtf(squares / (float)n + (float)job->epsilon);
    }
}

void FALLBACK(batch_norm_forward)(pdessm_pool *pool, const pdessm_batch_norm_job *job,
                                  const float *x, const float *weight, const float *bias,
                                  float *running, float *y, float *stats) {
    struct batch_norm g = {.pool = pool, .job = job, .x = x, .cut = cut_of(job)};
    if (job->training)
        measure(&g, running, stats);
    for (int64_t c = 0; !job->training && c < job->channels; c++) {
        stats[c] = running[c];
        stats[job->channels + c] = 1.0f / sqrtf(running[job->channels + c] + (float)job->epsilon);
    }
    g.mean = stats;
    g.scale = stats + job->channels;
    g.weight = weight;
    g.bias = bias;
    g.y = y;
    for_rows(pool, job->rows, job->channels, normalise, &g);
}

/* ------------------------------------------------------------------ backward */

static void gradient_row(int64_t n, const struct batch_norm *g, const float *restrict x,
                         const float *restrict dy, float *restrict dx) {
    const float *restrict mean = g->mean, *restrict scale = g->scale, *restrict w = g->weight;
    const float *restrict plain = g->plain, *restrict product = g->product;
    float share = g->job->training ? 1.0f / (float)g->job->rows : 0.0f;
    for (int64_t c = 0; c < n; c++) {
        float normal = (x[c] - mean[c]) * scale[c];
        float d = w[c] * scale[c] * (dy[c] - share * (plain[c] + normal * product[c]));
        dx[c] = (g->add ? dx[c] : 0.0f) + d;
    }
}

static void gradient(void *argument, int64_t begin, int64_t end) {
    const struct batch_norm *g = argument;
    int64_t n = g->job->channels;
    for (int64_t r = begin; r < end; r++)
        gradient_row(n, g, g->x + r * n, g->dy + r * n, g->dx + r * n);
}

void FALLBACK(batch_norm_backward)(pdessm_pool *pool, const pdessm_batch_norm_job *job,
                                   const float *x, const float *weight, const float *stats,
                                   const float *dy, float *const to[3], unsigned add) {
    struct batch_norm g = {.pool = pool,
                           .job = job,
                           .x = x,
                           .weight = weight,
                           .mean = stats,
                           .scale = stats + job->channels,
                           .dy = dy,
                           .dx = to[0],
                           .add = (int)(add & 1u),
                           .cut = cut_of(job)};
    float *totals = (float *)((char *)pdessm_pool_scratch(pool, 0) + cut_scratch(&g.cut, pool));
    float *plain = totals, *product = totals + job->channels;
    sum_rows(&g, plain, product);
    if (to[1])
        put(job->channels, product, to[1], (int)(add >> 1 & 1u));
    if (to[2])
        put(job->channels, plain, to[2], (int)(add >> 2 & 1u));
    g.plain = plain;
    g.product = product;
    if (to[0])
        for_rows(pool, job->rows, job->channels, gradient, &g);
}
