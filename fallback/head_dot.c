/* SPDX-License-Identifier: MIT */
/* head_dot.c: dot products of blocks of channels, one row after the other. */
#include "head_dot.h"

#include "columns.h"
#include "dot.h"
#include "fallback.h"

struct head_dot {
    pdessm_pool *pool;
    const pdessm_head_dot_job *job;
    const float *x, *a, *dy;
    float *out;
    int add;
    struct cut cut;
};

static void add_scaled(int64_t n, float s, const float *restrict x, float *restrict to) {
    for (int64_t c = 0; c < n; c++)
        to[c] += s * x[c];
}

static void forward(void *argument, int64_t begin, int64_t end) {
    const struct head_dot *g = argument;
    const int64_t heads = g->job->heads, width = g->job->width;
    for (int64_t k = begin * heads; k < end * heads; k++)
        g->out[k] = dot(width, g->x + k * width, g->a + k % heads * width);
}

static void backward(void *argument, int64_t begin, int64_t end) {
    const struct head_dot *g = argument;
    const int64_t heads = g->job->heads, width = g->job->width;
    for (int64_t k = begin * heads; k < end * heads; k++) {
        if (!g->add)
            memset(g->out + k * width, 0, (size_t)width * sizeof *g->out);
        add_scaled(width, g->dy[k], g->a + k % heads * width, g->out + k * width);
    }
}

/* da of a piece of the rows, all channels. */
static void piece_sums(void *argument, int64_t index, int worker) {
    (void)worker;
    const struct head_dot *g = argument;
    const int64_t heads = g->job->heads, width = g->job->width;
    const struct piece p = cut_piece(&g->cut, index);
    float *slot = cut_slot(&g->cut, g->pool, index);
    memset(slot, 0, slot_bytes(&g->cut));
    for (int64_t k = p.row_begin * heads; k < p.row_end * heads; k++)
        add_scaled(width, g->dy[k], g->x + k * width, slot + k % heads * width);
}

static struct cut cut_of(const pdessm_head_dot_job *job) {
    const int64_t channels = job->heads * job->width;
    return cut_rows(1, job->rows, channels, channels, 1);
}

size_t FALLBACK(head_dot_scratch)(pdessm_pool *pool, const pdessm_head_dot_job *job) {
    const struct cut cut = cut_of(job);
    return cut_scratch(&cut, pool);
}

void FALLBACK(head_dot_forward)(pdessm_pool *pool, const pdessm_head_dot_job *job, const float *x,
                                const float *a, float *y) {
    for_rows(pool, job->rows, job->heads * job->width, forward,
             &(struct head_dot){.job = job, .x = x, .a = a, .out = y});
}

void FALLBACK(head_dot_backward)(pdessm_pool *pool, const pdessm_head_dot_job *job, const float *a,
                                 const float *dy, float *dx, int add) {
    for_rows(pool, job->rows, job->heads * job->width, backward,
             &(struct head_dot){.job = job, .a = a, .dy = dy, .out = dx, .add = add});
}

void FALLBACK(head_dot_weight)(pdessm_pool *pool, const pdessm_head_dot_job *job, const float *x,
                               const float *dy, float *da, int add) {
    struct head_dot g = {.pool = pool, .job = job, .x = x, .dy = dy, .cut = cut_of(job)};
    pdessm_parallel(pool, cut_pieces(&g.cut), piece_sums, &g);
    cut_sum(pool, &g.cut, 0, da, add);
}
