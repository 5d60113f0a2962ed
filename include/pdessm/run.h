/* SPDX-License-Identifier: MIT */
/* run.h: a training run: its settings. */
#ifndef PDESSM_RUN_H
#define PDESSM_RUN_H

#include <pdessm/fit.h>
#include <pdessm/train.h>

#ifdef __cplusplus
extern "C" {
#endif
/* Everything that a run can be told. settings.def has a row for each member: its meaning, default
 * and bounds, and the name of the option and of the key in a file. Whole numbers are int64_t, real
 * ones double, flags int, sizes int64_t[2] (height, width). Texts that a file brought belong to the
 * settings, those that a caller puts in stay the caller's. */
typedef struct pdessm_run_settings {
#define PDESSM_DROP(...)
#define PDESSM_KEEP(...) __VA_ARGS__
#define PDESSM_OF_RUN PDESSM_KEEP
#define PDESSM_OF_TRAIN PDESSM_KEEP
#define PDESSM_OF_MODEL PDESSM_KEEP
#define PDESSM_OF_TRAINER PDESSM_DROP
#define PDESSM_OF_CONFIG PDESSM_DROP
#define PDESSM_WHOLE(owner, member, ...) PDESSM_OF_##owner(int64_t member;)
#define PDESSM_REAL(owner, member, ...) PDESSM_OF_##owner(double member;)
#define PDESSM_FLAG(owner, member, ...) PDESSM_OF_##owner(int member;)
#define PDESSM_CHOICE(owner, member, type, ...) PDESSM_OF_##owner(type member;)
#define PDESSM_TEXT(owner, member, ...) PDESSM_OF_##owner(const char *member;)
#define PDESSM_SIZE(owner, member, ...) PDESSM_OF_##owner(int64_t member[2];)
#include <pdessm/settings.def>
#undef PDESSM_OF_RUN
#undef PDESSM_OF_TRAIN
#undef PDESSM_OF_MODEL
#undef PDESSM_OF_TRAINER
#undef PDESSM_OF_CONFIG
#undef PDESSM_KEEP
#undef PDESSM_DROP
    int64_t level_steps[PDESSM_MOST_LEVELS]; /* coarse_steps by level */
    struct pdessm_run_text *texts;           /* what belongs to the settings */
} pdessm_run_settings;

/* The defaults for a task. */
PDESSM_API pdessm_run_settings pdessm_run_settings_defaults(pdessm_model_task task);
PDESSM_API void pdessm_run_settings_release(pdessm_run_settings *settings);

/* Reads a YAML file whose keys are the names of options; what it does not name stays. ERROR_FILE
 * names the line. */
PDESSM_API pdessm_status pdessm_run_settings_load(pdessm_context *ctx, const char *path,
                                                  pdessm_run_settings *settings);
/* Writes one that load() reads back. */
PDESSM_API pdessm_status pdessm_run_settings_save(pdessm_context *ctx, const char *path,
                                                  const pdessm_run_settings *settings);

/* ERROR_ARGUMENT for what is missing or does not go together. */
PDESSM_API pdessm_status pdessm_run_settings_check(pdessm_context *ctx,
                                                   const pdessm_run_settings *settings);

/* What the trainer, the data set and the drawing of reflow's pairs are told. */
PDESSM_API pdessm_train_options
pdessm_run_settings_train_options(const pdessm_run_settings *settings);
PDESSM_API pdessm_dataset_options
pdessm_run_settings_dataset_options(const pdessm_run_settings *settings);
PDESSM_API pdessm_sample_options
pdessm_run_settings_reflow_options(const pdessm_run_settings *settings);
/* The preset with its overrides, made for these images. */
PDESSM_API pdessm_status pdessm_run_settings_model(pdessm_context *ctx,
                                                   const pdessm_run_settings *settings,
                                                   const pdessm_dataset_info *images,
                                                   pdessm_config *ret);

#ifdef __cplusplus
}
#endif
#endif
