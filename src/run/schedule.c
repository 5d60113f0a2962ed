/* SPDX-License-Identifier: MIT */
/* schedule.c: training at several resolutions: which levels there are, and for how long. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"
#include "run/settings.h"

enum { USUAL_LEVELS = 3, LONGEST = 512 };

/* At least 2: the trainer says why that is too many. */
static int64_t levels_that_fit(const pdessm_config *config) {
    int64_t levels = 1;
    while (levels < USUAL_LEVELS && config->image_size[0] % (config->patch << levels) == 0 &&
           config->image_size[1] % (config->patch << levels) == 0)
        levels++;
    return levels < 2 ? 2 : levels;
}

/* "2000,1000" for levels 2 and 1. */
static pdessm_status read_steps(pdessm_context *ctx, pdessm_run_settings *s) {
    const char *text = s->coarse_steps;
    pdessm_status status = PDESSM_OK;
    for (int64_t l = s->levels - 1; l > 0; l--) {
        char *end;
        s->level_steps[l] = strtoll(text, &end, 10);
        PDESSM_REQUIRE(ctx, end != text && *end == (l > 1 ? ',' : '\0') && s->level_steps[l] >= 0,
                       PDESSM_ERROR_ARGUMENT,
                       "--coarse-steps is '%s', expected %" PRId64 " whole number%s, one for each "
                       "of %" PRId64 " levels but the full resolution",
                       s->coarse_steps, s->levels - 1, s->levels > 2 ? "s parted by commas" : "",
                       s->levels);
        text = end + 1;
    }
out:
    return status;
}

/* Each level has twice the steps of the next finer one. */
static pdessm_status share_steps(pdessm_context *ctx, pdessm_run_settings *s) {
    char text[LONGEST] = "";
    int used = 0;
    for (int64_t l = s->levels - 1; l > 0; l--) {
        s->level_steps[l] = (s->steps << l) / ((INT64_C(1) << s->levels) - 1);
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%" PRId64, used ? "," : "",
                         s->level_steps[l]);
    }
    return pdessm_run_settings_keep(ctx, s, &s->coarse_steps, text);
}

static void describe(const pdessm_run *run, int64_t fine) {
    const pdessm_run_settings *s = &run->settings;
    char text[2 * LONGEST] = "";
    int used = 0;
    for (int64_t l = s->levels - 1; l >= 0; l--) {
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%d x %d", used ? ", " : "",
                         run->config.image_size[0] >> l, run->config.image_size[1] >> l);
        if (s->multiscale == PDESSM_RESOLUTION_COARSE_TO_FINE)
            used += snprintf(text + used, sizeof text - (size_t)used,
                             " (%" PRId64 " steps of %" PRId64 ")",
                             l          ? s->level_steps[l]
                             : fine > 0 ? fine
                                        : 0,
                             s->batch << l);
    }
    pdessm_log(run->ctx, PDESSM_LOG_NOTE, "resolutions: %s", text);
}

pdessm_status pdessm_run_schedule_levels(pdessm_run *run) {
    pdessm_run_settings *s = &run->settings;
    pdessm_status status = PDESSM_OK;
    int64_t fine = s->steps;
    if (s->multiscale == PDESSM_RESOLUTION_FULL)
        return PDESSM_OK;
    if (!s->levels)
        s->levels = levels_that_fit(&run->config);
    if (s->coarse_steps)
        PDESSM_TRY(read_steps(run->ctx, s));
    else if (s->multiscale == PDESSM_RESOLUTION_COARSE_TO_FINE)
        PDESSM_TRY(share_steps(run->ctx, s));
    for (int64_t l = 1; l < s->levels; l++)
        fine -= s->level_steps[l];
    /* A run that is resumed may well stop before it gets there. */
    PDESSM_REQUIRE(run->ctx, fine > 0 || s->resume, PDESSM_ERROR_ARGUMENT,
                   "--coarse-steps %s leaves none of %" PRId64 " steps for the full resolution; "
                   "expected less, or more --steps",
                   s->coarse_steps, s->steps);
    const pdessm_train_options options = pdessm_run_settings_train_options(s);
    PDESSM_TRY(pdessm_train_check(run->ctx, &run->config, &options));
    describe(run, fine);
out:
    return status;
}
