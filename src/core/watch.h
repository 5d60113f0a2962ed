/* SPDX-License-Identifier: MIT */
/* watch.h: who is told how far a long computation has come, and may end it. */
#ifndef PDESSM_CORE_WATCH_H
#define PDESSM_CORE_WATCH_H

#include "core/context.h"

/* All zero: nobody looks on. A part of a computation reports its own share from 0 to 1, which is
 * seen as from .. to. */
typedef struct pdessm_watch {
    int (*progress)(void *user, double share); /* nonzero cancels */
    void *user;
    double from, to;
} pdessm_watch;

/* The part of a watch between two shares of it. */
static inline pdessm_watch pdessm_watch_part(const pdessm_watch *w, double from, double to) {
    const double length = w->to - w->from;
    return (pdessm_watch){w->progress, w->user, w->from + from * length, w->from + to * length};
}

static inline pdessm_status pdessm_watch_tell(pdessm_context *ctx, const pdessm_watch *w,
                                              double share) {
    if (w->progress && w->progress(w->user, w->from + share * (w->to - w->from)))
        return pdessm_fail(ctx, PDESSM_ERROR_CANCELLED, "interrupted");
    return PDESSM_OK;
}

#endif
