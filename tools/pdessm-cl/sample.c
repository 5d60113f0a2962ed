/* SPDX-License-Identifier: MIT */
/* sample.c: `sample`: images from a trained model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <pdessm/sample.h>

#include "files/pictures.h"
#include "shared/interrupt.h"
#include "shared/memory.h"
#include "shared/options.h"
#include "shared/paths.h"
#include "shared/print.h"
#include "shared/progress.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_sample = {
    .name = "sample",
    .meaning = "draws images from a model",
    .arguments = "--model FILE -o grid.png|x.npz|x.npy|FOLDER/",
    .example = PDESSM_CLI_PROGRAM " sample --model runs/fashion --n 100 --guidance 2 -o grid.png",
    .prints_result = 1,
    .run = run,
};

typedef struct job {
    cli *c;
    const char *model_path, *file, *out, *class_name;
    const char *parts; /* folder of images on the way, or NULL */
    int64_t n, steps, batch, size[2], scale;
    pdessm_sample_options options;
    pdessm_model *model;
    pdessm_pictures pictures;
    cli_progress bar;
    int64_t evaluations;
    double seconds;
} job;

/* ------------------------------------------------------------------ what is asked for */

static pdessm_status check_usage(job *j) {
    pdessm_context *ctx = j->c->ctx;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx, j->model_path && j->out, PDESSM_ERROR_ARGUMENT,
                   "%s is missing; expected --model FILE -o grid.png (or .npz, .npy, FOLDER/)",
                   j->model_path ? "--out" : "--model");
    status = pdessm_pictures_check(ctx, j->out);
    if (status != PDESSM_OK)
        return pdessm_fail_prefix(ctx, status, "--out");
    j->options.steps = (int)j->steps;
    j->options.batch = (int)(j->batch < j->n ? j->batch : j->n);
    j->options.height = (int)j->size[0];
    j->options.width = (int)j->size[1];
    j->options.seed = (uint64_t)j->c->seed;
out:
    return status;
}

/* One class, the null class, or all in turn: in blocks when that gives each a row of the grid. */
static pdessm_status choose_labels(job *j) {
    const int classes = pdessm_model_get_config(j->model)->num_classes;
    pdessm_status status = PDESSM_OK;
    int one = -1, used = 0;
    int is_number = sscanf(j->class_name, "%d%n", &one, &used) == 1 && !j->class_name[used];
    if (strcmp(j->class_name, "none") == 0)
        one = classes;
    else if (strcmp(j->class_name, "all") == 0)
        one = -1;
    else
        PDESSM_REQUIRE(j->c->ctx, is_number && one >= 0 && one < classes, PDESSM_ERROR_ARGUMENT,
                       "--class '%s': expected all, none, or a number from 0 to %d", j->class_name,
                       classes - 1);
    j->pictures.rows = one < 0 && j->n % classes == 0 ? classes : 0;
    for (int64_t i = 0; i < j->n; i++)
        j->pictures.labels[i] = one >= 0           ? one
                                : j->pictures.rows ? (int32_t)(i / (j->n / classes))
                                                   : (int32_t)(i % classes);
out:
    return status;
}

/* ------------------------------------------------------------------ drawing */

static pdessm_status load_model(job *j) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_open_device(j->c));
    PDESSM_TRY(
        pdessm_cli_load_model(j->c, j->model_path, PDESSM_TASK_VELOCITY, &j->file, &j->model));
    const pdessm_config *config = pdessm_model_get_config(j->model);
    j->pictures.count = j->n;
    j->pictures.channels = config->channels;
    j->pictures.height = j->size[0] ? j->size[0] : config->image_size[0];
    j->pictures.width = j->size[1] ? j->size[1] : config->image_size[1];
    j->pictures.scale = (int)j->scale;
    j->pictures.num_classes = config->num_classes;
    j->pictures.class_names = pdessm_cli_class_names(j->c, j->file, config->num_classes);
out:
    return status;
}

static pdessm_status check_memory(job *j) {
    const pdessm_pictures *p = &j->pictures;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_check_sampling(j->c, j->model, p->height, p->width,
                                         j->options.guidance != 1, j->options.batch));
    /* Floats, and what is written. */
    const double pixels = (double)(p->channels * p->height * p->width);
    PDESSM_TRY(pdessm_cli_check_host(j->c, 5 * (double)j->n * pixels,
                                     pdessm_cli_text(j->c, "%lld images", (long long)j->n),
                                     "ask for fewer with --n, in several calls of another --seed"));
out:
    return status;
}

static int show_progress(void *user, double share) {
    job *j = user;
    char detail[64];
    snprintf(detail, sizeof detail, "%lld images", (long long)j->n);
    pdessm_cli_progress_update(&j->bar, share, detail);
    return pdessm_cli_interrupted();
}

static const char *without_slash(job *j, const char *path) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return pdessm_cli_text(j->c, "%.*s", (int)length, path);
}

/* Many images are kept beside the output until that is there. */
static pdessm_status draw(job *j) {
    pdessm_cli_interrupt_catch();
    j->options.progress = show_progress;
    j->options.user = j;
    pdessm_cli_progress_begin(&j->bar, j->c, "sample", 0);
    double start = pdessm_seconds();
    if (j->n > PDESSM_CLI_PART)
        j->parts = pdessm_cli_text(j->c, "%s.parts", without_slash(j, j->out));
    const int32_t *labels = j->pictures.labels;
    float *images = j->pictures.images;
    pdessm_status status =
        j->parts ? pdessm_sample_kept(j->model, &j->options, j->n, labels, j->parts, images,
                                      &j->evaluations)
                 : pdessm_sample(j->model, &j->options, j->n, labels, images, &j->evaluations);
    j->seconds = pdessm_seconds() - start;
    pdessm_cli_progress_end(&j->bar);
    if (status == PDESSM_ERROR_CANCELLED && j->parts)
        status = pdessm_fail(j->c->ctx, status,
                             "interrupted; what is done is kept in %s; the same command resumes",
                             j->parts);
    return status;
}

static void print(job *j) {
    if (j->c->format == CLI_FORMAT_TEXT) {
        printf("%s: %lld images of %lld x %lld, %lld network evaluations each, %.2f seconds\n",
               j->out, (long long)j->n, (long long)j->pictures.height, (long long)j->pictures.width,
               (long long)j->evaluations, j->seconds);
        return;
    }
    cJSON *json = pdessm_cli_json_begin(j->c);
    pdessm_cli_json_text(json, "output", j->out);
    pdessm_cli_json_text(json, "model", j->file);
    pdessm_cli_json_number(json, "images", (double)j->n);
    pdessm_cli_json_number(json, "height", (double)j->pictures.height);
    pdessm_cli_json_number(json, "width", (double)j->pictures.width);
    pdessm_cli_json_number(json, "channels", (double)j->pictures.channels);
    pdessm_cli_json_text(json, "solver", pdessm_solver_name(j->options.solver));
    pdessm_cli_json_number(json, "steps", j->options.steps);
    pdessm_cli_json_number(json, "guidance", j->options.guidance);
    pdessm_cli_json_number(json, "seed", (double)j->c->seed);
    pdessm_cli_json_number(json, "evaluations", (double)j->evaluations);
    pdessm_cli_json_number(json, "seconds", j->seconds);
    pdessm_cli_json_print(json);
}

static pdessm_status run(cli *c) {
    job j = {.c = c, .class_name = "all", .n = 64, .scale = 1};
    j.options = pdessm_sample_defaults();
    j.steps = j.options.steps;
    j.batch = j.options.batch;
    j.options.guidance = 2;
    cli_option options[] = {
        {"model", 'm', CLI_TEXT, &j.model_path, "PATH",
         "safetensors file, checkpoint, or run folder (its newest EMA weights)"},
        {"out", 'o', CLI_TEXT, &j.out, "PATH",
         "grid.png, x.npz (uint8 NHWC), x.npy (float32 NCHW), or a folder for PNGs"},
        {"n", 'n', CLI_WHOLE, &j.n, "N",
         "number of images; more than 512 can be resumed after an interruption", 1, 1 << 24},
        {"steps", 's', CLI_WHOLE, &j.steps, "N", "solver steps", 1, 1 << 20},
        {"solver", 0, CLI_CHOICE, &j.options.solver, "NAME", "ODE solver", 0, 0,
         PDESSM_WORDS(PDESSM_SOLVERS)},
        {"guidance", 'g', CLI_REAL, &j.options.guidance, "X",
         "classifier-free guidance scale: v = v_null + X (v_class - v_null); 1: none, twice as "
         "fast",
         0, 1e3},
        {"class", 0, CLI_TEXT, &j.class_name, "CLASS", "all (in turn), none, or the number of one"},
        {"size", 0, CLI_SIZE, j.size, "HxW", "image size (default: the model's)", 1, 1 << 14},
        {"batch", 'b', CLI_WHOLE, &j.batch, "N", "images per batch", 1, 1 << 20},
        {"scale", 0, CLI_WHOLE, &j.scale, "N", "enlarge each pixel to N x N in PNGs", 1, 64},
        {"rtol", 0, CLI_REAL, &j.options.rtol, "X", "dopri5: relative tolerance", 0, 1, .rare = 1},
        {"atol", 0, CLI_REAL, &j.options.atol, "X", "dopri5: absolute tolerance", 0, 1, .rare = 1},
    };
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_cli_begin(c, options, CLI_COUNT(options), NULL, 0));
    PDESSM_TRY(check_usage(&j));
    PDESSM_TRY(load_model(&j));
    PDESSM_TRY(check_memory(&j));
    PDESSM_TRY(pdessm_pictures_allocate(c->ctx, &j.pictures));
    PDESSM_TRY(choose_labels(&j));
    PDESSM_TRY(draw(&j));
    PDESSM_TRY(pdessm_pictures_write(c->ctx, &j.pictures, j.out));
    if (j.parts)
        PDESSM_TRY(pdessm_remove_tree(c->ctx, j.parts));
    print(&j);
out:
    pdessm_pictures_release(&j.pictures);
    pdessm_model_destroy(&j.model);
    return status;
}
