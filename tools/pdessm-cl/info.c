/* SPDX-License-Identifier: MIT */
/* info.c: `info`: what a model file holds, in words of the paper and in physical units. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/pdessm.h>

#include "options.h"
#include "paths.h"
#include "results.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_info = {
    .name = "info",
    .meaning = "shows a model's configuration, PDE coefficients and memory needs",
    .arguments = "FILE",
    .example = PDESSM_CLI_PROGRAM " info runs/fashion/step-00003000/ema.safetensors --batch 64",
    .prints_result = 1,
    .run = run,
};

/* Least, median and largest of many numbers. */
typedef struct range {
    double least, median, most;
} range;

/* The coefficients of one block: every channel and state is one kernel. */
typedef struct block {
    int index;
    int64_t kernels;
    range width;  /* sqrt(2 K) along both principal axes, in image sides */
    range shift;  /* |b|, in image sides */
    range decay;  /* e^r: what is left of the mean */
    range weight; /* |w| */
} block;

typedef struct job {
    cli *c;
    const char *path, *file;
    int64_t batch;
    pdessm_model *model;
    block *blocks;
    int block_count;
    pdessm_memory_estimate train, sample;
} job;

/* ------------------------------------------------------------------ coefficients */

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static range range_of(double *values, int64_t count) {
    qsort(values, (size_t)count, sizeof *values, by_size);
    return (range){values[0], values[count / 2], values[count - 1]};
}

static double softplus(double x) {
    return x > 30 ? x : log1p(exp(x));
}

/* K = L L^T + eps I from raw (l0, l1, l2): the widths along its axes, smaller one first. */
static void widths_of(const float raw[3], double ret[2]) {
    const double eps = 0.5 * (0.1 / 16) * (0.1 / 16);
    double a = softplus((double)raw[0]), b = (double)raw[1], d = softplus((double)raw[2]);
    double kyy = a * a + eps, kxy = a * b, kxx = b * b + d * d + eps;
    double mean = 0.5 * (kyy + kxx), spread = hypot(0.5 * (kyy - kxx), kxy);
    ret[0] = sqrt(2 * fmax(mean - spread, eps));
    ret[1] = sqrt(2 * (mean + spread));
}

static int find_tensor(const pdessm_model *model, const char *name) {
    for (int i = 0; i < pdessm_model_tensors(model); i++)
        if (strcmp(pdessm_model_tensor_name(model, i), name) == 0)
            return i;
    return -1;
}

/* The tensor blocks.I.mixer.pde.NAME; its element count in *ret_count. */
static pdessm_status read_raw(job *j, int index, const char *name, float **ret,
                              int64_t *ret_count) {
    pdessm_context *ctx = j->c->ctx;
    pdessm_status status = PDESSM_OK;
    int64_t dims[PDESSM_MAX_RANK], count = 1;
    const char *full = pdessm_cli_text(j->c, "blocks.%d.mixer.pde.%s", index, name);
    int tensor = find_tensor(j->model, full);
    float *values = NULL;
    PDESSM_REQUIRE(ctx, tensor >= 0, PDESSM_ERROR_FILE, "%s: tensor %s is missing", j->file, full);
    int rank = pdessm_model_tensor_shape(j->model, tensor, dims);
    for (int i = 0; i < rank; i++)
        count *= dims[i];
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, sizeof *values, &values));
    PDESSM_TRY(pdessm_model_tensor_read(j->model, tensor, values));
    *ret = values;
    *ret_count = count;
    values = NULL;
out:
    free(values);
    return status;
}

static pdessm_status measure_block(job *j, int index, block *ret) {
    const double b_max = pdessm_model_get_config(j->model)->b_max;
    pdessm_status status = PDESSM_OK;
    float *diffusion = NULL, *convection = NULL, *reaction = NULL, *weight = NULL;
    double *values = NULL;
    int64_t n, kernels;
    PDESSM_TRY(read_raw(j, index, "diffusion", &diffusion, &n));
    PDESSM_TRY(read_raw(j, index, "convection", &convection, &n));
    PDESSM_TRY(read_raw(j, index, "weight", &weight, &n));
    PDESSM_TRY(read_raw(j, index, "reaction", &reaction, &kernels));
    PDESSM_TRY(pdessm_alloc(j->c->ctx, 2 * (size_t)kernels, sizeof *values, &values));
    *ret = (block){.index = index, .kernels = kernels};
    for (int64_t i = 0; i < kernels; i++)
        widths_of(diffusion + 3 * i, values + 2 * i);
    ret->width = range_of(values, 2 * kernels);
    for (int64_t i = 0; i < kernels; i++)
        values[i] =
            b_max * hypot(tanh((double)convection[2 * i]), tanh((double)convection[2 * i + 1]));
    ret->shift = range_of(values, kernels);
    for (int64_t i = 0; i < kernels; i++)
        values[i] = exp(-softplus((double)reaction[i]));
    ret->decay = range_of(values, kernels);
    for (int64_t i = 0; i < kernels; i++)
        values[i] = fabs((double)weight[i]);
    ret->weight = range_of(values, kernels);
out:
    free(diffusion);
    free(convection);
    free(reaction);
    free(weight);
    free(values);
    return status;
}

static pdessm_status measure(job *j) {
    const pdessm_config *config = pdessm_model_get_config(j->model);
    pdessm_status status = PDESSM_OK;
    if (config->mixer == PDESSM_MIXER_PDE) {
        PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)config->depth, sizeof *j->blocks, &j->blocks));
        for (; j->block_count < config->depth; j->block_count++)
            PDESSM_TRY(measure_block(j, j->block_count, &j->blocks[j->block_count]));
    }
    PDESSM_TRY(pdessm_memory_to_train(j->c->ctx, config, (int)j->batch, &j->train));
    PDESSM_TRY(pdessm_memory_to_sample(j->c->ctx, config, (int)j->batch, &j->sample));
out:
    return status;
}

/* ------------------------------------------------------------------ text */

static void print_ranges(const job *j) {
    const pdessm_config *config = pdessm_model_get_config(j->model);
    /* One image side in tokens and in pixels, along y; both axes where they agree. */
    double tokens = config->image_size[0] / (double)config->patch, pixels = config->image_size[0];
    cli_table *t = pdessm_cli_table_create("RRLLLLL");
    pdessm_cli_table_row(t, "block\tkernels\tblur width, tokens\tblur width, pixels\tshift, "
                            "tokens\tmean kept, e^r\t|weight|");
    for (int i = 0; i < j->block_count; i++) {
        const block *b = &j->blocks[i];
        pdessm_cli_table_row(
            t,
            "%d\t%lld\t%.2f %.2f %.2f\t%.2f %.2f %.2f\t%.2f %.2f %.2f\t%.3f %.3f %.3f\t%.2f %.2f "
            "%.2f",
            b->index, (long long)b->kernels, b->width.least * tokens, b->width.median * tokens,
            b->width.most * tokens, b->width.least * pixels, b->width.median * pixels,
            b->width.most * pixels, b->shift.least * tokens, b->shift.median * tokens,
            b->shift.most * tokens, b->decay.least, b->decay.median, b->decay.most, b->weight.least,
            b->weight.median, b->weight.most);
    }
    pdessm_cli_table_print(t, stdout);
    puts("each range: least, median, largest over channels and states; blur width = sqrt(2K)");
}

static const char *const mixer_names[] = {"pde", "attention", "free filter",
                                          "depthwise 3x3 convolution"};

static void print_text(const job *j) {
    const pdessm_config *k = pdessm_model_get_config(j->model);
    printf("model       %s\n", j->file);
    printf("mixer       %s", mixer_names[k->mixer]);
    if (k->mixer == PDESSM_MIXER_PDE)
        printf(", %d states, %s solution, expand %d, b_max %g", k->states,
               k->solution == PDESSM_FORCED ? "forced" : "evolve", k->expand, k->b_max);
    else if (k->mixer == PDESSM_MIXER_ATTENTION)
        printf(", %d heads", k->heads);
    else
        printf(", expand %d", k->expand);
    printf("\nsize        depth %d, width %d, patch %d\n", k->depth, k->width, k->patch);
    printf("images      %d x %d, %d channels, %d classes\n", k->image_size[0], k->image_size[1],
           k->channels, k->num_classes);
    printf("tokens      %d x %d (positions refer to %d x %d)\n", k->image_size[0] / k->patch,
           k->image_size[1] / k->patch, k->reference_grid[0], k->reference_grid[1]);
    printf("parameters  %lld\n", (long long)pdessm_model_parameter_count(j->model));
    printf("memory      batch %lld: train %s (activations %s), sample %s\n", (long long)j->batch,
           pdessm_cli_bytes(j->train.total).text, pdessm_cli_bytes(j->train.activations).text,
           pdessm_cli_bytes(j->sample.total).text);
    printf("work        an image: a training step %.3g GFLOP, one evaluation %.3g GFLOP\n",
           j->train.flops / 1e9 / (double)j->batch, j->sample.flops / 1e9 / (double)j->batch);
    if (j->block_count) {
        puts("");
        print_ranges(j);
    }
}

/* ------------------------------------------------------------------ JSON */

static void add_range(cJSON *row, const char *key, range r, double scale) {
    cJSON *o = pdessm_cli_json_object(row, key);
    pdessm_cli_json_number(o, "least", scale * r.least);
    pdessm_cli_json_number(o, "median", scale * r.median);
    pdessm_cli_json_number(o, "most", scale * r.most);
}

static void add_memory(cJSON *json, const char *key, const pdessm_memory_estimate *m) {
    cJSON *o = pdessm_cli_json_object(json, key);
    pdessm_cli_json_number(o, "parameters_bytes", (double)m->parameters);
    pdessm_cli_json_number(o, "optimizer_bytes", (double)m->optimizer);
    pdessm_cli_json_number(o, "activations_bytes", (double)m->activations);
    pdessm_cli_json_number(o, "total_bytes", (double)m->total);
    pdessm_cli_json_number(o, "largest_buffer_bytes", (double)m->largest_buffer);
    pdessm_cli_json_number(o, "flops", m->flops);
}

static pdessm_status print_json(job *j) {
    const pdessm_config *config = pdessm_model_get_config(j->model);
    double tokens = config->image_size[0] / (double)config->patch, pixels = config->image_size[0];
    char *text = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_config_to_json(j->c->ctx, config, &text));
    cJSON *json = pdessm_cli_json_begin(j->c);
    pdessm_cli_json_text(json, "model", j->file);
    cJSON_AddItemToObject(json, "config", pdessm_cli_need(cJSON_Parse(text)));
    pdessm_cli_json_number(json, "parameters", (double)pdessm_model_parameter_count(j->model));
    pdessm_cli_json_number(json, "batch", (double)j->batch);
    add_memory(json, "memory_to_train", &j->train);
    add_memory(json, "memory_to_sample", &j->sample);
    cJSON *rows = pdessm_cli_json_array(json, "blocks");
    for (int i = 0; i < j->block_count; i++) {
        const block *b = &j->blocks[i];
        cJSON *row = pdessm_cli_json_row(rows);
        pdessm_cli_json_number(row, "block", b->index);
        pdessm_cli_json_number(row, "kernels", (double)b->kernels);
        add_range(row, "blur_width_tokens", b->width, tokens);
        add_range(row, "blur_width_pixels", b->width, pixels);
        add_range(row, "shift_tokens", b->shift, tokens);
        add_range(row, "shift_pixels", b->shift, pixels);
        add_range(row, "mean_kept", b->decay, 1);
        add_range(row, "weight", b->weight, 1);
    }
    pdessm_cli_json_print(json);
out:
    free(text);
    return status;
}

static pdessm_status run(cli *c) {
    job j = {.c = c, .batch = 64};
    cli_option options[] = {
        {"batch", 'b', CLI_WHOLE, &j.batch, "N", "batch for the memory estimates (64)", 1, 1 << 20},
    };
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(
        pdessm_cli_begin(c, options, CLI_COUNT(options), &(cli_positional){"FILE", &j.path}, 1));
    PDESSM_REQUIRE(c->ctx, j.path, PDESSM_ERROR_ARGUMENT,
                   "the file is missing; expected a safetensors file, a checkpoint or a run");
    PDESSM_TRY(pdessm_cli_find_model(c, j.path, &j.file));
    PDESSM_TRY(pdessm_cli_open_device(c));
    PDESSM_TRY(pdessm_model_load(c->device, j.file, 0, &j.model));
    PDESSM_TRY(measure(&j));
    if (c->format == CLI_FORMAT_JSON)
        PDESSM_TRY(print_json(&j));
    else
        print_text(&j);
out:
    free(j.blocks);
    pdessm_model_destroy(&j.model);
    return status;
}
