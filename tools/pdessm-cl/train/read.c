/* SPDX-License-Identifier: MIT */
/* read.c: what a call of `train` asks for: the command line on top of a file, checked. */
#include <stdlib.h>
#include <string.h>

#include "settings.h"
#include "shared/paths.h"

/* What the checkpoint decides cannot be asked for anew. */
static pdessm_status refuse_fixed(cli *c, const cli_settings *s, const cli_option *rows,
                                  int count) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(c->ctx, !c->seed_given, PDESSM_ERROR_ARGUMENT,
                   "--seed cannot change on --resume: the run has its own");
    for (int i = 0; i < count; i++)
        PDESSM_REQUIRE(c->ctx, !rows[i].fixed || !rows[i].given, PDESSM_ERROR_ARGUMENT,
                       "--%s cannot change on --resume: the checkpoint decides it", rows[i].name);
    PDESSM_REQUIRE(c->ctx, !s->config && !s->out, PDESSM_ERROR_ARGUMENT,
                   "--resume goes without --%s: the folder of the run has both",
                   s->config ? "config" : "out");
out:
    return status;
}

static pdessm_status check_complete(cli *c, const cli_settings *s) {
    pdessm_context *ctx = c->ctx;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, (s->reflow || (s->data && s->model)) && (s->out || s->resume),
                   PDESSM_ERROR_ARGUMENT,
                   "--%s is missing; expected --data D --model PRESET --out DIR, --reflow MODEL "
                   "--out DIR, or --resume DIR",
                   s->reflow   ? "out"
                   : !s->data  ? "data"
                   : !s->model ? "model"
                               : "out");
    PDESSM_REQUIRE(ctx, !s->reflow || (!s->data && s->coupling == PDESSM_COUPLING_INDEPENDENT),
                   PDESSM_ERROR_ARGUMENT,
                   "--reflow goes without --%s: it makes its own pairs of noise and image",
                   s->data ? "data" : "coupling ot");
    PDESSM_REQUIRE(ctx, !s->reflow || (!s->image_size[0] && !s->channels), PDESSM_ERROR_ARGUMENT,
                   "--reflow goes without --%s: pairs are what its model draws",
                   s->image_size[0] ? "image-size" : "channels");
    PDESSM_REQUIRE(ctx,
                   s->task != PDESSM_TASK_CLASSIFY ||
                       (!s->reflow && s->coupling == PDESSM_COUPLING_INDEPENDENT),
                   PDESSM_ERROR_ARGUMENT, "--task classify goes without --%s, which is about noise",
                   s->reflow ? "reflow" : "coupling ot");
    PDESSM_REQUIRE(ctx, s->multiscale || (!s->levels && !s->coarse_steps), PDESSM_ERROR_ARGUMENT,
                   "--%s is for --multiscale", s->levels ? "levels" : "coarse-steps");
    PDESSM_REQUIRE(ctx, !s->coarse_steps || s->multiscale == PDESSM_RESOLUTION_COARSE_TO_FINE,
                   PDESSM_ERROR_ARGUMENT,
                   "--coarse-steps is for --multiscale coarse-to-fine; with mge every step has all "
                   "resolutions");
    PDESSM_REQUIRE(ctx, !s->multiscale || s->task != PDESSM_TASK_CLASSIFY, PDESSM_ERROR_ARGUMENT,
                   "--multiscale goes without --task classify: it is about flow matching");
    PDESSM_REQUIRE(ctx, !s->multiscale || !s->precondition, PDESSM_ERROR_ARGUMENT,
                   "--multiscale goes without --precondition: what a map makes of an image is not "
                   "an image whose average means the same");
    PDESSM_REQUIRE(ctx, s->task == PDESSM_TASK_CLASSIFY || !s->test, PDESSM_ERROR_ARGUMENT,
                   "--test is for --task classify");
out:
    return status;
}

/* A path has to mean the same when the run is resumed from elsewhere. Names that mean something
 * else than a path stay. */
static const char *absolute(cli *c, const char *path) {
    static const char *const names[] = {"shapes", "fashion-mnist", "random"};
    for (int i = 0; path && i < CLI_COUNT(names); i++)
        if (strcmp(path, names[i]) == 0)
            return path;
    char *full = path ? realpath(path, NULL) : NULL;
    return full ? pdessm_cli_keep(c, full) : path;
}

/* The command line is read again: first for --config or --resume, then on top of that file. */
pdessm_status pdessm_cli_settings_read(cli *c, cli_settings *s) {
    cli_option rows[PDESSM_CLI_SETTINGS];
    int in_file;
    pdessm_status status = PDESSM_OK;
    *s = pdessm_cli_settings_begin();
    int count = pdessm_cli_settings_table(s, rows, &in_file);
    PDESSM_TRY(pdessm_cli_begin(c, rows, count, NULL, 0));
    if (s->resume)
        PDESSM_TRY(refuse_fixed(c, s, rows, in_file));
    const char *file = s->resume ? pdessm_cli_text(c, "%s/config.yaml", s->resume) : s->config;
    if (s->resume)
        PDESSM_REQUIRE(c->ctx, pdessm_is_folder(s->resume), PDESSM_ERROR_FILE,
                       "%s: there is no such folder; expected the --out of an earlier run",
                       s->resume);
    /* Defaults depend on the task, which the file or the command line may name. */
    for (int task = -1; task != s->task;) {
        task = s->task;
        *s = pdessm_cli_settings_for(task);
        if (file)
            PDESSM_TRY(pdessm_cli_settings_load(c, file, s));
        PDESSM_TRY(pdessm_cli_parse(c, rows, count, NULL, 0));
    }
    if (c->seed_given || !file)
        s->seed = c->seed;
    c->seed = s->seed;
    PDESSM_TRY(check_complete(c, s));
    const char **const paths[] = {&s->data, &s->test, &s->reflow, &s->init};
    for (int i = 0; i < CLI_COUNT(paths); i++)
        *paths[i] = absolute(c, *paths[i]);
out:
    return status;
}
