/* SPDX-License-Identifier: MIT */
/* precondition.c: `precondition`: fits a map to data, takes images through it and back. */
#include "precondition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/npy.h"
#include "run/settings.h"
#include "shared/interrupt.h"
#include "shared/paths.h"
#include "shared/print.h"
#include "shared/progress.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_precondition = {
    .name = "precondition",
    .meaning = "fits an invertible map to data and takes images through it",
    .arguments = "fit|apply|invert|report --data D [--map FILE] -o PATH",
    .example = PDESSM_CLI_PROGRAM " precondition fit --data fashion-mnist --kind whiten -o "
                                  "map.safetensors",
    .prints_result = 1,
    .run = run,
};

typedef struct job {
    cli *c;
    const char *verb, *data_path, *map_path, *model_path, *out;
    pdessm_split split;
    int64_t limit, n;
    pdessm_precondition_options options;
    pdessm_dataset *data;
    pdessm_precondition *map;
} job;

/* ------------------------------------------------------------------ input */

static pdessm_status check_usage(job *j) {
    static const char *const verbs[] = {"fit", "apply", "invert", "report"};
    pdessm_status status = PDESSM_OK;
    int known = 0;
    for (int i = 0; i < CLI_COUNT(verbs); i++)
        known |= j->verb && strcmp(j->verb, verbs[i]) == 0;
    PDESSM_REQUIRE(j->c->ctx, known, PDESSM_ERROR_ARGUMENT,
                   "%s: expected what to do: fit, apply, invert or report",
                   j->verb ? j->verb : "no action");
    const int fits = strcmp(j->verb, "fit") == 0, reports = strcmp(j->verb, "report") == 0;
    PDESSM_REQUIRE(j->c->ctx, j->data_path && j->out && (fits || reports || j->map_path),
                   PDESSM_ERROR_ARGUMENT,
                   "--%s is missing; expected precondition %s --data D%s -o %s",
                   !j->data_path ? "data"
                   : !j->out     ? "out"
                                 : "map",
                   j->verb, fits || reports ? "" : " --map FILE",
                   fits      ? "map.safetensors"
                   : reports ? "FOLDER"
                             : "x.safetensors (or x.npy)");
    if (reports)
        goto out;
    PDESSM_TRY(pdessm_output_check(j->c->ctx, j->out));
out:
    return status;
}

static pdessm_status open_data(job *j) {
    const pdessm_dataset_options options = {
        .split = j->split, .limit = j->limit, .seed = (uint64_t)j->c->seed};
    return pdessm_dataset_open(j->c->ctx, j->data_path, &options, &j->data);
}

/* ------------------------------------------------------------------ images */

static pdessm_status write_npy(job *j, const float *images) {
    const pdessm_dataset_info *i = pdessm_dataset_get_info(j->data);
    const pdessm_array array = {.type = PDESSM_ARRAY_FLOAT32,
                                .rank = 4,
                                .dims = {i->count, i->channels, i->height, i->width},
                                .data = (void *)images};
    return pdessm_npy_write(j->c->ctx, j->out, &array);
}

/* As `latents`, so that a reader takes the numbers as they are, with the labels. */
static pdessm_status write_safetensors(job *j, const float *images) {
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *i = pdessm_dataset_get_info(j->data);
    const pdessm_safetensors_tensor tensors[] = {
        {"latents", PDESSM_FILE_F32, 4, {i->count, i->channels, i->height, i->width}},
        {"labels", PDESSM_FILE_I32, 1, {i->count}}};
    pdessm_safetensors_writer *writer = NULL;
    PDESSM_TRY(pdessm_safetensors_writer_create(j->c->ctx, j->out, NULL, 0, tensors,
                                                1 + (i->has_labels != 0), &writer));
    PDESSM_TRY(pdessm_safetensors_writer_write(
        writer, images, (size_t)(i->count * i->channels * i->height * i->width) * sizeof *images));
    for (int64_t k = 0; i->has_labels && k < i->count; k++) {
        const int32_t label = pdessm_dataset_label(j->data, k);
        PDESSM_TRY(pdessm_safetensors_writer_write(writer, &label, sizeof label));
    }
    PDESSM_TRY(pdessm_safetensors_writer_finish(writer));
out:
    pdessm_safetensors_writer_destroy(&writer);
    return status;
}

static int ends_with(const char *text, const char *end) {
    const size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static pdessm_status convert(job *j, float *images, int32_t *labels) {
    const pdessm_dataset_info *i = pdessm_dataset_get_info(j->data);
    const int64_t pixels = i->channels * i->height * i->width;
    const int inverse = strcmp(j->verb, "invert") == 0;
    cli_progress bar;
    pdessm_cli_progress_begin(&bar, j->c, j->verb, 0);
    for (int64_t k = 0; k < i->count; k++) {
        pdessm_dataset_image(j->data, k, images + k * pixels);
        labels[k] = pdessm_dataset_label(j->data, k);
    }
    pdessm_status status =
        pdessm_precondition_convert(j->map, inverse, i->count, i->height, i->width, labels, images,
                                    pdessm_cli_precondition_show, &bar, images);
    pdessm_cli_progress_end(&bar);
    if (status == PDESSM_ERROR_CANCELLED)
        status = pdessm_fail(j->c->ctx, status, "interrupted; nothing was written");
    return status;
}

/* A folder stands for the model in it, as everywhere. */
static pdessm_status load_map(job *j) {
    const char *file = NULL;
    pdessm_status status = pdessm_cli_find_model(j->c, j->map_path, &file);
    return status == PDESSM_OK ? pdessm_precondition_load(j->c->device, file, &j->map) : status;
}

static pdessm_status take_through(job *j) {
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *i = pdessm_dataset_get_info(j->data);
    float *images = NULL;
    int32_t *labels = NULL;
    PDESSM_REQUIRE(j->c->ctx, ends_with(j->out, ".npy") || ends_with(j->out, ".safetensors"),
                   PDESSM_ERROR_ARGUMENT,
                   "%s: expected x.safetensors (images and labels) or x.npy (float32 NCHW)",
                   j->out);
    PDESSM_TRY(load_map(j));
    PDESSM_REQUIRE(j->c->ctx, i->channels == pdessm_precondition_get_info(j->map)->channels,
                   PDESSM_ERROR_SHAPE, "%s has %lld channels, the map is for %lld", j->data_path,
                   (long long)i->channels,
                   (long long)pdessm_precondition_get_info(j->map)->channels);
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)i->count,
                            (size_t)(i->channels * i->height * i->width) * sizeof *images,
                            &images));
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)i->count, sizeof *labels, &labels));
    PDESSM_TRY(convert(j, images, labels));
    PDESSM_TRY(ends_with(j->out, ".npy") ? write_npy(j, images) : write_safetensors(j, images));
out:
    free(images);
    free(labels);
    return status;
}

/* ------------------------------------------------------------------ fitting */

static pdessm_status fit_map(job *j) {
    cli_progress bar;
    const double start = pdessm_seconds();
    j->options.progress = pdessm_cli_precondition_show;
    j->options.user = &bar;
    pdessm_cli_progress_begin(&bar, j->c, "fit", 0);
    const pdessm_status status =
        pdessm_precondition_fit(j->c->device, j->data, &j->options, &j->map);
    pdessm_cli_progress_end(&bar);
    if (status != PDESSM_OK)
        return status;
    return pdessm_precondition_log_fit(j->map, j->data, pdessm_seconds() - start);
}

/* What a long fit has is kept beside the file to be, until that is there. */
static pdessm_status fit(job *j) {
    pdessm_status status = PDESSM_OK;
    j->options.folder = pdessm_cli_text(j->c, "%s.parts", j->out);
    status = fit_map(j);
    if (status == PDESSM_ERROR_CANCELLED)
        return pdessm_fail(j->c->ctx, status,
                           pdessm_is_folder(j->options.folder)
                               ? "interrupted; what is done is kept in %s; the same command resumes"
                               : "interrupted; nothing was written",
                           j->options.folder);
    PDESSM_TRY(status);
    PDESSM_TRY(pdessm_precondition_save(j->map, j->out));
    PDESSM_TRY(pdessm_remove_tree(j->c->ctx, j->options.folder));
out:
    return status;
}

/* ------------------------------------------------------------------ the report */

static pdessm_status check_fit(job *j, const pdessm_config *c, const char *file) {
    const pdessm_dataset_info *i = pdessm_dataset_get_info(j->data);
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(j->c->ctx,
                   i->channels == c->channels && i->height == c->image_size[0] &&
                       i->width == c->image_size[1] && i->num_classes <= c->num_classes,
                   PDESSM_ERROR_SHAPE,
                   "%s has images of %lld x %lld x %lld (height, width, channels) of %lld classes, "
                   "%s was trained on %d x %d x %d of %d; expected the data of its training",
                   j->data_path, (long long)i->height, (long long)i->width, (long long)i->channels,
                   (long long)i->num_classes, file, c->image_size[0], c->image_size[1], c->channels,
                   c->num_classes);
out:
    return status;
}

/* A model's own map goes before --map. */
static pdessm_status report(job *j) {
    pdessm_status status = PDESSM_OK;
    const char *file = NULL;
    pdessm_model *model = NULL;
    cli_precondition_report asked = {.data = j->data,
                                     .data_name = j->data_path,
                                     .model = j->model_path,
                                     .out = j->out,
                                     .n = j->n};
    if (j->model_path) {
        PDESSM_TRY(pdessm_cli_load_model(j->c, j->model_path, PDESSM_TASK_VELOCITY, &file, &model));
        PDESSM_TRY(check_fit(j, pdessm_model_get_config(model), file));
        asked.map = pdessm_model_get_precondition(model);
        PDESSM_REQUIRE(j->c->ctx, !j->map_path, PDESSM_ERROR_ARGUMENT,
                       "--map does not go with --model: the model %s",
                       asked.map ? "has a map" : "was trained without one");
        PDESSM_REQUIRE(j->c->ctx, j->n != 1, PDESSM_ERROR_ARGUMENT,
                       "--n 1: one image has no variance; expected 2 or more, or 0 for none");
    } else if (j->map_path) {
        PDESSM_TRY(load_map(j));
        asked.map = j->map;
    }
    PDESSM_TRY(pdessm_cli_precondition_report(j->c, &asked));
out:
    pdessm_model_destroy(&model);
    return status;
}

/* ------------------------------------------------------------------ the subcommand */

/* Mean of -ln p(x | y) over the first images, for each of their numbers; NAN where the map knows no
 * determinant. */
static pdessm_status measure(job *j, double *ret) {
    enum { TRIED = 1024 };
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *i = pdessm_dataset_get_info(j->data);
    const pdessm_precondition_kind kind = pdessm_precondition_get_info(j->map)->kind;
    const int64_t n = i->count < TRIED ? i->count : TRIED;
    const int64_t numbers = i->channels * i->height * i->width;
    int32_t labels[TRIED];
    double volume[TRIED], sum = 0;
    float *x = NULL;
    *ret = (double)NAN;
    if (kind != PDESSM_PRECONDITION_WHITEN && kind != PDESSM_PRECONDITION_REALNVP)
        return status;
    PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)(n * numbers), sizeof *x, &x));
    for (int64_t k = 0; k < n; k++) {
        pdessm_dataset_image(j->data, k, x + k * numbers);
        labels[k] = pdessm_dataset_label(j->data, k);
    }
    PDESSM_TRY(pdessm_precondition_log_det(j->map, n, i->height, i->width, labels, x, volume));
    PDESSM_TRY(pdessm_precondition_apply(j->map, n, i->height, i->width, labels, x, x));
    for (int64_t k = 0; k < n; k++)
        sum -= volume[k];
    for (int64_t k = 0; k < n * numbers; k++)
        sum += 0.5 * (double)x[k] * (double)x[k];
    *ret = sum / (double)(n * numbers) + 0.5 * log(2 * M_PI);
out:
    free(x);
    return status;
}

static pdessm_status print(job *j) {
    pdessm_status status = PDESSM_OK;
    const pdessm_precondition_info *i = pdessm_precondition_get_info(j->map);
    const char *name = pdessm_precondition_name(i->kind);
    double rms = 0, most = 0, surprise = 0;
    cJSON *json = NULL;
    if (j->c->format == CLI_FORMAT_TEXT) {
        puts(j->out);
        return PDESSM_OK;
    }
    json = pdessm_cli_json_begin(j->c);
    pdessm_cli_json_text(json, "action", j->verb);
    pdessm_cli_json_text(json, "output", j->out);
    pdessm_cli_json_text(json, "kind", name);
    pdessm_cli_json_number(json, "classes", (double)i->classes);
    pdessm_cli_json_number(json, "numbers", (double)i->numbers);
    pdessm_cli_json_number(json, "epsilon", i->epsilon);
    if (strcmp(j->verb, "fit") == 0) {
        PDESSM_TRY(pdessm_precondition_round_trip(j->map, j->data, 256, &rms, &most));
        pdessm_cli_json_number(json, "round_trip_rms", rms);
        pdessm_cli_json_number(json, "round_trip_largest", most);
    }
    if (strcmp(j->verb, "apply") == 0) {
        PDESSM_TRY(measure(j, &surprise));
        if (isfinite(surprise))
            pdessm_cli_json_number(json, "nats_per_number", surprise);
    }
    pdessm_cli_json_print(json);
    json = NULL;
out:
    cJSON_Delete(json);
    return status;
}

/* Gives an option the bounds that a setting of a run has. */
static void take_bounds(cli_option *options, int count, const char *name, const char *setting) {
    int all;
    const pdessm_setting *rows = pdessm_run_settings_rows(&all);
    for (int r = 0; r < all; r++)
        for (int i = 0; i < count; i++)
            if (strcmp(rows[r].name, setting) == 0 && strcmp(options[i].name, name) == 0) {
                options[i].least = rows[r].rule.least;
                options[i].most = rows[r].rule.most;
            }
}

static pdessm_status run(cli *c) {
    job j = {.c = c, .n = 256};
    j.options = pdessm_precondition_defaults(PDESSM_PRECONDITION_WHITEN);
    const cli_positional positional = {"ACTION", &j.verb};
    cli_option options[] = {
        {"data", 0, CLI_TEXT, &j.data_path, "DATA", "images: a name or a path, as for train"},
        {"split", 0, CLI_CHOICE, &j.split, "SPLIT", "part of the data", 0, 0,
         PDESSM_WORDS(PDESSM_SPLITS)},
        {"limit", 0, CLI_WHOLE, &j.limit, "N", "use the first N images only; 0: all"},
        {"map", 0, CLI_TEXT, &j.map_path, "FILE",
         "a fitted map, or a model or run behind a preconditioner"},
        {"model", 'm', CLI_TEXT, &j.model_path, "PATH",
         "report: a model, or a run whose checkpoints to compare"},
        {"out", 'o', CLI_TEXT, &j.out, "PATH",
         "fit: the map; apply, invert: images, .safetensors with labels or .npy; report: a folder"},
        {"kind", 0, CLI_CHOICE, &j.options.kind, "KIND", "preconditioner", 0, 0,
         PDESSM_WORDS(PDESSM_PRECONDITIONS), .group = "Fitting"},
        {"pooled", 0, CLI_FLAG, &j.options.pooled, NULL, "one map for all classes"},
        {"eps", 0, CLI_REAL, &j.options.epsilon, "X",
         "regularisation: fraction of the mean variance added to every variance"},
        {"steps", 0, CLI_WHOLE, &j.options.steps, "N",
         "realnvp, flow: training steps; an interrupted fit resumes"},
        {"shrinkage", 0, CLI_REAL, &j.options.shrinkage, "X",
         "whiten, realnvp: weight of the mean covariance of all classes", 0, 1, .rare = 1},
        {"layers", 0, CLI_WHOLE, &j.options.layers, "N", "realnvp: coupling layers", 2, 64,
         .rare = 1},
        {"hidden", 0, CLI_WHOLE, &j.options.hidden, "N",
         "realnvp: hidden width of a coupling's network", 1, 4096, .rare = 1},
        {"max-gain", 0, CLI_REAL, &j.options.max_gain, "X",
         "spectral: largest gain over that of a wave of mean power", 1, 1e6, .rare = 1},
        {"n", 'n', CLI_WHOLE, &j.n, "N",
         "report --model: images to draw for the low-eigenvalue recovery; 0: none", 0, 1 << 24,
         .rare = 1},
    };
    pdessm_status status = PDESSM_OK;
    take_bounds(options, CLI_COUNT(options), "eps", "precondition-eps");
    take_bounds(options, CLI_COUNT(options), "steps", "precondition-steps");
    PDESSM_TRY(pdessm_cli_begin(c, options, CLI_COUNT(options), &positional, 1));
    PDESSM_TRY(check_usage(&j));
    PDESSM_TRY(pdessm_cli_open_device(c));
    PDESSM_TRY(open_data(&j));
    pdessm_cli_interrupt_catch();
    j.options.seed = (uint64_t)c->seed;
    if (strcmp(j.verb, "fit") == 0) {
        PDESSM_TRY(fit(&j));
        PDESSM_TRY(print(&j));
    } else if (strcmp(j.verb, "report") == 0) {
        PDESSM_TRY(report(&j));
    } else {
        PDESSM_TRY(take_through(&j));
        PDESSM_TRY(print(&j));
    }
out:
    pdessm_precondition_destroy(&j.map);
    pdessm_dataset_destroy(&j.data);
    return status;
}
