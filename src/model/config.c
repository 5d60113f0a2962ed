/* SPDX-License-Identifier: MIT */
/* config.c: configurations: presets, the table of their fields, and what can be built. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/names.h"
#include "model/config.h"

/* ------------------------------------------------------------------ presets */

static const char *const size_names[] = {"nano", "tiny", "s", "b", "l", "xl", NULL};
static const struct size {
    int depth, width, heads;
} sizes[] = {{4, 96, 3}, {6, 192, 3}, {12, 384, 6}, {12, 768, 12}, {24, 1024, 16}, {28, 1152, 16}};

/* In the order of pdessm_mixer. */
static const char *const preset_mixers[] = {"pde", "attn", "filter", "conv", NULL};

static pdessm_status no_such_preset(pdessm_context *ctx, const char *name) {
    return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                       "no preset '%s'; expected MIXER-SIZE/PATCH with mixer %s, size %s, patch 2, "
                       "4 or 8, such as pde-nano/4",
                       name, pdessm_names_list(preset_mixers, "").text,
                       pdessm_names_list(size_names, "").text);
}

pdessm_status pdessm_config_preset(pdessm_context *ctx, const char *name, pdessm_config *ret) {
    char mixer[8], size[8];
    int patch = 0, used = 0;
    if (sscanf(name, "%7[a-z]-%7[a-zA-Z]/%d%n", mixer, size, &patch, &used) != 3 || name[used])
        return no_such_preset(ctx, name);
    for (char *p = size; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
    const int kind = pdessm_names_place(preset_mixers, mixer);
    const int place = pdessm_names_place(size_names, size);
    if (kind < 0 || place < 0 || (patch != 2 && patch != 4 && patch != 8))
        return no_such_preset(ctx, name);
    *ret = (pdessm_config){
        .mixer = (pdessm_mixer)kind,
        .width = sizes[place].width,
        .depth = sizes[place].depth,
        .heads = sizes[place].heads,
        .patch = patch,
        .expand = 1,
        .states = 8,
        .image_size = {32, 32},
        .channels = 3,
        .num_classes = 10,
        .b_max = PDESSM_USUAL_B_MAX,
    };
    return PDESSM_OK;
}

/* ------------------------------------------------------------------ fields */

PDESSM_DEFINE_NAMES(pdessm_mixer, pdessm_mixer, PDESSM_MIXERS, "mixer")
PDESSM_DEFINE_NAMES(pdessm_model_task, pdessm_model_task, PDESSM_TASKS, "task")
PDESSM_DEFINE_NAMES(pdessm_local, pdessm_local, PDESSM_LOCALS, "local operator")
PDESSM_DEFINE_NAMES(pdessm_padding, pdessm_padding, PDESSM_PADDINGS, "padding")
PDESSM_DEFINE_NAMES(pdessm_prior, pdessm_prior, PDESSM_PRIORS, "prior")

/* The rows of settings.def that are a configuration's, in their order. */
enum {
    FIXED = 0, /* what only runs are asked for */
    UNSET = 0,
    RARE = 0,
    PDE = PDESSM_FIELD_PDE,
    MIXING = PDESSM_FIELD_MIXING,
    PRESET = PDESSM_FIELD_REQUIRED,
};
#define DROP(...)
#define KEEP(...) __VA_ARGS__
#define OF_MODEL KEEP
#define OF_CONFIG KEEP
#define OF_RUN DROP
#define OF_TRAIN DROP
#define OF_TRAINER DROP

static const pdessm_config_field fields[] = {
#define PDESSM_WHOLE(owner, member, option, letter, argument, group, flags, initial, least, most,  \
                     help)                                                                         \
    OF_##owner({#member, offsetof(pdessm_config, member), least, most, flags, NULL}, )
#define PDESSM_FLAG(owner, member, option, group, flags, help)                                     \
    OF_##owner({#member, offsetof(pdessm_config, member), 0, 1, flags, NULL}, )
#define PDESSM_CHOICE(owner, member, type, LIST, option, group, flags, initial, help)              \
    OF_##owner({#member, offsetof(pdessm_config, member), 0, PDESSM_NAME_COUNT(LIST) - 1, flags,   \
                (const char *const[])PDESSM_NAMES(LIST)}, )
#include <pdessm/settings.def>
    {NULL, 0, 0, 0, 0, NULL},
};

const pdessm_config_field *pdessm_config_fields(void) {
    return fields;
}

enum { LARGEST_IMAGE = 1 << 14 };

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

static int goes_with(const pdessm_config_field *field, pdessm_mixer mixer) {
    if (field->flags & PDESSM_FIELD_PDE)
        return mixer == PDESSM_MIXER_PDE;
    return !(field->flags & PDESSM_FIELD_MIXING) || mixer != PDESSM_MIXER_ATTENTION;
}

/* Options of one mixer are refused with another, rather than passed over; but not what every
 * configuration has. */
static pdessm_status check_options(pdessm_context *ctx, pdessm_config *c) {
    for (const pdessm_config_field *f = fields; f->key; f++) {
        const int value = *pdessm_config_number(c, f->offset);
        if (value && !(f->flags & PDESSM_FIELD_REQUIRED) && !goes_with(f, c->mixer))
            return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                               "configuration: %s%s%s does not go with the mixer %s, expected %s",
                               f->key, f->names ? " = " : "", f->names ? f->names[value] : "",
                               pdessm_mixer_name(c->mixer),
                               f->flags & PDESSM_FIELD_PDE ? "pde" : "pde, filter or conv");
    }
    return PDESSM_OK;
}

static pdessm_status check_fields(pdessm_context *ctx, pdessm_config *config) {
    for (const pdessm_config_field *f = fields; f->key; f++) {
        int value = *pdessm_config_number(config, f->offset);
        if (value < f->least || value > f->most)
            return out_of_range(ctx, f->key, value, f->least, f->most);
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
