/* SPDX-License-Identifier: MIT */
/* open.c: everything before the first step of a run, and its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "files/file.h"
#include "model/maps/map.h"
#include "run/run.h"
#include "run/settings.h"

/* ------------------------------------------------------------------ the data */

static pdessm_status open_data(pdessm_run *run) {
    const pdessm_run_settings *s = &run->settings;
    const pdessm_dataset_options options = pdessm_run_settings_dataset_options(s);
    const pdessm_run_path pairs = pdessm_run_at(run, "pairs.safetensors");
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(
        pdessm_dataset_open(run->ctx, s->reflow ? pairs.text : s->data, &options, &run->data));
    const pdessm_dataset_info *info = pdessm_dataset_get_info(run->data);
    run->images = *info;
    run->config = run->teacher.config;
    if (s->reflow)
        run->images.class_names = (const char *const *)run->teacher.class_names;
    if (s->model)
        PDESSM_TRY(pdessm_run_settings_model(run->ctx, s, info, &run->config));
    pdessm_log(run->ctx, PDESSM_LOG_NOTE, "data: %lld images of %lld x %lld x %lld, %lld classes",
               (long long)info->count, (long long)info->height, (long long)info->width,
               (long long)info->channels, (long long)info->num_classes);
    if (info->channels != 1 && info->channels != 3 && s->sample_every) {
        pdessm_log(run->ctx, PDESSM_LOG_WARNING,
                   "no pictures in samples/: the data has %lld channels, a picture 1 or 3",
                   (long long)info->channels);
        run->settings.sample_every = 0;
    }
    if (run->config.task == PDESSM_TASK_CLASSIFY) {
        run->settings.sample_every = 0;
        PDESSM_TRY(pdessm_run_open_test(run));
    }
out:
    return status;
}

/* ------------------------------------------------------------------ the first weights */

/* Weights mean something in the space that they were trained in: that of images, or of a map. */
static pdessm_status warn_of_other_space(pdessm_run *run, const char *file) {
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors *weights = NULL;
    pdessm_precondition *map = NULL;
    PDESSM_TRY(pdessm_safetensors_open(run->ctx, file, &weights));
    PDESSM_TRY(pdessm_map_read(run->device, weights, file, &map));
    if (map && run->map && !pdessm_precondition_equal(map, run->map))
        pdessm_log(run->ctx, PDESSM_LOG_WARNING,
                   "%s was trained behind another map (%s, here %s; kind, data or options "
                   "differ): it has much to unlearn",
                   file, pdessm_precondition_name(pdessm_precondition_get_info(map)->kind),
                   pdessm_precondition_name(pdessm_precondition_get_info(run->map)->kind));
    else if (!map != !run->map)
        pdessm_log(run->ctx, PDESSM_LOG_WARNING,
                   "%s was trained %s a map, this run is %s one: it has much to unlearn", file,
                   map ? "behind" : "without", map ? "without" : "behind");
out:
    pdessm_precondition_destroy(&map);
    pdessm_safetensors_destroy(&weights);
    return status;
}

static pdessm_status is_twin(pdessm_context *ctx, const pdessm_config *a, const pdessm_config *b,
                             int *ret) {
    char *text[2] = {NULL, NULL};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_config_to_json(ctx, a, &text[0]));
    PDESSM_TRY(pdessm_config_to_json(ctx, b, &text[1]));
    *ret = strcmp(text[0], text[1]) == 0;
out:
    free(text[0]);
    free(text[1]);
    return status;
}

/* The weights to begin with: --init, or reflow's model where the student is its twin. */
static pdessm_status load_first_weights(pdessm_run *run) {
    const char *init = run->settings.init, *file = NULL;
    char *found = NULL;
    int twin = 0;
    pdessm_status status = PDESSM_OK;
    if (init && strcmp(init, "random") != 0) {
        PDESSM_TRY(pdessm_run_find_model(run->ctx, init, &found));
        file = found;
    }
    if (!init && run->teacher.file)
        PDESSM_TRY(is_twin(run->ctx, &run->config, &run->teacher.config, &twin));
    if (twin)
        file = run->teacher.file;
    if (file) {
        PDESSM_TRY(pdessm_trainer_load(run->trainer, file));
        PDESSM_TRY(warn_of_other_space(run, file));
    }
    if (file || run->settings.reflow)
        pdessm_log(run->ctx, PDESSM_LOG_NOTE, "weights begin %s%s",
                   file ? "as those of " : "at random", file ? file : "");
out:
    free(found);
    return status;
}

static pdessm_status make_trainer(pdessm_run *run) {
    const pdessm_train_options options = pdessm_run_settings_train_options(&run->settings);
    pdessm_status status = PDESSM_OK;
    if (run->checkpoint) {
        PDESSM_TRY(pdessm_trainer_resume(run->device, run->data, run->checkpoint, &options,
                                         &run->trainer));
        pdessm_log(run->ctx, PDESSM_LOG_NOTE, "resuming from %s", run->checkpoint);
    } else {
        PDESSM_TRY(
            pdessm_trainer_create(run->device, run->data, &run->config, &options, &run->trainer));
        PDESSM_TRY(load_first_weights(run));
    }
    PDESSM_TRY(pdessm_trainer_set_precondition(run->trainer, run->map));
out:
    return status;
}

/* ------------------------------------------------------------------ the folder */

/* The files that make the folder a run, once nothing but the training can go wrong. */
static pdessm_status begin_files(pdessm_run *run) {
    const int64_t step = pdessm_trainer_step_count(run->trainer);
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_log_file_open(run->ctx, pdessm_run_at(run, "log.csv").text, step,
                                    run->settings.multiscale != PDESSM_RESOLUTION_FULL, &run->log));
    if (run->accuracy.test)
        PDESSM_TRY(pdessm_run_begin_accuracy(run, step));
    PDESSM_TRY(pdessm_run_write_settings(run));
    PDESSM_TRY(pdessm_run_write_class_names(run));
out:
    return status;
}

/* With reflow the folder is a run before the data is there: an interruption among the pairs costs
 * little. Else nothing is left of a run that cannot begin. */
static pdessm_status prepare(pdessm_run *run) {
    const int reflow = run->settings.reflow != NULL;
    pdessm_status status = PDESSM_OK;
    if (reflow) {
        PDESSM_TRY(pdessm_run_take_folder(run));
        PDESSM_TRY(pdessm_run_write_settings(run));
        PDESSM_TRY(pdessm_run_draw_pairs(run));
    }
    PDESSM_TRY(open_data(run));
    PDESSM_TRY(pdessm_run_schedule_levels(run));
    PDESSM_TRY(pdessm_run_check_memory(run));
    if (!reflow)
        PDESSM_TRY(pdessm_run_take_folder(run));
    PDESSM_TRY(pdessm_run_map_data(run));
    PDESSM_TRY(make_trainer(run));
    PDESSM_TRY(begin_files(run));
    pdessm_run_ready(run);
out:
    return status;
}

/* ------------------------------------------------------------------ the object */

/* Takes the settings over, with the texts that belong to them. */
static pdessm_status open_run(pdessm_device *device, pdessm_run_settings *settings,
                              const pdessm_run_watcher *watcher, pdessm_run **ret) {
    pdessm_context *ctx = device->ctx;
    pdessm_status status = PDESSM_OK;
    pdessm_run *run = NULL;
    PDESSM_TRY(pdessm_run_settings_check(ctx, settings));
    const char *folder = settings->resume ? settings->resume : settings->out;
    PDESSM_REQUIRE(ctx, strlen(folder) < PDESSM_RUN_FOLDER, PDESSM_ERROR_ARGUMENT,
                   "the path is too long: %.80s..", folder);
    PDESSM_TRY(pdessm_alloc(ctx, 1, sizeof *run, &run));
    run->device = device;
    run->ctx = ctx;
    run->settings = *settings;
    *settings = (pdessm_run_settings){0};
    if (watcher)
        run->watcher = *watcher;
    snprintf(run->folder, sizeof run->folder, "%s", folder);
    PDESSM_TRY(prepare(run));
    *ret = run;
    run = NULL;
out:
    pdessm_run_destroy(&run);
    return status;
}

pdessm_status pdessm_run_open(pdessm_device *device, const pdessm_run_settings *settings,
                              const pdessm_run_watcher *watcher, pdessm_run **ret) {
    pdessm_run_settings borrowed = *settings;
    borrowed.texts = NULL; /* they stay the caller's */
    return open_run(device, &borrowed, watcher, ret);
}

/* Defaults depend on the task, which the file may name. */
static pdessm_status load_settings(pdessm_context *ctx, const char *folder,
                                   pdessm_run_settings *s) {
    pdessm_status status = PDESSM_OK;
    char *path = NULL;
    PDESSM_TRY(pdessm_path_join(ctx, folder, "config.yaml", &path));
    PDESSM_TRY(pdessm_run_settings_load(ctx, path, s));
    if (s->task != PDESSM_TASK_VELOCITY) {
        const pdessm_model_task task = s->task;
        pdessm_run_settings_release(s);
        *s = pdessm_run_settings_defaults(task);
        PDESSM_TRY(pdessm_run_settings_load(ctx, path, s));
    }
    PDESSM_TRY(pdessm_run_settings_keep(ctx, s, &s->resume, folder));
out:
    free(path);
    return status;
}

pdessm_status pdessm_run_resume(pdessm_device *device, const char *folder,
                                const pdessm_run_watcher *watcher, pdessm_run **ret) {
    pdessm_run_settings settings = pdessm_run_settings_defaults(PDESSM_TASK_VELOCITY);
    pdessm_status status = load_settings(device->ctx, folder, &settings);
    if (status == PDESSM_OK)
        status = open_run(device, &settings, watcher, ret);
    pdessm_run_settings_release(&settings);
    return status;
}

void pdessm_run_destroy(pdessm_run **run) {
    pdessm_run *r = *run;
    if (!r)
        return;
    pdessm_trainer_destroy(&r->trainer);
    pdessm_log_file_close(&r->log);
    pdessm_log_file_close(&r->accuracy.log);
    pdessm_dataset_destroy(&r->accuracy.test);
    pdessm_precondition_destroy(&r->map);
    pdessm_dataset_destroy(&r->data);
    pdessm_run_settings_release(&r->settings);
    free(r->teacher.file);
    free(r->teacher.class_names);
    free(r->checkpoint);
    free(r);
    *run = NULL;
}

const pdessm_run_settings *pdessm_run_get_settings(const pdessm_run *run) {
    return &run->settings;
}

pdessm_trainer *pdessm_run_get_trainer(pdessm_run *run) {
    return run->trainer;
}
