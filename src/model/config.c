/* SPDX-License-Identifier: MIT */
/* config.c: configurations: presets, the table of their fields, and what can be built. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "model/config.h"

/* ------------------------------------------------------------------ presets */

static const struct size {
    const char *name;
    int depth, width, heads;
} sizes[] = {
    {"nano", 4, 96, 3}, {"tiny", 6, 192, 3}, {"s", 12, 384, 6},
    {"b", 12, 768, 12}, {"l", 24, 1024, 16}, {"xl", 28, 1152, 16},
};

/* In the order of pdessm_mixer. */
static const char *const preset_mixers[] = {"pde", "attn", "filter", "conv", NULL};

int pdessm_config_place(const char *text, const char *const *list) {
    for (int i = 0; text && list[i]; i++)
        if (strcmp(text, list[i]) == 0)
            return i;
    return -1;
}

static pdessm_status no_such_preset(pdessm_context *ctx, const char *name) {
    return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                       "no preset '%s'; expected MIXER-SIZE/PATCH with mixer pde, attn, filter or "
                       "conv, size nano, "
                       "tiny, s, b, l or xl, patch 2, 4 or 8, such as pde-nano/4",
                       name);
}

pdessm_status pdessm_config_preset(pdessm_context *ctx, const char *name, pdessm_config *ret) {
    char mixer[8], size[8];
    int patch = 0, used = 0;
    if (sscanf(name, "%7[a-z]-%7[a-zA-Z]/%d%n", mixer, size, &patch, &used) != 3 || name[used] ||
        pdessm_config_place(mixer, preset_mixers) < 0 || (patch != 2 && patch != 4 && patch != 8))
        return no_such_preset(ctx, name);
    for (char *p = size; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (strcmp(size, sizes[i].name) != 0)
            continue;
        *ret = (pdessm_config){
            .mixer = (pdessm_mixer)pdessm_config_place(mixer, preset_mixers),
            .width = sizes[i].width,
            .depth = sizes[i].depth,
            .heads = sizes[i].heads,
            .patch = patch,
            .expand = 1,
            .states = 8,
            .image_size = {32, 32},
            .channels = 3,
            .num_classes = 10,
            .b_max = 0.25,
        };
        return PDESSM_OK;
    }
    return no_such_preset(ctx, name);
}

/* ------------------------------------------------------------------ fields */

static const pdessm_config_field fields[] = {
    {"width", offsetof(pdessm_config, width), 4, 1 << 16, PDESSM_REQUIRED},
    {"depth", offsetof(pdessm_config, depth), 1, 1 << 12, PDESSM_REQUIRED},
    {"heads", offsetof(pdessm_config, heads), 1, 1 << 12, PDESSM_REQUIRED},
    {"patch", offsetof(pdessm_config, patch), 1, 1 << 10, PDESSM_REQUIRED},
    {"expand", offsetof(pdessm_config, expand), 1, 64, PDESSM_REQUIRED},
    {"states", offsetof(pdessm_config, states), 1, 1 << 12, PDESSM_REQUIRED},
    {"channels", offsetof(pdessm_config, channels), 1, 1 << 12, PDESSM_REQUIRED},
    {"num_classes", offsetof(pdessm_config, num_classes), 1, 1 << 24, PDESSM_REQUIRED},
    {"no_gate", offsetof(pdessm_config, no_gate), 0, 1, 0},
    {"no_convection", offsetof(pdessm_config, no_convection), 0, 1, 0},
    {"no_reaction", offsetof(pdessm_config, no_reaction), 0, 1, 0},
    {"no_skip", offsetof(pdessm_config, no_skip), 0, 1, 0},
    {"attention_layers", offsetof(pdessm_config, attention_layers), 0, 1 << 12, 0},
    {NULL, 0, 0, 0, 0},
};

static const char *const mixers[] = {"pde", "attention", "filter", "conv", NULL};
static const char *const solutions[] = {"evolve", "forced", NULL};
static const char *const tasks[] = {"velocity", "classify", NULL};
static const char *const locals[] = {"none", "conv3x3", NULL};
static const char *const paddings[] = {"periodic", "zero", NULL};
static const char *const priors[] = {"none", "gaussian", NULL};

static const pdessm_config_choice choices[] = {
    {"mixer", offsetof(pdessm_config, mixer), mixers, PDESSM_REQUIRED},
    {"solution", offsetof(pdessm_config, solution), solutions, PDESSM_REQUIRED},
    {"task", offsetof(pdessm_config, task), tasks, 0},
    {"local", offsetof(pdessm_config, local), locals, 0},
    {"padding", offsetof(pdessm_config, padding), paddings, 0},
    {"prior", offsetof(pdessm_config, prior), priors, 0},
    {NULL, 0, NULL, 0},
};

enum { LARGEST_IMAGE = 1 << 14 };

const pdessm_config_field *pdessm_config_fields(void) {
    return fields;
}

const pdessm_config_choice *pdessm_config_choices(void) {
    return choices;
}

int *pdessm_config_number(pdessm_config *config, size_t offset) {
    return (int *)(void *)((char *)config + offset);
}

/* ------------------------------------------------------------------ what can be built */

static pdessm_status out_of_range(pdessm_context *ctx, const char *key, double value, int least,
                                  int most) {
    return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "configuration: %s is %g, expected %d to %d",
                       key, value, least, most);
}

static pdessm_status check_grid(pdessm_context *ctx, pdessm_config *c) {
    static const char *const axis[] = {"height", "width"};
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < 2; i++) {
        PDESSM_REQUIRE(ctx, c->image_size[i] >= 1 && c->image_size[i] <= LARGEST_IMAGE,
                       PDESSM_ERROR_ARGUMENT, "configuration: image %s is %d, expected 1 to %d",
                       axis[i], c->image_size[i], LARGEST_IMAGE);
        PDESSM_REQUIRE(
            ctx, c->image_size[i] % c->patch == 0, PDESSM_ERROR_ARGUMENT,
            "configuration: image %s %d is not a multiple of the patch %d; pad the images or "
            "choose another patch",
            axis[i], c->image_size[i], c->patch);
        if (c->reference_grid[i] == 0)
            c->reference_grid[i] = c->image_size[i] / c->patch;
        PDESSM_REQUIRE(ctx, c->reference_grid[i] >= 1 && c->reference_grid[i] <= LARGEST_IMAGE,
                       PDESSM_ERROR_ARGUMENT,
                       "configuration: reference_grid %s is %d, expected 1 to %d", axis[i],
                       c->reference_grid[i], LARGEST_IMAGE);
    }
out:
    return status;
}

/* Block k of the N with attention is the one in the middle of the k-th part of the depth. */
pdessm_mixer pdessm_config_mixer(const pdessm_config *config, int block) {
    for (int64_t k = 0, n = config->attention_layers; k < n; k++)
        if ((2 * k + 1) * config->depth / (2 * n) == block)
            return PDESSM_MIXER_ATTENTION;
    return config->mixer;
}

/* Options of one mixer are refused with another, rather than passed over. */
static pdessm_status check_options(pdessm_context *ctx, const pdessm_config *c) {
    const struct {
        const char *key;
        int asked, baselines_too;
    } options[] = {
        {"no_gate", c->no_gate, 1},
        {"local = conv3x3", c->local != PDESSM_LOCAL_NONE, 1},
        {"no_convection", c->no_convection, 0},
        {"no_reaction", c->no_reaction, 0},
        {"no_skip", c->no_skip, 0},
        {"padding = zero", c->padding != PDESSM_PADDING_PERIODIC, 0},
        {"attention_layers", c->attention_layers > 0, 1},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        int fits = c->mixer == PDESSM_MIXER_PDE ||
                   (c->mixer != PDESSM_MIXER_ATTENTION && options[i].baselines_too);
        if (options[i].asked && !fits)
            return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                               "configuration: %s does not go with the mixer %s, expected %s",
                               options[i].key, mixers[c->mixer],
                               options[i].baselines_too ? "pde, filter or conv" : "pde");
    }
    return PDESSM_OK;
}

static pdessm_status check_fields(pdessm_context *ctx, pdessm_config *config) {
    for (const pdessm_config_field *f = fields; f->key; f++) {
        int value = *pdessm_config_number(config, f->offset);
        if (value < f->least || value > f->most)
            return out_of_range(ctx, f->key, value, f->least, f->most);
    }
    for (const pdessm_config_choice *f = choices; f->key; f++) {
        int value = *pdessm_config_number(config, f->offset), most = 0;
        while (f->names[most + 1])
            most++;
        if (value < 0 || value > most)
            return out_of_range(ctx, f->key, value, 0, most);
    }
    return PDESSM_OK;
}

pdessm_status pdessm_config_check(pdessm_context *ctx, pdessm_config *config) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(check_fields(ctx, config));
    PDESSM_REQUIRE(ctx, config->width % 4 == 0, PDESSM_ERROR_ARGUMENT,
                   "configuration: width is %d, expected a multiple of 4 (positions use quarters)",
                   config->width);
    PDESSM_TRY(check_options(ctx, config));
    PDESSM_REQUIRE(
        ctx, config->prior == PDESSM_PRIOR_NONE || config->task == PDESSM_TASK_VELOCITY,
        PDESSM_ERROR_ARGUMENT,
        "configuration: prior = gaussian is for the task velocity, a classifier has no prior");
    if (config->attention_layers > config->depth)
        return out_of_range(ctx, "attention_layers", config->attention_layers, 0, config->depth);
    int attention = config->mixer == PDESSM_MIXER_ATTENTION || config->attention_layers > 0;
    PDESSM_REQUIRE(ctx, !attention || config->width % config->heads == 0, PDESSM_ERROR_ARGUMENT,
                   "configuration: width %d is not a multiple of heads %d", config->width,
                   config->heads);
    PDESSM_REQUIRE(ctx, config->b_max > 0 && config->b_max <= 1, PDESSM_ERROR_ARGUMENT,
                   "configuration: b_max is %g, expected more than 0 and at most 1", config->b_max);
    PDESSM_TRY(check_grid(ctx, config));
out:
    return status;
}
