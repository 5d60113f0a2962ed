/* SPDX-License-Identifier: MIT */
/* settings.h: the rows of settings.def as a table, for the command line and for files. */
#ifndef PDESSM_RUN_SETTINGS_H
#define PDESSM_RUN_SETTINGS_H

#include <pdessm/run.h>

#include "core/context.h"
#include "core/value.h"
#include "files/file.h"

enum {
    PDESSM_SETTING_FIXED = 1,  /* decided when the run begins */
    PDESSM_SETTING_CALL = 2,   /* of one call, in no file */
    PDESSM_SETTING_COMMON = 4, /* an option that every command has */
    PDESSM_SETTING_RARE = 8,   /* in --help all only */
};

typedef struct pdessm_setting {
    const char *name; /* of the option and of the key in a file */
    char letter;      /* of the option, or 0 */
    pdessm_value_rule rule;
    size_t offset;        /* in pdessm_run_settings */
    const char *argument; /* what stands for the value in --help; NULL: the words of a choice */
    const char *heading;  /* in --help */
    const char *help;
    int flags;
} pdessm_setting;

/* All rows in the order of settings.def. */
const pdessm_setting *pdessm_run_settings_rows(int *ret_count);

/* The member of a row. */
void *pdessm_setting_of(const pdessm_setting *row, pdessm_run_settings *settings);

/* Gives one member, a text, a copy that belongs to the settings. */
pdessm_status pdessm_run_settings_keep(pdessm_context *ctx, pdessm_run_settings *settings,
                                       const char **member, const char *text);

/* load() and save() on memory; `path` is for messages, *ret is released with free(). */
pdessm_status pdessm_run_settings_parse(pdessm_context *ctx, const char *path,
                                        const pdessm_bytes *text, pdessm_run_settings *settings);
pdessm_status pdessm_run_settings_format(pdessm_context *ctx, const pdessm_run_settings *settings,
                                         char **ret, size_t *ret_size);

/* What the drawing of reflow's pairs is told. */
pdessm_sample_options pdessm_run_settings_reflow_options(const pdessm_run_settings *settings);

#endif
