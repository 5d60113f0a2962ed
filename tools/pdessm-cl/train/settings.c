/* SPDX-License-Identifier: MIT */
/* settings.c: what a call of `train` asks for: the command line on top of a file, checked. */
#include "settings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "files/file.h"
#include "run/settings.h"
#include "shared/help.h"

enum { MOST_OPTIONS = 96 };

static cli_option make_option(const pdessm_setting *r, pdessm_run_settings *s) {
    return (cli_option){.name = r->name,
                        .letter = r->letter,
                        .kind = (cli_kind)r->rule.kind,
                        .target = pdessm_setting_of(r, s),
                        .argument = r->argument,
                        .help = r->help,
                        .least = r->rule.least,
                        .most = r->rule.most,
                        .choices = r->rule.kind == PDESSM_VALUE_CHOICE ? r->rule.words : NULL,
                        .zero_word = r->rule.zero_word,
                        .zero_is_unset = r->rule.zero_is_unset,
                        .fixed = (r->flags & PDESSM_SETTING_FIXED) != 0,
                        .rare = (r->flags & PDESSM_SETTING_RARE) != 0,
                        .group = r->heading};
}

/* Where classifiers have another default. */
static const char *for_classifiers(cli *c, const pdessm_setting *r, const cli_option *option) {
    pdessm_run_settings s = pdessm_run_settings_defaults(PDESSM_TASK_CLASSIFY);
    const cli_option other = make_option(r, &s);
    const char *text = pdessm_cli_default_text(c, &other);
    const char *usual = pdessm_cli_default_text(c, option);
    if (!text || !usual || r->offset == offsetof(pdessm_run_settings, task))
        return NULL;
    return strcmp(text, usual) != 0 ? pdessm_cli_text(c, "classify: %s", text) : NULL;
}

/* The rows of settings.def as options with targets inside of s, the basic ones first; what all
 * commands have is left out. */
static int make_options(cli *c, pdessm_run_settings *s, cli_option ret[MOST_OPTIONS]) {
    int all, count = 0;
    const pdessm_setting *rows = pdessm_run_settings_rows(&all);
    for (int basic = 1; basic >= 0; basic--)
        for (int i = 0; i < all; i++) {
            const pdessm_setting *r = &rows[i];
            const int is_basic = r->heading == rows[0].heading;
            if (r->flags & PDESSM_SETTING_COMMON || is_basic != basic)
                continue;
            ret[count] = make_option(r, s);
            ret[count].otherwise = for_classifiers(c, r, &ret[count]);
            count++;
        }
    return count;
}

/* What the checkpoint decides cannot be set again. */
static pdessm_status refuse_fixed(cli *c, const pdessm_run_settings *s, const cli_option *options,
                                  int count) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(c->ctx, !c->seed_given, PDESSM_ERROR_ARGUMENT,
                   "--seed cannot change on --resume: the run has its own");
    for (int i = 0; i < count; i++)
        PDESSM_REQUIRE(c->ctx, !options[i].fixed || !options[i].given, PDESSM_ERROR_ARGUMENT,
                       "--%s cannot change on --resume: the checkpoint decides it",
                       options[i].name);
    PDESSM_REQUIRE(c->ctx, !s->config && !s->out, PDESSM_ERROR_ARGUMENT,
                   "--resume cannot be combined with --%s: the folder of the run has both",
                   s->config ? "config" : "out");
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
pdessm_status pdessm_cli_settings_read(cli *c, pdessm_run_settings *s) {
    cli_option options[MOST_OPTIONS];
    pdessm_status status = PDESSM_OK;
    *s = pdessm_run_settings_defaults(PDESSM_TASK_VELOCITY);
    int count = make_options(c, s, options);
    PDESSM_TRY(pdessm_cli_begin(c, options, count, NULL, 0));
    if (s->resume)
        PDESSM_TRY(refuse_fixed(c, s, options, count));
    const char *file = s->resume ? pdessm_cli_text(c, "%s/config.yaml", s->resume) : s->config;
    if (s->resume)
        PDESSM_REQUIRE(c->ctx, pdessm_is_folder(s->resume), PDESSM_ERROR_FILE,
                       "%s: there is no such folder; expected the --out of an earlier run",
                       s->resume);
    /* Defaults depend on the task, which the file or the command line may name. */
    for (int read_for = -1; read_for != (int)s->task;) {
        const pdessm_model_task task = s->task;
        read_for = (int)task;
        pdessm_run_settings_release(s);
        *s = pdessm_run_settings_defaults(task);
        if (file)
            PDESSM_TRY(pdessm_run_settings_load(c->ctx, file, s));
        PDESSM_TRY(pdessm_cli_parse(c, options, count, NULL, 0));
    }
    if (c->seed_given || !file)
        s->seed = c->seed;
    c->seed = s->seed;
    PDESSM_TRY(pdessm_run_settings_check(c->ctx, s));
    const char **const paths[] = {&s->data, &s->test, &s->reflow, &s->init};
    for (int i = 0; i < CLI_COUNT(paths); i++)
        *paths[i] = absolute(c, *paths[i]);
out:
    return status;
}
