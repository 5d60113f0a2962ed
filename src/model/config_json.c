/* SPDX-License-Identifier: MIT */
/* config_json.c: configurations as JSON. */
#include <math.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "core/names.h"
#include "model/config.h"

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
    pdessm_config c = *config;
    int good = object != NULL;
    for (const pdessm_config_field *f = pdessm_config_fields(); good && f->key; f++) {
        const int value = *pdessm_config_number(&c, f->offset);
        good = f->names ? add_text(object, f->key, f->names[value])
                        : add_number(object, f->key, value);
    }
    good = good && add_pair(object, "image_size", config->image_size) &&
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

static pdessm_status parse_field(pdessm_context *ctx, const cJSON *object,
                                 const pdessm_config_field *f, int *to) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, f->key);
    *to = 0;
    if (!item && !(f->flags & PDESSM_FIELD_REQUIRED))
        return PDESSM_OK;
    if (!f->names)
        return whole(item, to) ? PDESSM_OK : bad_key(ctx, f->key, "a whole number");
    *to = pdessm_names_place(f->names, cJSON_GetStringValue(item));
    return *to >= 0 ? PDESSM_OK : bad_key(ctx, f->key, pdessm_names_list(f->names, "\"").text);
}

static pdessm_status parse(pdessm_context *ctx, const cJSON *object, pdessm_config *c) {
    pdessm_status status = PDESSM_OK;
    for (const pdessm_config_field *f = pdessm_config_fields(); f->key; f++)
        PDESSM_TRY(parse_field(ctx, object, f, pdessm_config_number(c, f->offset)));
    if (!pair_of(object, "image_size", c->image_size))
        return bad_key(ctx, "image_size", "[height, width]");
    if (!pair_of(object, "reference_grid", c->reference_grid) || c->reference_grid[0] < 1 ||
        c->reference_grid[1] < 1)
        return bad_key(ctx, "reference_grid", "[rows, columns] of tokens");
    const cJSON *b_max = cJSON_GetObjectItemCaseSensitive(object, "b_max");
    if (b_max && !cJSON_IsNumber(b_max))
        return bad_key(ctx, "b_max", "a number");
    c->b_max = b_max ? b_max->valuedouble : PDESSM_USUAL_B_MAX;
out:
    return status;
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
