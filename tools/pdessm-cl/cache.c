/* SPDX-License-Identifier: MIT */
/* cache.c: `cache`: the compiled kernels on disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/network.h"
#include <pdessm/data.h>
#include <pdessm/sample.h>
#include <pdessm/train.h>

#include "shared/options.h"
#include "shared/paths.h"
#include "shared/print.h"
#include "shared/progress.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_cache = {
    .name = "cache",
    .meaning = "lists, clears or fills the cache of compiled kernels",
    .arguments = "list|clear|warm",
    .example = PDESSM_CLI_PROGRAM " cache warm --device gpu --model pde-s/2 --batch 16",
    .prints_result = 1,
    .run = run,
};

typedef struct contents {
    char path[4096];
    int64_t files, bytes;
    double seconds; /* that warming took */
} contents;

static void print(cli *c, const char *action, const contents *k) {
    if (c->format == CLI_FORMAT_TEXT) {
        printf("%s: %lld files, %s\n", k->path, (long long)k->files,
               pdessm_text_of_bytes(k->bytes).text);
        if (strcmp(action, "warm") == 0)
            printf("warming took %.1f s\n", k->seconds);
        return;
    }
    cJSON *json = pdessm_cli_json_begin(c);
    pdessm_cli_json_text(json, "action", action);
    pdessm_cli_json_text(json, "path", k->path);
    pdessm_cli_json_number(json, "files", (double)k->files);
    pdessm_cli_json_number(json, "bytes", (double)k->bytes);
    if (strcmp(action, "warm") == 0)
        pdessm_cli_json_number(json, "seconds", k->seconds);
    pdessm_cli_json_print(json);
}

/* ------------------------------------------------------------------ warm */

typedef struct warming {
    const char *model;
    int64_t batch, size[2], channels;
    int sampling_only;
    double seconds;
} warming;

/* The configuration of a preset, or of a checkpoint where the name is none. */
static pdessm_status find_config(cli *c, const warming *w, pdessm_config *ret) {
    pdessm_status status = PDESSM_OK;
    const char *file = NULL;
    pdessm_model *model = NULL;
    if (access(w->model, F_OK) != 0)
        PDESSM_TRY(pdessm_config_preset(c->ctx, w->model, ret));
    else {
        PDESSM_TRY(pdessm_cli_find_model(c, w->model, &file));
        PDESSM_TRY(pdessm_model_load(c->device, file, 0, &model));
        *ret = *pdessm_model_get_config(model);
    }
    for (int i = 0; i < 2; i++)
        ret->image_size[i] = w->size[i] ? (int)w->size[i] : ret->image_size[i];
    ret->channels = w->channels ? (int)w->channels : ret->channels;
    PDESSM_TRY(pdessm_config_check(c->ctx, ret));
out:
    pdessm_model_destroy(&model);
    return status;
}

/* All that `sample` may launch: a fixed-step solver, guidance, an adaptive solver. Its tolerance is
 * so wide that few steps do. */
static pdessm_status warm_sampling(cli *c, const pdessm_config *config, int64_t batch) {
    static const struct {
        pdessm_solver solver;
        double guidance;
    } ways[] = {{PDESSM_HEUN, 1}, {PDESSM_HEUN, 2}, {PDESSM_RK4, 1}, {PDESSM_DOPRI5, 1}};
    pdessm_status status = PDESSM_OK;
    pdessm_model *model = NULL;
    float *images = NULL;
    int32_t *labels = NULL; /* class 0: without labels there is nothing to guide to */
    int64_t floats = batch * config->channels * config->image_size[0] * config->image_size[1];
    PDESSM_TRY(pdessm_alloc(c->ctx, (size_t)floats, sizeof *images, &images));
    PDESSM_TRY(pdessm_alloc(c->ctx, (size_t)batch, sizeof *labels, &labels));
    PDESSM_TRY(pdessm_model_create(c->device, config, 0, &model));
    PDESSM_TRY(pdessm_model_init(model, 1));
    for (int i = 0; i < CLI_COUNT(ways); i++) {
        pdessm_sample_options o = pdessm_sample_defaults();
        o.solver = ways[i].solver;
        o.guidance = ways[i].guidance;
        o.steps = 1;
        o.rtol = o.atol = 10;
        o.batch = (int)batch;
        PDESSM_TRY(pdessm_sample(model, &o, batch, labels, images, NULL));
    }
out:
    free(images);
    free(labels);
    pdessm_model_destroy(&model);
    return status;
}

/* A step on drawn figures, of which there are 10 classes in 1 or 3 channels. Kernels do not depend
 * on the number of classes; for other channels the optimiser's are left to the first step. */
static pdessm_status warm_training(cli *c, const pdessm_config *config, int64_t batch) {
    pdessm_config figures = *config;
    pdessm_dataset_options images = {.height = config->image_size[0],
                                     .width = config->image_size[1],
                                     .channels = config->channels,
                                     .limit = batch,
                                     .seed = 1};
    pdessm_train_options o = pdessm_train_defaults();
    pdessm_dataset *data = NULL;
    pdessm_trainer *trainer = NULL;
    pdessm_train_report report;
    pdessm_status status = PDESSM_OK;
    if (config->channels != 1 && config->channels != 3)
        return pdessm_cli_network_run(config, batch, c->device);
    figures.num_classes = 10;
    o.batch = (int)batch;
    o.steps = 1;
    PDESSM_TRY(pdessm_dataset_open(c->ctx, "shapes", &images, &data));
    PDESSM_TRY(pdessm_trainer_create(c->device, data, &figures, &o, &trainer));
    PDESSM_TRY(pdessm_trainer_step(trainer));
    PDESSM_TRY(pdessm_trainer_report(trainer, &report));
out:
    pdessm_trainer_destroy(&trainer);
    pdessm_dataset_destroy(&data);
    return status;
}

/* Runs what the model will run, once: kernels are built on first use, and so are their variants for
 * sizes of work-groups that some drivers make. */
static pdessm_status warm(cli *c, warming *w) {
    pdessm_status status = PDESSM_OK;
    pdessm_config config;
    cli_progress bar;
    double begin = pdessm_seconds();
    pdessm_cli_progress_begin(&bar, c, "warm", 0);
    PDESSM_TRY(pdessm_cli_open_device(c));
    PDESSM_TRY(find_config(c, w, &config));
    if (!c->device->backend) {
        pdessm_cli_note(c, "plain C has no kernels to compile; name an OpenCL device to warm "
                           "its cache (see devices)");
        goto out;
    }
    pdessm_cli_progress_update(&bar, 0.0, "sampling");
    PDESSM_TRY(warm_sampling(c, &config, w->batch));
    pdessm_cli_progress_update(&bar, 0.4, "training");
    if (!w->sampling_only)
        PDESSM_TRY(warm_training(c, &config, w->batch));
    pdessm_cli_progress_update(&bar, 1, "done");
    w->seconds = pdessm_seconds() - begin;
out:
    pdessm_cli_progress_end(&bar);
    return status;
}

/* ------------------------------------------------------------------ the subcommand */

/* Without the OpenCL module there is no cache, which is no failure. */
static pdessm_status look(cli *c, int clear, contents *ret) {
    const pdessm_backend *backend = NULL;
    pdessm_status status = PDESSM_OK;
    *ret = (contents){.path = "no cache"};
    if (pdessm_backend_load(c->ctx, &backend) != PDESSM_OK) {
        pdessm_cli_note(c, "%s", pdessm_context_error(c->ctx));
        return PDESSM_OK;
    }
    if (clear)
        PDESSM_TRY(backend->cache_clear(c->ctx));
    PDESSM_TRY(backend->cache_info(c->ctx, ret->path, sizeof ret->path, &ret->files, &ret->bytes));
out:
    return status;
}

static pdessm_status run(cli *c) {
    const char *action = NULL;
    warming w = {.model = "pde-nano/4", .batch = 4};
    cli_option options[] = {
        {"model", 'm', CLI_TEXT, &w.model, "PRESET",
         "warm: compile the kernels of this model: a preset, a file or a run"},
        {"batch", 'b', CLI_WHOLE, &w.batch, "N", "warm: images per step", 1, 1 << 20},
        {"image-size", 0, CLI_SIZE, w.size, "HxW", "warm: image size (default: the model's)", 1,
         1 << 14},
        {"channels", 0, CLI_WHOLE, &w.channels, "N",
         "warm: channels of an image (default: the model's)", 1, 1 << 10},
        {"sampling-only", 0, CLI_FLAG, &w.sampling_only, NULL,
         "warm: leave out the kernels of training"},
    };
    contents k;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(
        pdessm_cli_begin(c, options, CLI_COUNT(options), &(cli_positional){"ACTION", &action}, 1));
    PDESSM_REQUIRE(c->ctx,
                   action && (strcmp(action, "list") == 0 || strcmp(action, "clear") == 0 ||
                              strcmp(action, "warm") == 0),
                   PDESSM_ERROR_ARGUMENT, "%s%s; expected list, clear or warm",
                   action ? "there is no action " : "the action is missing", action ? action : "");
    if (strcmp(action, "warm") == 0)
        PDESSM_TRY(warm(c, &w));
    PDESSM_TRY(look(c, strcmp(action, "clear") == 0, &k));
    k.seconds = w.seconds;
    print(c, action, &k);
out:
    return status;
}
