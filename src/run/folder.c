/* SPDX-License-Identifier: MIT */
/* folder.c: the folder of a run: a new one, or one that is resumed, and what can be found in it. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "files/atomic_dir.h"
#include "files/atomic_file.h"
#include "files/file.h"
#include "run/run.h"

enum { MOST_CLASS_NAMES = 4096 };

pdessm_run_path pdessm_run_at(const pdessm_run *run, const char *name, ...) {
    pdessm_run_path path;
    const int length = snprintf(path.text, sizeof path.text, "%s/", run->folder);
    va_list arguments;
    va_start(arguments, name);
    vsnprintf(path.text + length, sizeof path.text - (size_t)length, name, arguments);
    va_end(arguments);
    return path;
}

/* ------------------------------------------------------------------ to train in */

/* Does the folder have an entry whose name begins like this? */
static int has_entry(const char *folder, const char *beginning) {
    int found = 0;
    DIR *dir = opendir(folder);
    for (const struct dirent *e; dir && !found && (e = readdir(dir));)
        found = strncmp(e->d_name, beginning, strlen(beginning)) == 0;
    if (dir)
        closedir(dir);
    return found;
}

static int holds_a_run(const char *folder) {
    return has_entry(folder, "config.yaml") || has_entry(folder, "log.csv") ||
           has_entry(folder, "step-");
}

/* A run that was killed before its first checkpoint starts again, which gives the same bits. */
static pdessm_status find_checkpoint(pdessm_run *run) {
    pdessm_status status = pdessm_checkpoint_newest(run->ctx, run->folder, &run->checkpoint);
    if (status != PDESSM_OK || run->checkpoint)
        return status;
    if (has_entry(run->folder, "step-"))
        return pdessm_fail(
            run->ctx, PDESSM_ERROR_FILE,
            "%s: no complete checkpoint (step-*) to resume from; start again with another --out",
            run->folder);
    pdessm_log(run->ctx, PDESSM_LOG_NOTE, "%s has no checkpoint yet: the run starts again",
               run->folder);
    return PDESSM_OK;
}

pdessm_status pdessm_run_take_folder(pdessm_run *run) {
    pdessm_status status = PDESSM_OK;
    if (run->settings.resume)
        return find_checkpoint(run);
    PDESSM_REQUIRE(run->ctx, !holds_a_run(run->folder), PDESSM_ERROR_ARGUMENT,
                   "%s holds a run already; resume it with --resume %s, or use another --out",
                   run->folder, run->folder);
    PDESSM_TRY(pdessm_make_folder(run->ctx, run->folder));
out:
    return status;
}

pdessm_status pdessm_run_write_settings(pdessm_run *run) {
    return pdessm_run_settings_save(run->ctx, pdessm_run_at(run, "config.yaml").text,
                                    &run->settings);
}

/* ------------------------------------------------------------------ the model */

static pdessm_status newest_of_run(pdessm_context *ctx, const char *folder, char **ret_file) {
    char *newest = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_checkpoint_newest(ctx, folder, &newest));
    PDESSM_REQUIRE(ctx, newest, PDESSM_ERROR_FILE,
                   "%s: no complete checkpoint (step-*) in this folder; expected a safetensors "
                   "file, a checkpoint, or the folder of a run",
                   folder);
    PDESSM_TRY(pdessm_path_join(ctx, newest, "ema.safetensors", ret_file));
    pdessm_log(ctx, PDESSM_LOG_NOTE, "model %s", *ret_file);
out:
    free(newest);
    return status;
}

pdessm_status pdessm_run_find_model(pdessm_context *ctx, const char *path, char **ret_file) {
    if (pdessm_dir_is_complete(path))
        return pdessm_path_join(ctx, path, "ema.safetensors", ret_file);
    if (pdessm_is_folder(path))
        return newest_of_run(ctx, path, ret_file);
    char *file = strdup(path);
    if (!file)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: a path");
    *ret_file = file;
    return PDESSM_OK;
}

static pdessm_status expect_task(pdessm_context *ctx, const pdessm_model *model, const char *file,
                                 pdessm_model_task task) {
    if (pdessm_model_get_config(model)->task == task)
        return PDESSM_OK;
    return pdessm_fail(
        ctx, PDESSM_ERROR_ARGUMENT,
        task == PDESSM_TASK_CLASSIFY
            ? "%s: draws images, expected a classifier (train --task classify)"
            : "%s: is a classifier, expected a model that draws images (train without "
              "--task classify)",
        file);
}

pdessm_status pdessm_run_load_model(pdessm_device *device, const char *path, pdessm_model_task task,
                                    char **ret_file, pdessm_model **ret) {
    pdessm_context *ctx = device->ctx;
    pdessm_status status = PDESSM_OK;
    char *file = NULL;
    pdessm_model *model = NULL;
    PDESSM_TRY(pdessm_run_find_model(ctx, path, &file));
    PDESSM_TRY(pdessm_model_load(device, file, 0, &model));
    PDESSM_TRY(expect_task(ctx, model, file, task));
    *ret = model;
    model = NULL;
    *ret_file = file;
    file = NULL;
out:
    pdessm_model_destroy(&model);
    free(file);
    return status;
}

/* ------------------------------------------------------------------ names of classes */

pdessm_status pdessm_run_write_class_names(pdessm_run *run) {
    pdessm_status status = PDESSM_OK;
    pdessm_output *output = NULL;
    const pdessm_dataset_info *info = &run->images;
    if (!info->class_names || info->num_classes > MOST_CLASS_NAMES)
        return PDESSM_OK;
    PDESSM_TRY(pdessm_output_create(run->ctx, pdessm_run_at(run, "classes.txt").text, -1, &output));
    for (int64_t i = 0; i < info->num_classes; i++) {
        PDESSM_TRY(pdessm_output_write(output, info->class_names[i], strlen(info->class_names[i])));
        PDESSM_TRY(pdessm_output_write(output, "\n", 1));
    }
    PDESSM_TRY(pdessm_output_finish(output));
out:
    pdessm_output_destroy(&output);
    return status;
}

/* classes.txt beside the file, or a folder above it: RUN/step-00000100/ema.safetensors. */
static FILE *open_class_names(const char *model_file) {
    const char *slash = strrchr(model_file, '/'), *folder = slash ? model_file : "./";
    const int length = slash ? (int)(slash + 1 - model_file) : 2;
    char path[PDESSM_RUN_PATH];
    snprintf(path, sizeof path, "%.*sclasses.txt", length, folder);
    FILE *file = fopen(path, "r");
    snprintf(path, sizeof path, "%.*s../classes.txt", length, folder);
    return file ? file : fopen(path, "r");
}

/* Pointers and names are one block. */
pdessm_status pdessm_run_read_class_names(pdessm_context *ctx, const char *model_file, int count,
                                          char ***ret) {
    enum { LONGEST = 256 };
    char **names = NULL;
    pdessm_status status = pdessm_alloc(ctx, (size_t)count + 1, sizeof *names + LONGEST, &names);
    if (status != PDESSM_OK)
        return status;
    FILE *file = open_class_names(model_file);
    for (int i = 0; i < count; i++) {
        char *line = (char *)(names + count + 1) + (size_t)i * LONGEST;
        names[i] = line;
        if (file && fgets(line, LONGEST, file) && line[strcspn(line, "\n")] == '\n')
            line[strcspn(line, "\n")] = '\0';
        else
            snprintf(line, LONGEST, "%d", i);
    }
    if (file)
        fclose(file);
    *ret = names;
    return PDESSM_OK;
}
