/* SPDX-License-Identifier: MIT */
/* levels.c: `train --multiscale`: which resolutions there are, and for how long. */
#include "schedule.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL_LEVELS = 3 };

/* At least 2: the library says why that is too many. */
static int64_t levels_that_fit(const pdessm_config *config) {
    int64_t levels = 1;
    while (levels < USUAL_LEVELS && config->image_size[0] % (config->patch << levels) == 0 &&
           config->image_size[1] % (config->patch << levels) == 0)
        levels++;
    return levels < 2 ? 2 : levels;
}

/* "2000,1000" for levels 2 and 1. */
static pdessm_status read_steps(cli *c, pdessm_run_settings *s) {
    const char *text = s->coarse_steps;
    pdessm_status status = PDESSM_OK;
    for (int64_t l = s->levels - 1; l > 0; l--) {
        char *end;
        s->level_steps[l] = strtoll(text, &end, 10);
        PDESSM_REQUIRE(
            c->ctx, end != text && *end == (l > 1 ? ',' : '\0') && s->level_steps[l] >= 0,
            PDESSM_ERROR_ARGUMENT,
            "--coarse-steps is '%s', expected %" PRId64 " whole number%s, one for each "
            "of %" PRId64 " levels but the full resolution",
            s->coarse_steps, s->levels - 1, s->levels > 2 ? "s parted by commas" : "", s->levels);
        text = end + 1;
    }
out:
    return status;
}

/* Each level has twice the steps of the next finer one. */
static void share_steps(cli *c, pdessm_run_settings *s) {
    const char *text = "";
    for (int64_t l = s->levels - 1; l > 0; l--) {
        s->level_steps[l] = (s->steps << l) / ((INT64_C(1) << s->levels) - 1);
        text = pdessm_cli_text(c, "%s%s%" PRId64, text, *text ? "," : "", s->level_steps[l]);
    }
    s->coarse_steps = text;
}

static void describe(cli *c, const pdessm_run_settings *s, const pdessm_config *config,
                     int64_t fine) {
    const char *text = "";
    for (int64_t l = s->levels - 1; l >= 0; l--) {
        text = pdessm_cli_text(c, "%s%s%d x %d", text, *text ? ", " : "",
                               config->image_size[0] >> l, config->image_size[1] >> l);
        if (s->multiscale == PDESSM_RESOLUTION_COARSE_TO_FINE)
            text = pdessm_cli_text(c, "%s (%" PRId64 " steps of %" PRId64 ")", text,
                                   l          ? s->level_steps[l]
                                   : fine > 0 ? fine
                                              : 0,
                                   s->batch << l);
    }
    pdessm_cli_note(c, "resolutions: %s", text);
}

pdessm_status pdessm_cli_levels(cli *c, pdessm_run_settings *s, const pdessm_config *config) {
    pdessm_status status = PDESSM_OK;
    pdessm_train_options options;
    int64_t fine = s->steps;
    if (!s->multiscale)
        return PDESSM_OK;
    if (!s->levels)
        s->levels = levels_that_fit(config);
    if (s->coarse_steps)
        PDESSM_TRY(read_steps(c, s));
    else if (s->multiscale == PDESSM_RESOLUTION_COARSE_TO_FINE)
        share_steps(c, s);
    for (int64_t l = 1; l < s->levels; l++)
        fine -= s->level_steps[l];
    /* A run that goes on may well stop before it gets there. */
    PDESSM_REQUIRE(c->ctx, fine > 0 || s->resume, PDESSM_ERROR_ARGUMENT,
                   "--coarse-steps %s leaves none of %" PRId64 " steps for the full resolution; "
                   "expected less, or more --steps",
                   s->coarse_steps, s->steps);
    options = pdessm_run_settings_train_options(s);
    PDESSM_TRY(pdessm_train_check(c->ctx, config, &options));
    describe(c, s, config, fine);
out:
    return status;
}
