/* SPDX-License-Identifier: MIT */
/* train.c: `train`: begins a run in a new folder, or goes on with one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pdessm/safetensors.h>

#include "model/maps/map.h"
#include "precondition/precondition.h"
#include "run/folder.h"
#include "run/reflow.h"
#include "run/run.h"
#include "run/schedule.h"
#include "settings.h"
#include "shared/interrupt.h"
#include "shared/paths.h"
#include "shared/print.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_train = {
    .name = "train",
    .meaning = "trains a model by flow matching, or a classifier",
    .arguments = "--data D --model PRESET --out DIR | --config FILE --out DIR | --resume DIR",
    .example = PDESSM_CLI_PROGRAM " train --data fashion-mnist --model pde-nano/4 --steps 3000 "
                                  "--out runs/fashion",
    .prints_result = 1,
    .run = run,
};

typedef struct job {
    cli *c;
    pdessm_run_settings settings;
    const char *folder;
    char *checkpoint; /* of --resume */
    pdessm_dataset *data;
    pdessm_dataset_info
        images;               /* of the data; with reflow under the names of its model's classes */
    pdessm_precondition *map; /* NULL: none */
    pdessm_config config;
    cli_reflow reflow;
    cli_accuracy accuracy;
    cli_train_run run;
} job;

/* ------------------------------------------------------------------ before the first step */

static int fits(const pdessm_memory_estimate *need, const pdessm_device_info *info) {
    return need->total <= info->memory && need->largest_buffer <= info->largest_allocation;
}

static pdessm_status check_memory(job *j) {
    cli *c = j->c;
    const pdessm_device_info *info = pdessm_device_get_info(c->device);
    pdessm_memory_estimate need, smaller;
    pdessm_train_options options = pdessm_run_settings_train_options(&j->settings);
    int batch = options.batch, advice = 0;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_train_memory(c->ctx, &j->config, &options, &need));
    pdessm_cli_note(c, "memory: %s of %s (activations %s)", pdessm_text_of_bytes(need.total).text,
                    pdessm_text_of_bytes(info->memory).text,
                    pdessm_text_of_bytes(need.activations).text);
    if (fits(&need, info))
        return PDESSM_OK;
    for (int b = batch / 2; b >= 1 && !advice; b /= 2) {
        options.batch = b;
        PDESSM_TRY(pdessm_train_memory(c->ctx, &j->config, &options, &smaller));
        advice = fits(&smaller, info) ? b : 0;
    }
    const char *change =
        advice
            ? pdessm_cli_text(c, "use --batch %d --accum %lld", advice,
                              (long long)(j->settings.accumulate * ((batch + advice - 1) / advice)))
            : "even --batch 1 does not fit: use a smaller model or larger patches";
    status = pdessm_fail(c->ctx, PDESSM_ERROR_MEMORY,
                         "training needs %s, its largest buffer %s; %s has %s and allocates at "
                         "most %s at once: %s",
                         pdessm_text_of_bytes(need.total).text,
                         pdessm_text_of_bytes(need.largest_buffer).text, info->name,
                         pdessm_text_of_bytes(info->memory).text,
                         pdessm_text_of_bytes(info->largest_allocation).text, change);
out:
    return status;
}

/* The folder is a run from here on: an interruption among the pairs costs little. */
static pdessm_status draw_pairs(job *j) {
    cli *c = j->c;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_open_device(c));
    PDESSM_TRY(
        pdessm_cli_train_folder(j->c, j->folder, j->settings.resume != NULL, &j->checkpoint));
    PDESSM_TRY(pdessm_run_settings_save(c->ctx, pdessm_cli_text(c, "%s/config.yaml", j->folder),
                                        &j->settings));
    PDESSM_TRY(pdessm_cli_reflow(c, &j->settings, j->folder, j->checkpoint, &j->reflow));
out:
    return status;
}

static pdessm_status open_data(job *j) {
    const pdessm_dataset_options options = pdessm_run_settings_dataset_options(&j->settings);
    const pdessm_run_settings *s = &j->settings;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(
        pdessm_dataset_open(j->c->ctx, s->reflow ? j->reflow.pairs : s->data, &options, &j->data));
    const pdessm_dataset_info *info = pdessm_dataset_get_info(j->data);
    j->images = *info;
    j->config = j->reflow.config;
    if (s->reflow)
        j->images.class_names = j->reflow.class_names;
    if (s->model)
        PDESSM_TRY(pdessm_run_settings_model(j->c->ctx, s, info, &j->config));
    pdessm_cli_note(j->c, "data: %lld images of %lld x %lld x %lld, %lld classes",
                    (long long)info->count, (long long)info->height, (long long)info->width,
                    (long long)info->channels, (long long)info->num_classes);
    if (info->channels != 1 && info->channels != 3 && s->sample_every) {
        pdessm_cli_warn(j->c,
                        "no pictures in samples/: the data has %lld channels, a picture "
                        "1 or 3",
                        (long long)info->channels);
        j->settings.sample_every = 0;
    }
    if (j->config.task == PDESSM_TASK_CLASSIFY) {
        j->settings.sample_every = 0;
        PDESSM_TRY(pdessm_cli_accuracy_open(j->c, s, info, &j->accuracy));
        j->run.accuracy = &j->accuracy;
    }
out:
    return status;
}

/* Weights mean something in the space that they were trained in: that of images, or of a map. */
static pdessm_status warn_of_other_space(job *j, const char *file) {
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors *weights = NULL;
    pdessm_precondition *map = NULL;
    PDESSM_TRY(pdessm_safetensors_open(j->c->ctx, file, &weights));
    PDESSM_TRY(pdessm_map_read(j->c->device, weights, file, &map));
    if (map && j->map && !pdessm_precondition_equal(map, j->map))
        pdessm_cli_warn(j->c,
                        "%s was trained behind another map (%s, here %s; kind, data or options "
                        "differ): it has much to unlearn",
                        file, pdessm_precondition_name(pdessm_precondition_get_info(map)->kind),
                        pdessm_precondition_name(pdessm_precondition_get_info(j->map)->kind));
    else if (!map != !j->map)
        pdessm_cli_warn(j->c, "%s was trained %s a map, this run is %s one: it has much to unlearn",
                        file, map ? "behind" : "without", map ? "without" : "behind");
out:
    pdessm_precondition_destroy(&map);
    pdessm_safetensors_destroy(&weights);
    return status;
}

/* The weights to begin with: --init, or reflow's model where the student is its twin. */
static pdessm_status load_first_weights(job *j) {
    cli *c = j->c;
    const char *init = j->settings.init, *file = j->reflow.file;
    char *twin[2] = {NULL, NULL};
    pdessm_status status = PDESSM_OK;
    if (init)
        file = NULL;
    if (init && strcmp(init, "random") != 0)
        PDESSM_TRY(pdessm_cli_find_model(c, init, &file));
    if (!init && file) {
        PDESSM_TRY(pdessm_config_to_json(c->ctx, &j->config, &twin[0]));
        PDESSM_TRY(pdessm_config_to_json(c->ctx, &j->reflow.config, &twin[1]));
        if (strcmp(twin[0], twin[1]) != 0)
            file = NULL;
    }
    if (file) {
        PDESSM_TRY(pdessm_trainer_load(j->run.trainer, file));
        PDESSM_TRY(warn_of_other_space(j, file));
    }
    if (file || j->settings.reflow)
        pdessm_cli_note(c, "weights begin %s%s", file ? "as those of " : "at random",
                        file ? file : "");
out:
    free(twin[0]);
    free(twin[1]);
    return status;
}

/* The first stage of preconditioned training: from here on the data is what the map makes of it. */
static pdessm_status even_out(job *j) {
    pdessm_status status = PDESSM_OK;
    const char *teacher = NULL;
    if (j->settings.reflow && j->checkpoint) /* the student has it by now */
        teacher = pdessm_cli_text(j->c, "%s/model.safetensors", j->checkpoint);
    else if (j->settings.reflow)
        PDESSM_TRY(pdessm_cli_find_model(j->c, j->settings.reflow, &teacher));
    /* The folder is a run from here on, so that an interrupted fit can go on. A fit that is refused
     * leaves the folder free for another try. */
    const char *config = pdessm_cli_text(j->c, "%s/config.yaml", j->folder);
    const int is_new = access(config, F_OK) != 0;
    if (j->settings.precondition != PDESSM_PRECONDITION_NONE)
        PDESSM_TRY(pdessm_run_settings_save(j->c->ctx, config, &j->settings));
    status =
        pdessm_cli_train_precondition(j->c, &j->settings, j->folder, teacher, &j->data, &j->map);
    if (status != PDESSM_OK && status != PDESSM_ERROR_CANCELLED && is_new)
        unlink(config);
    PDESSM_TRY(status);
    if (!j->settings.reflow)
        j->images = *pdessm_dataset_get_info(j->data);
out:
    return status;
}

static pdessm_status make_trainer(job *j) {
    const pdessm_train_options options = pdessm_run_settings_train_options(&j->settings);
    pdessm_status status =
        j->checkpoint
            ? pdessm_trainer_resume(j->c->device, j->data, j->checkpoint, &options, &j->run.trainer)
            : pdessm_trainer_create(j->c->device, j->data, &j->config, &options, &j->run.trainer);
    if (status == PDESSM_OK && j->checkpoint)
        pdessm_cli_note(j->c, "going on from %s", j->checkpoint);
    if (status == PDESSM_OK && !j->checkpoint)
        status = load_first_weights(j);
    if (status == PDESSM_OK)
        status = pdessm_trainer_set_precondition(j->run.trainer, j->map);
    return status;
}

/* The files that make the folder a run, once nothing but the training can go wrong. */
static pdessm_status open_run(job *j) {
    cli *c = j->c;
    cli_train_run *r = &j->run;
    int64_t step = pdessm_trainer_step_count(r->trainer);
    pdessm_status status = PDESSM_OK;
    r->c = c;
    r->settings = &j->settings;
    r->folder = j->folder;
    r->images = &j->images;
    r->saved_step = j->checkpoint ? step : -1;
    PDESSM_TRY(pdessm_cli_train_log_open(c, pdessm_cli_text(c, "%s/log.csv", j->folder), step,
                                         j->settings.multiscale, &r->log));
    if (r->accuracy)
        PDESSM_TRY(pdessm_cli_accuracy_begin(r->accuracy, j->folder, step));
    PDESSM_TRY(pdessm_run_settings_save(c->ctx, pdessm_cli_text(c, "%s/config.yaml", j->folder),
                                        &j->settings));
    PDESSM_TRY(pdessm_cli_write_class_names(c, j->folder, r->images));
out:
    return status;
}

/* ------------------------------------------------------------------ afterwards */

static void print_result(job *j, const char *checkpoint) {
    const cli_train_run *r = &j->run;
    int64_t step = pdessm_trainer_step_count(r->trainer);
    if (j->c->format == CLI_FORMAT_TEXT) {
        puts(checkpoint);
        return;
    }
    cJSON *json = pdessm_cli_json_begin(j->c);
    pdessm_cli_json_text(json, "checkpoint", checkpoint);
    pdessm_cli_json_number(json, "steps", (double)step);
    pdessm_cli_json_number(json, "loss", r->last_loss);
    pdessm_cli_json_number(json, "images_per_second", r->images_per_second);
    pdessm_cli_json_number(json, "seconds", r->log.seconds);
    pdessm_cli_json_number(json, "bad_steps", (double)r->bad_steps);
    if (r->accuracy && r->accuracy->step == step) {
        pdessm_cli_json_number(json, "test_accuracy", r->accuracy->value);
        pdessm_cli_json_number(json, "test_images",
                               (double)pdessm_dataset_get_info(r->accuracy->test)->count);
    }
    pdessm_cli_json_print(json);
}

static pdessm_status finish(job *j) {
    int64_t step = pdessm_trainer_step_count(j->run.trainer);
    const char *checkpoint = pdessm_cli_text(j->c, "%s/step-%08lld", j->folder, (long long)step);
    if (pdessm_cli_interrupted())
        return pdessm_fail(j->c->ctx, PDESSM_ERROR_CANCELLED,
                           "interrupted after step %lld, saved in %s; go on with "
                           "`pdessm-cl train --resume %s`",
                           (long long)step, checkpoint, j->folder);
    if (step < j->settings.steps)
        pdessm_cli_note(j->c,
                        "the time is up after step %lld of %lld; go on with "
                        "`pdessm-cl train --resume %s`",
                        (long long)step, (long long)j->settings.steps, j->folder);
    print_result(j, checkpoint);
    return PDESSM_OK;
}

static pdessm_status train(job *j) {
    pdessm_status status = PDESSM_OK;
    if (j->settings.reflow)
        PDESSM_TRY(draw_pairs(j));
    PDESSM_TRY(open_data(j));
    PDESSM_TRY(pdessm_cli_levels(j->c, &j->settings, &j->config));
    if (!j->c->device)
        PDESSM_TRY(pdessm_cli_open_device(j->c));
    PDESSM_TRY(check_memory(j));
    if (!j->settings.reflow)
        PDESSM_TRY(
            pdessm_cli_train_folder(j->c, j->folder, j->settings.resume != NULL, &j->checkpoint));
    PDESSM_TRY(even_out(j));
    PDESSM_TRY(make_trainer(j));
    PDESSM_TRY(open_run(j));
    if (pdessm_trainer_step_count(j->run.trainer) < j->settings.steps)
        PDESSM_TRY(pdessm_cli_train_run(&j->run));
    else
        pdessm_cli_note(j->c, "the run has its %lld steps already; --steps N extends it",
                        (long long)j->settings.steps);
    if (j->run.accuracy && !pdessm_cli_interrupted())
        PDESSM_TRY(pdessm_cli_accuracy_test(j->run.accuracy, j->run.trainer));
    PDESSM_TRY(finish(j));
out:
    return status;
}

static pdessm_status run(cli *c) {
    job j = {.c = c};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_settings_read(c, &j.settings));
    j.folder = j.settings.resume ? j.settings.resume : j.settings.out;
    PDESSM_TRY(train(&j));
out:
    pdessm_run_settings_release(&j.settings);
    pdessm_trainer_destroy(&j.run.trainer);
    pdessm_cli_train_log_close(&j.run.log);
    pdessm_cli_accuracy_close(&j.accuracy);
    pdessm_precondition_destroy(&j.map);
    pdessm_dataset_destroy(&j.data);
    free(j.checkpoint);
    return status;
}
