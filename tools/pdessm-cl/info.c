/* SPDX-License-Identifier: MIT */
/* info.c: `info`: what a model file holds, in words of the paper and in physical units. */
#include <stdio.h>
#include <stdlib.h>

#include <pdessm/mixer_kernel.h>
#include <pdessm/pdessm.h>

#include "shared/options.h"
#include "shared/paths.h"
#include "shared/print.h"

static pdessm_status run(cli *c);

const cli_command pdessm_cli_info = {
    .name = "info",
    .meaning = "shows a model's configuration, PDE coefficients and memory needs",
    .arguments = "FILE",
    .example = PDESSM_CLI_PROGRAM " info runs/fashion/step-00003000/ema.safetensors --batch 64",
    .prints_result = 1,
    .run = run,
};

/* The coefficients of one block: every channel and state is one kernel. */
typedef struct block {
    int index;
    int64_t kernels;
    pdessm_mixer_kernel_ranges is;
} block;

typedef struct job {
    cli *c;
    const char *path, *file;
    int64_t batch;
    pdessm_model *model;
    block *blocks;
    int block_count;
    pdessm_memory_estimate train, sample;
    const char *multiscale, *level; /* of training at several resolutions; NULL: at one */
} job;

/* ------------------------------------------------------------------ how it was trained */

static pdessm_status read_training(job *j) {
    static const char *const keys[] = {"pdessm.multiscale", "pdessm.level"};
    const char **const target[] = {&j->multiscale, &j->level};
    pdessm_safetensors *file = NULL;
    pdessm_status status = pdessm_safetensors_open(j->c->ctx, j->file, &file);
    if (status != PDESSM_OK)
        return status;
    for (int i = 0; i < CLI_COUNT(keys); i++) {
        const char *text = pdessm_safetensors_metadata(file, keys[i]);
        if (text)
            *target[i] = pdessm_cli_text(j->c, "%s", text);
    }
    pdessm_safetensors_destroy(&file);
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ coefficients */

static pdessm_status measure_block(job *j, int index) {
    pdessm_mixer_kernel kernels = {0};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_mixer_kernel_read(j->model, index, &kernels));
    if (kernels.kind != PDESSM_MIXER_KERNEL_EQUATION)
        goto out;
    block *b = &j->blocks[j->block_count];
    *b = (block){.index = index, .kernels = kernels.channels * kernels.terms};
    PDESSM_TRY(pdessm_mixer_kernel_measure(j->c->ctx, &kernels, &b->is));
    j->block_count++;
out:
    pdessm_mixer_kernel_release(&kernels);
    return status;
}

static pdessm_status measure(job *j) {
    const pdessm_config *config = pdessm_model_get_config(j->model);
    pdessm_status status = PDESSM_OK;
    if (config->mixer == PDESSM_MIXER_PDE) {
        PDESSM_TRY(pdessm_alloc(j->c->ctx, (size_t)config->depth, sizeof *j->blocks, &j->blocks));
        for (int i = 0; i < config->depth; i++)
            PDESSM_TRY(measure_block(j, i));
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
            b->index, (long long)b->kernels, b->is.width.least * tokens,
            b->is.width.median * tokens, b->is.width.most * tokens, b->is.width.least * pixels,
            b->is.width.median * pixels, b->is.width.most * pixels, b->is.shift.least * tokens,
            b->is.shift.median * tokens, b->is.shift.most * tokens, b->is.decay.least,
            b->is.decay.median, b->is.decay.most, b->is.weight.least, b->is.weight.median,
            b->is.weight.most);
    }
    pdessm_cli_table_print(t, stdout);
    puts("each range: least, median, largest over channels and states; blur width = sqrt(2K)");
}

static const char *const mixer_names[] = {"pde", "attention", "free filter",
                                          "depthwise 3x3 convolution"};

static void print_words(const char *option, const char *value) {
    printf(", ");
    for (; *option; option++)
        putchar(*option == '-' ? ' ' : *option);
    printf("%s%s", *value ? " " : "", value);
}

/* What differs from the usual mixer: "no gate", "local conv3x3". Flags and choices of settings.def
 * that every configuration has are told elsewhere. */
static void print_options(const pdessm_config *k) {
    enum { FIXED = 0, UNSET = 0, RARE = 1, PDE = 0, MIXING = 0, PRESET = 0 };
#define DROP(...)
#define KEEP(...) __VA_ARGS__
#define OF_MODEL KEEP
#define OF_CONFIG DROP
#define OF_RUN DROP
#define OF_TRAIN DROP
#define OF_TRAINER DROP
#define PDESSM_FLAG(owner, member, option, group, flags, help)                                     \
    OF_##owner(if (k->member) print_words(option, "");)
#define PDESSM_CHOICE(owner, member, type, LIST, option, group, flags, initial, help)              \
    OF_##owner(if ((flags)&RARE && k->member != (initial))                                         \
                   print_words(option, type##_name(k->member));)
#include <pdessm/settings.def>
    if (k->attention_layers)
        printf(", attention of %d heads in %d of %d blocks", k->heads, k->attention_layers,
               k->depth);
}

static void print_map(const pdessm_precondition *map) {
    if (!map)
        return;
    const pdessm_precondition_info *i = pdessm_precondition_get_info(map);
    printf("map         %s, epsilon %g, ", pdessm_precondition_name(i->kind), i->epsilon);
    if (i->classes > 1)
        printf("one for each of %lld classes, ", (long long)i->classes);
    printf("%lld numbers\n", (long long)i->numbers);
}

static void print_text(const job *j) {
    const pdessm_config *k = pdessm_model_get_config(j->model);
    printf("model       %s\n", j->file);
    printf("mixer       %s", mixer_names[k->mixer]);
    if (k->mixer == PDESSM_MIXER_PDE)
        printf(", %d states, %s solution, expand %d, b_max %g", k->states,
               pdessm_solution_name(k->solution), k->expand, k->b_max);
    else if (k->mixer == PDESSM_MIXER_ATTENTION)
        printf(", %d heads", k->heads);
    else
        printf(", expand %d", k->expand);
    print_options(k);
    printf("\ntask        %s\n", pdessm_model_task_name(k->task));
    printf("size        depth %d, width %d, patch %d\n", k->depth, k->width, k->patch);
    printf("images      %d x %d, %d channels, %d classes\n", k->image_size[0], k->image_size[1],
           k->channels, k->num_classes);
    printf("tokens      %d x %d (positions refer to %d x %d)\n", k->image_size[0] / k->patch,
           k->image_size[1] / k->patch, k->reference_grid[0], k->reference_grid[1]);
    printf("parameters  %lld\n", (long long)pdessm_model_parameter_count(j->model));
    print_map(pdessm_model_get_precondition(j->model));
    if (j->multiscale)
        printf("training    %s; last at level %s\n", j->multiscale, j->level ? j->level : "?");
    printf("memory      batch %lld: train %s (activations %s), sample %s\n", (long long)j->batch,
           pdessm_text_of_bytes(j->train.total).text,
           pdessm_text_of_bytes(j->train.activations).text,
           pdessm_text_of_bytes(j->sample.total).text);
    printf("work        an image: a training step %.3g GFLOP, one evaluation %.3g GFLOP\n",
           j->train.flops / 1e9 / (double)j->batch, j->sample.flops / 1e9 / (double)j->batch);
    if (j->block_count) {
        puts("");
        print_ranges(j);
    }
}

/* ------------------------------------------------------------------ JSON */

static void add_range(cJSON *row, const char *key, pdessm_range r, double scale) {
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

static void add_map(cJSON *json, const pdessm_precondition *map) {
    const pdessm_precondition_info *i = pdessm_precondition_get_info(map);
    cJSON *o = pdessm_cli_json_object(json, "precondition");
    pdessm_cli_json_text(o, "kind", pdessm_precondition_name(i->kind));
    pdessm_cli_json_number(o, "classes", (double)i->classes);
    pdessm_cli_json_number(o, "epsilon", i->epsilon);
    pdessm_cli_json_number(o, "numbers", (double)i->numbers);
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
    if (pdessm_model_get_precondition(j->model))
        add_map(json, pdessm_model_get_precondition(j->model));
    if (j->multiscale)
        pdessm_cli_json_text(json, "multiscale", j->multiscale);
    if (j->level)
        pdessm_cli_json_number(json, "level", atof(j->level));
    pdessm_cli_json_number(json, "batch", (double)j->batch);
    add_memory(json, "memory_to_train", &j->train);
    add_memory(json, "memory_to_sample", &j->sample);
    cJSON *rows = pdessm_cli_json_array(json, "blocks");
    for (int i = 0; i < j->block_count; i++) {
        const block *b = &j->blocks[i];
        cJSON *row = pdessm_cli_json_row(rows);
        pdessm_cli_json_number(row, "block", b->index);
        pdessm_cli_json_number(row, "kernels", (double)b->kernels);
        add_range(row, "blur_width_tokens", b->is.width, tokens);
        add_range(row, "blur_width_pixels", b->is.width, pixels);
        add_range(row, "shift_tokens", b->is.shift, tokens);
        add_range(row, "shift_pixels", b->is.shift, pixels);
        add_range(row, "mean_kept", b->is.decay, 1);
        add_range(row, "weight", b->is.weight, 1);
    }
    pdessm_cli_json_print(json);
out:
    free(text);
    return status;
}

static pdessm_status run(cli *c) {
    job j = {.c = c, .batch = 64};
    cli_option options[] = {
        {"batch", 'b', CLI_WHOLE, &j.batch, "N", "batch of the memory estimates", 1, 1 << 20},
    };
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(
        pdessm_cli_begin(c, options, CLI_COUNT(options), &(cli_positional){"FILE", &j.path}, 1));
    PDESSM_REQUIRE(c->ctx, j.path, PDESSM_ERROR_ARGUMENT,
                   "the file is missing; expected a safetensors file, a checkpoint or a run");
    PDESSM_TRY(pdessm_cli_find_model(c, j.path, &j.file));
    PDESSM_TRY(pdessm_cli_open_device(c));
    PDESSM_TRY(pdessm_model_load(c->device, j.file, 0, &j.model));
    PDESSM_TRY(read_training(&j));
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
