/* SPDX-License-Identifier: MIT */
/* checkpoint.c: FOLDER/step-XXXXXXXX/{model,ema,optimizer}.safetensors, there whole or not at all.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/precondition.h>
#include <pdessm/safetensors.h>

#include "files/atomic_dir.h"
#include "train/trainer.h"

static const char FIRST[] = "exp_avg.", SECOND[] = "exp_avg_sq.";
static const char MULTISCALE[] = "pdessm.multiscale"; /* missing: full resolution alone */

/* The step that a folder's name means, or -1. */
static int64_t step_of(const char *name) {
    int64_t step;
    int used = 0;
    return sscanf(name, "step-%8" SCNd64 "%n", &step, &used) == 1 && !name[used] ? step : -1;
}

/* ------------------------------------------------------------------ writing */

/* What a checkpoint says beside its tensors, as text: [key, value]. */
typedef struct notes {
    const char *item[8][2];
    char text[8][192];
    int count, shared; /* in all, and those that model and average have too */
} notes;

static void note(notes *n, const char *key, const char *format, ...) PDESSM_PRINTF(3, 4);

static void note(notes *n, const char *key, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(n->text[n->count], sizeof n->text[n->count], format, arguments);
    va_end(arguments);
    n->item[n->count][0] = key;
    n->item[n->count][1] = n->text[n->count];
    n->count++;
}

static void take_notes(const pdessm_trainer *t, const float state[STATE_SIZE], notes *ret) {
    const pdessm_train_options *o = &t->options;
    char method[160];
    *ret = (notes){0};
    note(ret, "pdessm.step", "%" PRId64, t->step);
    if (o->resolution != PDESSM_RESOLUTION_FULL) {
        pdessm_level_text(o, sizeof method, method);
        note(ret, MULTISCALE, "%s", method);
        note(ret, "pdessm.level", "%d", pdessm_trainer_level(t));
    }
    ret->shared = ret->count;
    note(ret, "pdessm.bad_steps", "%.0f %.0f", (double)state[STATE_BAD_IN_A_ROW],
         (double)state[STATE_BAD_TOTAL]);
    note(ret, "pdessm.batch", "%d", o->batch);
    note(ret, "pdessm.accumulate", "%d", o->accumulate);
    note(ret, "pdessm.seed", "%" PRId64, (int64_t)(o->seed & INT64_MAX));
}

static pdessm_status write_files(pdessm_trainer *t, const char *folder) {
    pdessm_status status = PDESSM_OK;
    char path[4096];
    float s[STATE_SIZE];
    notes n;
    PDESSM_TRY(pdessm_tensor_read(t->state, s));
    take_notes(t, s, &n);
    const pdessm_named_arena values = {"", &t->model->values}, average = {"", &t->average->values};
    const pdessm_named_arena moments[] = {{FIRST, &t->first_moment}, {SECOND, &t->second_moment}};
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    PDESSM_TRY(pdessm_arenas_save(t->model, &values, 1, path, n.item, n.shared));
    snprintf(path, sizeof path, "%s/ema.safetensors", folder);
    PDESSM_TRY(pdessm_arenas_save(t->model, &average, 1, path, n.item, n.shared));
    snprintf(path, sizeof path, "%s/optimizer.safetensors", folder);
    PDESSM_TRY(pdessm_arenas_save(t->model, moments, 2, path, n.item, n.count));
out:
    return status;
}

static int by_step(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The complete checkpoints below a folder, rising. *ret_steps is released with free(). */
static pdessm_status list_checkpoints(pdessm_context *ctx, const char *folder, int64_t **ret_steps,
                                      int *ret_count) {
    pdessm_status status = PDESSM_OK;
    int64_t *steps = NULL;
    int count = 0, capacity = 0;
    DIR *dir = opendir(folder);
    PDESSM_REQUIRE(ctx, dir, PDESSM_ERROR_FILE, "%s: %s; expected the folder of a training run",
                   folder, strerror(errno));
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char path[4096];
        if (step_of(e->d_name) < 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (!pdessm_dir_is_complete(path)) {
            pdessm_log(ctx, PDESSM_LOG_WARNING, "%s is incomplete and ignored", path);
            continue;
        }
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            int64_t *more = realloc(steps, sizeof *steps * (size_t)capacity);
            PDESSM_REQUIRE(ctx, more, PDESSM_ERROR_MEMORY, "out of memory: list of checkpoints");
            steps = more;
        }
        steps[count++] = step_of(e->d_name);
    }
    if (count)
        qsort(steps, (size_t)count, sizeof *steps, by_step);
    *ret_steps = steps;
    *ret_count = count;
    steps = NULL;
out:
    if (dir)
        closedir(dir);
    free(steps);
    return status;
}

static pdessm_status remove_old(pdessm_trainer *t, const char *folder, int keep) {
    pdessm_status status = PDESSM_OK;
    int64_t *steps = NULL;
    int count = 0;
    PDESSM_TRY(list_checkpoints(t->ctx, folder, &steps, &count));
    for (int i = 0; i < count - keep; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/step-%08" PRId64, folder, steps[i]);
        PDESSM_TRY(pdessm_remove_tree(t->ctx, path));
    }
out:
    free(steps);
    return status;
}

pdessm_status pdessm_trainer_save(pdessm_trainer *trainer, const char *folder, int keep) {
    pdessm_status status = PDESSM_OK;
    pdessm_atomic_dir *dir = NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s/step-%08" PRId64, folder, trainer->step);
    PDESSM_TRY(pdessm_atomic_dir_create(trainer->ctx, path, &dir));
    PDESSM_TRY(write_files(trainer, pdessm_atomic_dir_path(dir)));
    PDESSM_TRY(pdessm_atomic_dir_publish(dir));
    if (keep > 0)
        PDESSM_TRY(remove_old(trainer, folder, keep));
out:
    pdessm_atomic_dir_destroy(&dir);
    return status;
}

/* ------------------------------------------------------------------ reading */

pdessm_status pdessm_checkpoint_newest(pdessm_context *ctx, const char *folder, char **ret_path) {
    pdessm_status status = PDESSM_OK;
    int64_t *steps = NULL;
    char *path = NULL;
    int count = 0;
    PDESSM_TRY(list_checkpoints(ctx, folder, &steps, &count));
    if (count) {
        size_t size = strlen(folder) + 32;
        PDESSM_TRY(pdessm_alloc(ctx, size, 1, &path));
        snprintf(path, size, "%s/step-%08" PRId64, folder, steps[count - 1]);
    }
    *ret_path = path;
out:
    free(steps);
    return status;
}

/* A whole number kept in the file's metadata. */
static pdessm_status metadata_number(pdessm_context *ctx, const pdessm_safetensors *file,
                                     const char *path, const char *key, int64_t *ret) {
    const char *text = pdessm_safetensors_metadata(file, key);
    char *end = NULL;
    int64_t value = text ? strtoll(text, &end, 10) : -1;
    if (!text || *end || value < 0)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: metadata %s is %s, expected a whole number",
                           path, key, text ? text : "missing");
    *ret = value;
    return PDESSM_OK;
}

/* Other settings are allowed, but then the run is not the one that was interrupted. */
static pdessm_status compare_settings(pdessm_trainer *t, const pdessm_safetensors *file,
                                      const char *path) {
    const struct {
        const char *key;
        int64_t now;
    } settings[] = {{"pdessm.batch", t->options.batch},
                    {"pdessm.accumulate", t->options.accumulate},
                    {"pdessm.seed", (int64_t)(t->options.seed & INT64_MAX)}};
    pdessm_status status = PDESSM_OK;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        int64_t then = 0;
        PDESSM_TRY(metadata_number(t->ctx, file, path, settings[i].key, &then));
        if (then != settings[i].now)
            pdessm_log(t->ctx, PDESSM_LOG_WARNING,
                       "%s was %" PRId64 " when the checkpoint was written and is %" PRId64
                       " now: the run will not be the same",
                       settings[i].key + strlen("pdessm."), then, settings[i].now);
    }
    char now[160];
    const char *then = pdessm_safetensors_metadata(file, MULTISCALE);
    pdessm_level_text(&t->options, sizeof now, now);
    if (strcmp(then ? then : "full", now) != 0)
        pdessm_log(t->ctx, PDESSM_LOG_WARNING,
                   "resolution was '%s' when the checkpoint was written and is '%s' now: the run "
                   "will not be the same",
                   then ? then : "full", now);
out:
    return status;
}

static pdessm_status read_optimizer(pdessm_trainer *t, const char *path) {
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors *file = NULL;
    float s[STATE_SIZE] = {0};
    PDESSM_TRY(pdessm_safetensors_open(t->ctx, path, &file));
    PDESSM_TRY(metadata_number(t->ctx, file, path, "pdessm.step", &t->step));
    PDESSM_TRY(compare_settings(t, file, path));
    const char *bad = pdessm_safetensors_metadata(file, "pdessm.bad_steps");
    if (bad && sscanf(bad, "%f %f", &s[STATE_BAD_IN_A_ROW], &s[STATE_BAD_TOTAL]) == 2)
        PDESSM_TRY(pdessm_tensor_write(t->state, s));
    PDESSM_TRY(pdessm_arena_load(t->model, file, FIRST, &t->first_moment));
    PDESSM_TRY(pdessm_arena_load(t->model, file, SECOND, &t->second_moment));
out:
    pdessm_safetensors_destroy(&file);
    return status;
}

static pdessm_status read_weights(pdessm_model *model, const char *path) {
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors *file = NULL;
    PDESSM_TRY(pdessm_safetensors_open(model->ctx, path, &file));
    PDESSM_TRY(pdessm_arena_load(model, file, "", &model->values));
out:
    pdessm_safetensors_destroy(&file);
    return status;
}

pdessm_status pdessm_trainer_load(pdessm_trainer *trainer, const char *path) {
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(trainer->ctx, trainer->step == 0, PDESSM_ERROR_ARGUMENT,
                   "%s: weights can be replaced before the first step only", path);
    PDESSM_TRY(read_weights(trainer->model, path));
    PDESSM_TRY(read_weights(trainer->average, path));
out:
    return status;
}

pdessm_status pdessm_trainer_resume(pdessm_device *device, pdessm_dataset *data,
                                    const char *checkpoint, const pdessm_train_options *options,
                                    pdessm_trainer **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_model *model = NULL;
    pdessm_trainer *t = NULL;
    char path[4096];
    PDESSM_REQUIRE(device->ctx, pdessm_dir_is_complete(checkpoint), PDESSM_ERROR_FILE,
                   "%s: no complete checkpoint; expected a folder such as RUN/step-00012000",
                   checkpoint);
    snprintf(path, sizeof path, "%s/model.safetensors", checkpoint);
    PDESSM_TRY(pdessm_model_load(device, path, 1, &model));
    PDESSM_TRY(pdessm_trainer_build(device, data, options, model, &t));
    model = NULL;
    PDESSM_TRY(pdessm_model_set_precondition(t->average, t->model->precondition));
    snprintf(path, sizeof path, "%s/ema.safetensors", checkpoint);
    PDESSM_TRY(read_weights(t->average, path));
    snprintf(path, sizeof path, "%s/optimizer.safetensors", checkpoint);
    PDESSM_TRY(read_optimizer(t, path));
    PDESSM_TRY(pdessm_trainer_record(t));
    *ret = t;
    t = NULL;
out:
    pdessm_trainer_destroy(&t);
    pdessm_model_destroy(&model);
    return status;
}
