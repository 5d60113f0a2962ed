/* SPDX-License-Identifier: MIT */
/* run.h: a training run as a folder keeps it: settings, data, log, checkpoints, pictures drawn on
 * the way. What pdessm-cl train does; docs/example_train.c trains with it. */
#ifndef PDESSM_RUN_H
#define PDESSM_RUN_H

#include <pdessm/fit.h>
#include <pdessm/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------- settings */

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

/* What the trainer and the data set are told. */
PDESSM_API pdessm_train_options
pdessm_run_settings_train_options(const pdessm_run_settings *settings);
PDESSM_API pdessm_dataset_options
pdessm_run_settings_dataset_options(const pdessm_run_settings *settings);
/* The preset with its overrides, made for these images. */
PDESSM_API pdessm_status pdessm_run_settings_model(pdessm_context *ctx,
                                                   const pdessm_run_settings *settings,
                                                   const pdessm_dataset_info *images,
                                                   pdessm_config *ret);

/* ----------------------------------------------------------------------------------- a run */

typedef struct pdessm_run pdessm_run;

typedef enum pdessm_run_stage {
    PDESSM_RUN_PAIRS, /* reflow's model draws its pairs */
    PDESSM_RUN_FIT,   /* a map is fitted */
    PDESSM_RUN_MAP,   /* the images are taken through it */
    PDESSM_RUN_TRAIN,
    PDESSM_RUN_PICTURES, /* drawn while the training waits */
    PDESSM_RUN_TEST,     /* of a classifier, while the training waits */
} pdessm_run_stage;

/* How far a run is. Every stage begins with a share of 0 (training with what was done before) and
 * ends with 1, unless it fails or is cancelled. */
typedef struct pdessm_run_progress {
    pdessm_run_stage stage;
    double share;             /* of the stage; of training: by steps, or by max_time if that ends
                                 it first */
    int64_t done, total;      /* steps of training; images of pairs, pictures and tests; else 0 */
    int level;                /* of training: that of the last step */
    double loss;              /* of training, as last seen; NaN: not yet */
    double images_per_second; /* of training; 0: not known yet */
} pdessm_run_progress;

/* Who looks on. All zero: nobody. */
typedef struct pdessm_run_watcher {
    /* Nonzero cancels: stages before the first step keep what is done, training saves and ends. */
    int (*progress)(void *user, const pdessm_run_progress *progress);
    void *user;
} pdessm_run_watcher;

/* Makes a run ready: settings->out is the folder of a new one, which must not hold a run, or
 * settings->resume that of an earlier one, whose newest checkpoint it resumes bit for bit; the
 * other is NULL. Reads the data, and where the settings ask for it draws reflow's pairs or fits a
 * map, which may take long. Nothing is left of a run that is refused; ERROR_CANCELLED leaves a
 * folder that can be resumed. The log is locked until the run is destroyed: ERROR_FAILED when
 * another run is open in that folder. Messages call settings by their options (--batch).
 *
 * watcher may be NULL. Texts of the settings, and the device, must outlive the run. */
PDESSM_API pdessm_status pdessm_run_open(pdessm_device *device, const pdessm_run_settings *settings,
                                         const pdessm_run_watcher *watcher, pdessm_run **ret);

/* The same for the folder of an earlier run with the settings that it keeps. */
PDESSM_API pdessm_status pdessm_run_resume(pdessm_device *device, const char *folder,
                                           const pdessm_run_watcher *watcher, pdessm_run **ret);

/* Does not save. Accepts NULL, nulls the handle. */
PDESSM_API void pdessm_run_destroy(pdessm_run **run);

/* Trains until `step` steps are done, and at most the settings' number; logs, saves, draws and
 * tests when each is due. All of that is done, too, where the run ends: after its last step, after
 * max_time (seconds since the first call), or when the watcher cancels, which is ERROR_CANCELLED;
 * the same call then continues. ERROR_NUMERIC: ten steps in a row had a loss or gradient that is
 * not finite. */
PDESSM_API pdessm_status pdessm_run_step_until(pdessm_run *run, int64_t step);

/* Writes a checkpoint unless this step has one, with a line of the log, and removes all but the
 * newest settings->keep. */
PDESSM_API pdessm_status pdessm_run_save(pdessm_run *run);

typedef enum pdessm_run_ending {
    PDESSM_RUN_UNFINISHED, /* step_until() can continue it */
    PDESSM_RUN_COMPLETE,   /* has all its steps */
    PDESSM_RUN_TIME_UP,
    PDESSM_RUN_CANCELLED,
} pdessm_run_ending;

typedef struct pdessm_run_result {
    pdessm_run_ending ending;
    int64_t step;             /* steps done */
    const char *checkpoint;   /* the newest; NULL: none yet */
    double loss;              /* as last seen; NaN: never */
    double images_per_second; /* by the last line of this process in the log; 0: none yet */
    double seconds;           /* of all processes that trained it, by the last line of the log */
    int64_t bad_steps;        /* skipped because not finite */
    double accuracy;          /* of a classifier after this step; NaN: not tested */
    int64_t test_images;
} pdessm_run_result;
/* Valid until the next call about this run. */
PDESSM_API const pdessm_run_result *pdessm_run_get_result(pdessm_run *run);

/* With what was decided since: steps for each level, no pictures where none can be drawn. */
PDESSM_API const pdessm_run_settings *pdessm_run_get_settings(const pdessm_run *run);

/* Owned by the run: its models, for whoever draws or evaluates on the way. */
PDESSM_API pdessm_trainer *pdessm_run_get_trainer(pdessm_run *run);

/* -------------------------------------------------------------------- the folder of a run */

/* The safetensors file that a path means as a model: the file itself, the averaged weights of a
 * checkpoint folder, or those of the newest checkpoint of a run. *ret_file: free(). */
PDESSM_API pdessm_status pdessm_run_find_model(pdessm_context *ctx, const char *path,
                                               char **ret_file);

/* Finds that file and loads it, refusing a model that was trained for something else. */
PDESSM_API pdessm_status pdessm_run_load_model(pdessm_device *device, const char *path,
                                               pdessm_model_task task, char **ret_file,
                                               pdessm_model **ret);

/* Names of the classes of a model file, from classes.txt in its folder or the one above, else their
 * numbers: count of them, released with one free(). */
PDESSM_API pdessm_status pdessm_run_read_class_names(pdessm_context *ctx, const char *model_file,
                                                     int count, char ***ret);

/* A log by columns. All zero is empty and releasable. */
typedef struct pdessm_run_log {
    int columns;
    int64_t rows;
    char **name;    /* [columns] */
    double **value; /* [columns][rows]; NaN is a number here */
    int cut_off;    /* the last line was half written and is left out */
} pdessm_run_log;

/* Reads FOLDER/NAME, log.csv or accuracy.csv, also of a run that trains just now. The first line
 * names the columns, every other line has a number for each; anything else is ERROR_FILE. */
PDESSM_API pdessm_status pdessm_run_log_read(pdessm_context *ctx, const char *folder,
                                             const char *name, pdessm_run_log *ret);
PDESSM_API void pdessm_run_log_release(pdessm_run_log *log);

/* The numbers of a column; NULL when there is none of that name. */
PDESSM_API const double *pdessm_run_log_column(const pdessm_run_log *log, const char *name);

#ifdef __cplusplus
}
#endif
#endif
