/* SPDX-License-Identifier: MIT */
/* paths.c: model files, class names. */
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/train.h>

#include "print.h"

/* ------------------------------------------------------------------ models */

static pdessm_status newest_of_run(cli *c, const char *run, const char **ret_file) {
    char *newest = NULL;
    pdessm_status status = pdessm_checkpoint_newest(c->ctx, run, &newest);
    if (status == PDESSM_OK && !newest)
        status = pdessm_fail(c->ctx, PDESSM_ERROR_FILE,
                             "%s: no complete checkpoint (step-*) in this folder; expected a "
                             "safetensors file, a checkpoint, or the folder of a run",
                             run);
    if (status == PDESSM_OK) {
        *ret_file = pdessm_cli_text(c, "%s/ema.safetensors", newest);
        pdessm_cli_note(c, "model %s", *ret_file);
    }
    free(newest);
    return status;
}

pdessm_status pdessm_cli_find_model(cli *c, const char *path, const char **ret_file) {
    if (!pdessm_is_folder(path)) {
        *ret_file = path;
        return PDESSM_OK;
    }
    if (!pdessm_dir_is_complete(path))
        return newest_of_run(c, path, ret_file);
    *ret_file = pdessm_cli_text(c, "%s/ema.safetensors", path);
    return PDESSM_OK;
}

pdessm_status pdessm_cli_expect_task(cli *c, const pdessm_model *model, const char *file,
                                     pdessm_model_task task) {
    if (pdessm_model_get_config(model)->task == task)
        return PDESSM_OK;
    return pdessm_fail(
        c->ctx, PDESSM_ERROR_ARGUMENT,
        task == PDESSM_TASK_CLASSIFY
            ? "%s: draws images, expected a classifier (train --task classify)"
            : "%s: is a classifier, expected a model that draws images (train without "
              "--task classify)",
        file);
}

/* ------------------------------------------------------------------ names of classes */

pdessm_status pdessm_cli_write_class_names(cli *c, const char *run,
                                           const pdessm_dataset_info *info) {
    pdessm_status status = PDESSM_OK;
    pdessm_output *output = NULL;
    if (!info->class_names || info->num_classes > PDESSM_CLI_CLASS_NAMES)
        return PDESSM_OK;
    const char *path = pdessm_cli_text(c, "%s/classes.txt", run);
    PDESSM_TRY(pdessm_output_create(c->ctx, path, -1, &output));
    for (int64_t i = 0; i < info->num_classes; i++) {
        PDESSM_TRY(pdessm_output_write(output, info->class_names[i], strlen(info->class_names[i])));
        PDESSM_TRY(pdessm_output_write(output, "\n", 1));
    }
    PDESSM_TRY(pdessm_output_finish(output));
out:
    pdessm_output_destroy(&output);
    return status;
}

/* classes.txt beside the file, or one or two folders above it: RUN/step-00000100/ema.safetensors.
 */
static FILE *open_class_names(cli *c, const char *model_file) {
    const char *slash = strrchr(model_file, '/');
    const char *folder =
        slash ? pdessm_cli_text(c, "%.*s", (int)(slash - model_file), model_file) : ".";
    FILE *file = fopen(pdessm_cli_text(c, "%s/classes.txt", folder), "r");
    return file ? file : fopen(pdessm_cli_text(c, "%s/../classes.txt", folder), "r");
}

const char *const *pdessm_cli_class_names(cli *c, const char *model_file, int count) {
    /* The array itself is kept like a string: it lives as long as the run. */
    char *memory = pdessm_cli_need(calloc((size_t)count + 1, sizeof(char *)));
    const char **names = (const char **)(void *)memory;
    FILE *file = open_class_names(c, model_file);
    char line[256];
    pdessm_cli_keep(c, memory);
    for (int i = 0; i < count; i++) {
        if (file && fgets(line, sizeof line, file) && line[strcspn(line, "\n")] == '\n') {
            line[strcspn(line, "\n")] = '\0';
            names[i] = pdessm_cli_text(c, "%s", line);
        } else {
            names[i] = pdessm_cli_text(c, "%d", i);
        }
    }
    if (file)
        fclose(file);
    return names;
}
