/* SPDX-License-Identifier: MIT */
/* spmm.h: what spmm works on. */
#ifndef PDESSM_FALLBACK_SPMM_H
#define PDESSM_FALLBACK_SPMM_H

#include <stdint.h>
#include <string.h>

/* Edge e of row i, start[i] <= e < start[i + 1], is (i, column[e]); reverse[e] is (column[e], i).
 * No number in these is trusted: what points outside becomes NaN in the result. */
typedef struct pdessm_spmm_job {
    int64_t nodes, channels, edges, heads;
    const int32_t *start, *column, *reverse;
} pdessm_spmm_job;

/* The edges of row i. */
static inline int64_t spmm_begin(const pdessm_spmm_job *job, int64_t i) {
    return job->start[i] < 0 ? 0 : job->start[i];
}

static inline int64_t spmm_end(const pdessm_spmm_job *job, int64_t i) {
    return job->start[i + 1] < job->edges ? job->start[i + 1] : job->edges;
}

/* Edges that belong to no row, before the first and behind the last, are 0 in v [edges, heads]. */
static inline void spmm_clear_others(const pdessm_spmm_job *job, float *v) {
    const int64_t first = spmm_begin(job, 0), row = job->nodes - 1;
    const int64_t end = spmm_end(job, row), begin = spmm_begin(job, row);
    for (int64_t e = 0; e < job->edges; e++)
        if (e < first || (e >= end && e >= begin))
            memset(v + e * job->heads, 0, (size_t)job->heads * sizeof *v);
}

#endif
