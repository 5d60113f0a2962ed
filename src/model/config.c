/* SPDX-License-Identifier: MIT */
/* config.c: configurations: presets, what can be built, and their JSON form. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "model/model.h"

/* ------------------------------------------------------------------ presets */

static const struct size {
    const char *name;
    int depth, width, heads;
} sizes[] = {
    {"nano", 4, 96, 3}, {"tiny", 6, 192, 3}, {"s", 12, 384, 6},
    {"b", 12, 768, 12}, {"l", 24, 1024, 16}, {"xl", 28, 1152, 16},
};

/* Presets and files name mixers differently; the order is that of pdessm_mixer. */
static const char *const preset_mixers[] = {"pde", "attn", "filter", "conv", NULL};
static const char *const mixers[] = {"pde", "attention", "filter", "conv", NULL};
static const char *const solutions[] = {"evolve", "forced", NULL};

/* The place of a text in a list that ends with NULL, or -1. */
static int place(const char *text, const char *const *list) {
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
        place(mixer, preset_mixers) < 0 || (patch != 2 && patch != 4 && patch != 8))
        return no_such_preset(ctx, name);
    for (char *p = size; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (strcmp(size, sizes[i].name) != 0)
            continue;
        *ret = (pdessm_config){
            .mixer = (pdessm_mixer)place(mixer, preset_mixers),
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

/* Every whole-number field with its JSON key and the range that makes sense. */
static const struct field {
    const char *key;
    size_t offset;
    int least, most;
} fields[] = {
    {"width", offsetof(pdessm_config, width), 4, 1 << 16},
    {"depth", offsetof(pdessm_config, depth), 1, 1 << 12},
    {"heads", offsetof(pdessm_config, heads), 1, 1 << 12},
    {"patch", offsetof(pdessm_config, patch), 1, 1 << 10},
    {"expand", offsetof(pdessm_config, expand), 1, 64},
    {"states", offsetof(pdessm_config, states), 1, 1 << 12},
    {"channels", offsetof(pdessm_config, channels), 1, 1 << 12},
    {"num_classes", offsetof(pdessm_config, num_classes), 1, 1 << 24},
};
enum { FIELDS = sizeof fields / sizeof *fields, LARGEST_IMAGE = 1 << 14 };

static int *field_of(pdessm_config *config, const struct field *f) {
    return (int *)(void *)((char *)config + f->offset);
}

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
            "configuration: image %s %d is no multiple of the patch %d; pad the images or "
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

pdessm_status pdessm_config_check(pdessm_context *ctx, pdessm_config *config) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < FIELDS; i++) {
        int value = *field_of(config, &fields[i]);
        if (value < fields[i].least || value > fields[i].most)
            return out_of_range(ctx, fields[i].key, value, fields[i].least, fields[i].most);
    }
    PDESSM_REQUIRE(ctx, config->width % 4 == 0, PDESSM_ERROR_ARGUMENT,
                   "configuration: width is %d, expected a multiple of 4 (positions use quarters)",
                   config->width);
    PDESSM_REQUIRE(ctx,
                   config->mixer != PDESSM_MIXER_ATTENTION || config->width % config->heads == 0,
                   PDESSM_ERROR_ARGUMENT, "configuration: width %d is no multiple of heads %d",
                   config->width, config->heads);
    PDESSM_REQUIRE(ctx, config->b_max > 0 && config->b_max <= 1, PDESSM_ERROR_ARGUMENT,
                   "configuration: b_max is %g, expected more than 0 and at most 1", config->b_max);
    PDESSM_TRY(check_grid(ctx, config));
out:
    return status;
}

/* ------------------------------------------------------------------ JSON */

static int add_pair(cJSON *object, const char *key, const int pair[2]) {
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    return cJSON_AddItemToObject(object, key, cJSON_CreateIntArray(pair, 2));
}

static int add_number(cJSON *object, const char *key, double value) {
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    return cJSON_AddNumberToObject(object, key, value) != NULL;
}

static int add_text(cJSON *object, const char *key, const char *value) {
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    return cJSON_AddStringToObject(object, key, value) != NULL;
}

pdessm_status pdessm_config_to_json_over(pdessm_context *ctx, const pdessm_config *config,
                                         const char *base, char **ret_text) {
    cJSON *object = base ? cJSON_Parse(base) : NULL;
    if (!object)
        object = cJSON_CreateObject();
    int good = object && add_text(object, "mixer", mixers[config->mixer]);
    for (int i = 0; good && i < FIELDS; i++)
        good = add_number(object, fields[i].key, *field_of((pdessm_config *)config, &fields[i]));
    good = good && add_text(object, "solution", solutions[config->solution]) &&
           add_pair(object, "image_size", config->image_size) &&
           add_pair(object, "reference_grid", config->reference_grid) &&
           add_number(object, "b_max", config->b_max);
    char *text = good ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    if (!text)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: a configuration as JSON");
    *ret_text = text;
    return PDESSM_OK;
}

pdessm_status pdessm_config_to_json(pdessm_context *ctx, const pdessm_config *config,
                                    char **ret_text) {
    return pdessm_config_to_json_over(ctx, config, NULL, ret_text);
}

static pdessm_status bad_key(pdessm_context *ctx, const char *key, const char *expected) {
    return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                       "configuration: key \"%s\" is missing or absurd, expected %s", key,
                       expected);
}

static int whole(const cJSON *item, int *ret) {
    if (!cJSON_IsNumber(item) || floor(item->valuedouble) != item->valuedouble ||
        fabs(item->valuedouble) > 1e9)
        return 0;
    *ret = (int)item->valuedouble;
    return 1;
}

static int pair_of(const cJSON *object, const char *key, int ret[2]) {
    const cJSON *pair = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsArray(pair) && cJSON_GetArraySize(pair) == 2 &&
           whole(cJSON_GetArrayItem(pair, 0), &ret[0]) &&
           whole(cJSON_GetArrayItem(pair, 1), &ret[1]);
}

/* The place of a string in a list, or -1. */
static int choice(const cJSON *object, const char *key, const char *const *list) {
    return place(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key)), list);
}

static pdessm_status parse(pdessm_context *ctx, const cJSON *object, pdessm_config *c) {
    int mixer = choice(object, "mixer", mixers);
    int solution = choice(object, "solution", solutions);
    if (mixer < 0)
        return bad_key(ctx, "mixer", "\"pde\", \"attention\", \"filter\" or \"conv\"");
    if (solution < 0)
        return bad_key(ctx, "solution", "\"evolve\" or \"forced\"");
    c->mixer = (pdessm_mixer)mixer;
    c->solution = (pdessm_solution)solution;
    for (int i = 0; i < FIELDS; i++)
        if (!whole(cJSON_GetObjectItemCaseSensitive(object, fields[i].key),
                   field_of(c, &fields[i])))
            return bad_key(ctx, fields[i].key, "a whole number");
    if (!pair_of(object, "image_size", c->image_size))
        return bad_key(ctx, "image_size", "[height, width]");
    if (!pair_of(object, "reference_grid", c->reference_grid) || c->reference_grid[0] < 1 ||
        c->reference_grid[1] < 1)
        return bad_key(ctx, "reference_grid", "[rows, columns] of tokens");
    const cJSON *b_max = cJSON_GetObjectItemCaseSensitive(object, "b_max");
    if (b_max && !cJSON_IsNumber(b_max))
        return bad_key(ctx, "b_max", "a number");
    c->b_max = b_max ? b_max->valuedouble : 0.25;
    return PDESSM_OK;
}

pdessm_status pdessm_config_from_json(pdessm_context *ctx, const char *text, pdessm_config *ret) {
    pdessm_config config = {0};
    cJSON *object = cJSON_Parse(text);
    pdessm_status status = cJSON_IsObject(object)
                               ? parse(ctx, object, &config)
                               : pdessm_fail(ctx, PDESSM_ERROR_FILE, "configuration: not JSON");
    cJSON_Delete(object);
    if (status != PDESSM_OK)
        return status;
    if (pdessm_config_check(ctx, &config) != PDESSM_OK)
        return PDESSM_ERROR_FILE; /* the message names the key */
    *ret = config;
    return PDESSM_OK;
}
