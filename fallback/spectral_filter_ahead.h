/* SPDX-License-Identifier: MIT */
/* spectral_filter_ahead.h: memory that is asked for while earlier data is at work.
 *
 * The columns of a plane touch no memory beyond the caches, so each visit to some of their modes
 * asks for as many bytes of the images to come. */
#ifndef PDESSM_FALLBACK_SPECTRAL_FILTER_AHEAD_H
#define PDESSM_FALLBACK_SPECTRAL_FILTER_AHEAD_H

#include "fft.h"

enum { LINE = 64 };

/* `runs` runs of `run` bytes, each `stride` bytes behind the one before. */
typedef struct filter_area {
    const char *at;
    int64_t run, stride, runs;
} filter_area;

/* The position in the first area (of in), then in the second (of u). At the end, step is 0. */
typedef struct filter_ahead {
    const char *at, *end;
    int64_t step;
    int areas;
    filter_area area[2];
} filter_ahead;

static inline void next_run(filter_ahead *a) {
    if (a->area[0].runs == 0) {
        a->area[0] = a->area[1];
        a->areas--;
    }
    if (a->areas <= 0) {
        a->step = 0;
        return;
    }
    filter_area *area = &a->area[0];
    a->at = area->at;
    a->end = area->at + area->run;
    area->at += area->stride;
    area->runs--;
}

/* Without areas, nothing but `anywhere` is asked for. */
static inline filter_ahead start_ahead(int areas, filter_area in, filter_area u,
                                       const void *anywhere) {
    filter_ahead a = {.at = anywhere, .step = LINE, .areas = areas, .area = {in, u}};
    next_run(&a);
    return a;
}

/* As much as that many complex vectors. */
static inline void ask_ahead(filter_ahead *a, int64_t vectors) {
    for (int64_t bytes = vectors * COMPLEX * 4; bytes > 0; bytes -= LINE) {
        prefetch_later(a->at);
        a->at += a->step;
        if (a->at >= a->end && a->step)
            next_run(a);
    }
}

#endif
