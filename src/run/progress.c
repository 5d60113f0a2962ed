/* SPDX-License-Identifier: MIT */
/* progress.c: what the watcher of a run is told, and what it answers. */
#include "run/run.h"

int pdessm_run_tell(pdessm_run *run) {
    if (run->watcher.progress && run->watcher.progress(run->watcher.user, &run->now))
        run->cancelled = 1;
    return run->cancelled;
}

void pdessm_run_begin_stage(pdessm_run *run, pdessm_run_stage stage, int64_t total) {
    run->now = (pdessm_run_progress){.stage = stage, .total = total};
    pdessm_run_tell(run);
}

int pdessm_run_tell_share(void *user, double share) {
    pdessm_run *run = user;
    run->now.share = share;
    run->now.done = (int64_t)(share * (double)run->now.total);
    return pdessm_run_tell(run);
}
