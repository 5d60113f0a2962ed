/* SPDX-License-Identifier: MIT */
/* run.h: a training run as its folder keeps it. This room knows what stands where in a folder, in
 * which order a run is made ready, what is logged, drawn, tested and saved when, and how all of it
 * is resumed; training itself is that of `train`. It prints nothing: notes go to the context's log,
 * progress to the run's watcher.
 *
 *     config.yaml                the settings
 *     classes.txt                names of the classes, one a line
 *     log.csv, accuracy.csv      log.c; the first is locked while a process trains
 *     step-XXXXXXXX/             checkpoints
 *     samples/step-XXXXXXXX.png  pictures.c
 *     precondition.safetensors   map_stage.c, with mapped/ for a flow
 *     pairs.safetensors          reflow.c */
#ifndef PDESSM_RUN_RUN_H
#define PDESSM_RUN_RUN_H

#include <pdessm/run.h>

#include "core/context.h"
#include "run/log.h"

/* Names in a folder fit into a path with it. */
enum { PDESSM_RUN_FOLDER = PDESSM_RUN_PATH - 128 };

typedef struct pdessm_run_path {
    char text[PDESSM_RUN_PATH];
} pdessm_run_path;

struct pdessm_run {
    pdessm_device *device;
    pdessm_context *ctx;
    pdessm_run_watcher watcher;
    pdessm_run_progress now; /* what the watcher was last told */
    int cancelled;           /* the watcher said so, since the last call of the library's user */
    pdessm_run_settings settings;
    char folder[PDESSM_RUN_FOLDER];
    char *checkpoint; /* the one that the run resumes; NULL: a new run */
    pdessm_dataset *data;
    pdessm_dataset_info
        images;               /* of the data; with reflow under the names of its model's classes */
    pdessm_precondition *map; /* NULL: none */
    pdessm_config config;
    struct {                  /* of reflow */
        char *file;           /* of the model that draws; NULL when it is not needed any more */
        pdessm_config config; /* of that model, or of the run's checkpoint */
        char **class_names;   /* config.num_classes of them */
    } teacher;
    pdessm_trainer *trainer;
    pdessm_log_file log;

    struct {                  /* of a classifier */
        pdessm_dataset *test; /* NULL: not a classifier */
        pdessm_log_file log;
        int64_t step; /* of the last test; -1: none yet */
        double value; /* its result */
    } accuracy;

    /* The loop (run.c). */
    int begun, time_up;
    double start;       /* of this process's part */
    double earlier;     /* wall seconds of the parts before it */
    int64_t first_step; /* done before it */
    int64_t saved_step; /* of the last checkpoint; -1: none yet */
    double loss_sum;    /* since the last line of the log, over loss_steps good steps */
    int64_t loss_steps;
    int64_t bad_steps;              /* as last reported */
    int64_t look_step;              /* step of that report */
    int64_t line_step, line_images; /* those of the last line of the log, for images/s; so too: */
    double line_seconds;
    double last_loss, images_per_second;
    pdessm_run_path saved; /* the checkpoint of saved_step */
    pdessm_run_result result;
};

/* ------------------------------------------------------------------ folder.c */

/* A path below the run's folder; name is printf'd and short. */
pdessm_run_path pdessm_run_at(const pdessm_run *run, const char *name, ...) PDESSM_PRINTF(2, 3);

/* A run that is resumed: finds its newest checkpoint; run->checkpoint stays NULL when it has none.
 * Else makes the folder, which must not hold a run. */
pdessm_status pdessm_run_take_folder(pdessm_run *run);

/* Writes config.yaml. */
pdessm_status pdessm_run_write_settings(pdessm_run *run);

/* Writes classes.txt, where the classes have names and are not too many. */
pdessm_status pdessm_run_write_class_names(pdessm_run *run);

/* ------------------------------------------------------------------ progress.c */

/* A stage begins: the watcher is told, with a share of 0. total: of what it works on, or 0. */
void pdessm_run_begin_stage(pdessm_run *run, pdessm_run_stage stage, int64_t total);

/* The `progress` of the library's functions: tells how far the stage is. user: the run. */
int pdessm_run_tell_share(void *user, double share);

/* Tells run->now; nonzero: the run is cancelled. */
int pdessm_run_tell(pdessm_run *run);

/* ------------------------------------------------------------------ stages before the first step
 */

/* Fills in what --levels and --coarse-steps leave open and turns the latter into numbers; says what
 * came out. ERROR_ARGUMENT for what does not fit the network or the number of steps. */
pdessm_status pdessm_run_schedule_levels(pdessm_run *run);

/* Refuses what does not fit the device's memory, with the batch that would. */
pdessm_status pdessm_run_check_memory(pdessm_run *run);

/* Draws what is missing of pairs.safetensors and fills run->teacher. The checkpoint is asked
 * instead of the model once all pairs are there. */
pdessm_status pdessm_run_draw_pairs(pdessm_run *run);

/* The map that precondition.safetensors keeps, or a new one that is put there, or that of reflow's
 * model; run->data becomes the mapped set. run->map stays NULL when there is none. */
pdessm_status pdessm_run_map_data(pdessm_run *run);

/* ------------------------------------------------------------------ on the way */

/* A picture with a row of each of the first classes, drawn with the averaged weights. */
pdessm_status pdessm_run_draw_samples(pdessm_run *run);

/* Opens a classifier's test images: --test, else the test split of --data, of the size and with the
 * channels of run->images. */
pdessm_status pdessm_run_open_test(pdessm_run *run);

/* Begins or resumes accuracy.csv; lines beyond step `keep` are cut off. */
pdessm_status pdessm_run_begin_accuracy(pdessm_run *run, int64_t keep);

/* Tests the averaged weights, unless this step has been tested; logs. */
pdessm_status pdessm_run_test(pdessm_run *run);

/* The loop is ready to begin (run.c). */
void pdessm_run_ready(pdessm_run *run);

#endif
