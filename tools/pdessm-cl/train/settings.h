/* SPDX-License-Identifier: MIT */
/* settings.h: everything that `train` can be told, on the command line or in a file. */
#ifndef PDESSM_CLI_TRAIN_SETTINGS_H
#define PDESSM_CLI_TRAIN_SETTINGS_H

#include <pdessm/fit.h>
#include <pdessm/pdessm.h>
#include <pdessm/train.h>

#include "files/file.h"
#include "shared/options.h"

typedef struct cli_settings {
    /* Kept in RUN/config.yaml. */
    const char *data, *model;
    int task;         /* a pdessm_model_task */
    const char *test; /* of a classifier; NULL: the data's own */
    int split, fit, layout;
    int64_t image_size[2], channels, limit, shift;
    int64_t states, depth, width, heads; /* 0: the preset's */
    int solution;                        /* 0: the preset's, else 1 + a pdessm_solution */
    int no_gate, no_convection, no_reaction, no_skip, local, padding, prior;
    int64_t attention_layers;
    int64_t steps, batch, accumulate, warmup;
    double rate, final_rate, weight_decay, clip, ema, label_dropout, label_smoothing,
        pde_rate_scale, filter_rate_scale;
    int schedule, time_law, flip, coupling;
    const char *init;   /* a model file, "random", or NULL: --reflow's model if it fits */
    const char *reflow; /* a model file; its pairs are the data */
    const char *reflow_solver;
    int64_t reflow_pairs, reflow_steps;
    int multiscale;                          /* a pdessm_resolution */
    int64_t levels;                          /* 0: as many as fit, at most 3 */
    const char *coarse_steps;                /* numbers, coarsest first; NULL: shares of steps */
    int64_t level_steps[PDESSM_MOST_LEVELS]; /* the same by level (train_levels.h) */
    int precondition;                        /* 0: none, else 1 + a pdessm_precondition_kind */
    int precondition_pooled;
    double precondition_epsilon;
    int64_t precondition_steps;
    int64_t seed, save_every, keep, sample_every, log_every, evaluate_every;
    /* Of one call. */
    const char *out, *config, *resume;
    double max_time;
} cli_settings;

enum { PDESSM_CLI_SETTINGS = 96 };

/* The defaults, and those of a task. */
cli_settings pdessm_cli_settings_begin(void);
cli_settings pdessm_cli_settings_for(int task);

/* The table, with targets inside of s; the first *ret_in_file rows may stand in a file. Returns the
 * number of rows. Not in it: --seed, which all subcommands have. */
int pdessm_cli_settings_table(cli_settings *s, cli_option ret[PDESSM_CLI_SETTINGS],
                              int *ret_in_file);

/* Reads all that a call of `train` says: defaults, then --config or the settings of --resume, then
 * the command line. Paths become absolute; ERROR_ARGUMENT for what is missing or does not go
 * together. */
pdessm_status pdessm_cli_settings_read(cli *c, cli_settings *ret);

/* Reads a YAML file whose keys are the names of options. */
pdessm_status pdessm_cli_settings_load(cli *c, const char *path, cli_settings *s);
/* Writes one that load() reads back. */
pdessm_status pdessm_cli_settings_save(cli *c, const char *path, cli_settings *s);
/* The same two on memory; `path` is for messages, *ret is released with free(). */
pdessm_status pdessm_cli_settings_parse(cli *c, const char *path, const pdessm_bytes *text,
                                        cli_settings *s);
pdessm_status pdessm_cli_settings_format(cli *c, cli_settings *s, char **ret, size_t *ret_size);

/* What the library takes. */
pdessm_train_options pdessm_cli_settings_train(const cli_settings *s);
pdessm_dataset_options pdessm_cli_settings_data(const cli_settings *s);
/* How reflow's pairs are drawn. */
pdessm_status pdessm_cli_settings_reflow(cli *c, const cli_settings *s, pdessm_sample_options *ret);
/* The preset with its overrides, made for these images. */
pdessm_status pdessm_cli_settings_model(cli *c, const cli_settings *s,
                                        const pdessm_dataset_info *images, pdessm_config *ret);

#endif
