/* SPDX-License-Identifier: MIT */
/* map_file.c: maps in safetensors files, separate ones or a model's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "model/maps/map.h"

/* ------------------------------------------------------------------ description */

/* Every number of the description with its key and what makes sense. */
static const struct field {
    const char *key;
    size_t offset;
    int whole;
    double least, most;
} fields[] = {
#define WHOLE(name, most)                                                                          \
    { #name, offsetof(pdessm_precondition_info, name), 1, 1, most }
#define REAL(name, least, most)                                                                    \
    { #name, offsetof(pdessm_precondition_info, name), 0, least, most }
    WHOLE(channels, 4096),  WHOLE(height, 16384),  WHOLE(width, 16384),     WHOLE(classes, 1 << 20),
    REAL(epsilon, 0, 1e30), REAL(shrinkage, 0, 1), REAL(max_gain, 0, 1e30),
#undef WHOLE
#undef REAL
};
enum { FIELDS = sizeof fields / sizeof *fields };

/* Of a realnvp map alone; the bounds keep its count of numbers from overflowing. */
static const struct field realnvp_fields[] = {
    {"layers", offsetof(pdessm_precondition_info, layers), 1, 2, 64},
    {"hidden", offsetof(pdessm_precondition_info, hidden), 1, 1, 4096},
};

/* Of a flow alone. */
static const struct field flow_fields[] = {
    {"numbers", offsetof(pdessm_precondition_info, numbers), 1, 1, 1 << 30},
    {"solver_steps", offsetof(pdessm_precondition_info, solver_steps), 1, 1, 1 << 20},
};

static double get_field(const pdessm_precondition_info *info, const struct field *f) {
    const char *at = (const char *)info + f->offset;
    return f->whole ? (double)*(const int64_t *)at : *(const double *)at;
}

static void set_field(pdessm_precondition_info *info, const struct field *f, double value) {
    char *at = (char *)info + f->offset;
    if (f->whole)
        *(int64_t *)at = (int64_t)value;
    else
        *(double *)at = value;
}

/* The two more that some kinds have, or NULL. */
static const struct field *own_fields(pdessm_precondition_kind kind) {
    return kind == PDESSM_PRECONDITION_REALNVP ? realnvp_fields
           : kind == PDESSM_PRECONDITION_FLOW  ? flow_fields
                                               : NULL;
}

pdessm_status pdessm_map_to_json(const pdessm_precondition *map, char **ret_text) {
    cJSON *object = cJSON_CreateObject();
    const struct field *own = own_fields(map->info.kind);
    int good =
        object && cJSON_AddStringToObject(object, "kind", pdessm_precondition_name(map->info.kind));
    for (int i = 0; good && i < FIELDS; i++)
        good =
            cJSON_AddNumberToObject(object, fields[i].key, get_field(&map->info, &fields[i])) != 0;
    for (int i = 0; good && own && i < 2; i++)
        good = cJSON_AddNumberToObject(object, own[i].key, get_field(&map->info, &own[i])) != 0;
    if (good && map->network)
        good = cJSON_AddStringToObject(object, "network", map->network) != 0;
    char *text = good ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    if (!text)
        return pdessm_fail(map->ctx, PDESSM_ERROR_MEMORY, "out of memory: a map as JSON");
    *ret_text = text;
    return PDESSM_OK;
}

static pdessm_status parse_fields(pdessm_context *ctx, const char *path, const cJSON *object,
                                  const struct field *list, int count,
                                  pdessm_precondition_info *ret) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < count; i++) {
        const struct field *f = &list[i];
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, f->key);
        double value = cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
        PDESSM_REQUIRE(
            ctx, value >= f->least && value <= f->most && (!f->whole || floor(value) == value),
            PDESSM_ERROR_FILE,
            "%s: metadata %s: \"%s\" is missing or absurd, expected %s of %g to %g", path,
            PDESSM_MAP_KEY, f->key, f->whole ? "a whole number" : "a number", f->least, f->most);
        set_field(ret, f, value);
    }
out:
    return status;
}

/* *ret_network: the configuration of a flow's network, released with free(); else NULL. */
static pdessm_status parse(pdessm_context *ctx, const char *path, const char *text,
                           pdessm_precondition_info *ret, char **ret_network) {
    pdessm_status status = PDESSM_OK;
    cJSON *object = cJSON_Parse(text);
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "kind"));
    const char *network = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "network"));
    PDESSM_REQUIRE(ctx, kind, PDESSM_ERROR_FILE,
                   "%s: metadata %s is not JSON with a \"kind\"; was the file damaged?", path,
                   PDESSM_MAP_KEY);
    if (pdessm_precondition_find(ctx, kind, &ret->kind) != PDESSM_OK) {
        status = pdessm_fail_prefix(ctx, PDESSM_ERROR_FILE, "%s", path);
        goto out;
    }
    PDESSM_TRY(parse_fields(ctx, path, object, fields, FIELDS, ret));
    if (own_fields(ret->kind))
        PDESSM_TRY(parse_fields(ctx, path, object, own_fields(ret->kind), 2, ret));
    if (ret->kind == PDESSM_PRECONDITION_FLOW) {
        PDESSM_REQUIRE(ctx, network, PDESSM_ERROR_FILE,
                       "%s: metadata %s: \"network\" is missing, expected a configuration", path,
                       PDESSM_MAP_KEY);
        PDESSM_TRY(pdessm_alloc(ctx, strlen(network) + 1, 1, ret_network));
        memcpy(*ret_network, network, strlen(network) + 1);
    }
out:
    cJSON_Delete(object);
    return status;
}

/* ------------------------------------------------------------------ reading */

int pdessm_map_has(const pdessm_precondition *map, const char *name) {
    const size_t prefix = strlen(PDESSM_MAP_PREFIX);
    if (strncmp(name, PDESSM_MAP_PREFIX, prefix) != 0)
        return 0;
    for (int i = 0; i < map->count; i++)
        if (strcmp(name + prefix, map->array[i].name) == 0)
            return 1;
    return 0;
}

/* Names and shapes are compared before memory is taken for what a hostile file announces. */
static pdessm_status match(pdessm_context *ctx, const pdessm_precondition_info *info,
                           const pdessm_safetensors *file) {
    pdessm_status status = PDESSM_OK;
    pdessm_map_array array[PDESSM_MAP_ARRAYS];
    int count = pdessm_map_list(info, array);
    (void)ctx;
    for (int i = 0; i < count; i++) {
        const pdessm_safetensors_entry *entry = NULL;
        char name[96];
        snprintf(name, sizeof name, PDESSM_MAP_PREFIX "%s", array[i].name);
        PDESSM_TRY(pdessm_safetensors_expect(file, name, array[i].rank, array[i].dims, &entry));
    }
out:
    return status;
}

static pdessm_status read_arrays(pdessm_precondition *map, const pdessm_safetensors *file,
                                 const char *path) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < map->count; i++) {
        const pdessm_map_array *a = &map->array[i];
        const pdessm_safetensors_entry *entry = NULL;
        char name[96];
        snprintf(name, sizeof name, PDESSM_MAP_PREFIX "%s", a->name);
        PDESSM_TRY(pdessm_safetensors_expect(file, name, a->rank, a->dims, &entry));
        PDESSM_TRY(pdessm_safetensors_read_float(file, entry, a->value));
        for (int64_t k = 0; k < a->count; k++)
            PDESSM_REQUIRE(map->ctx, isfinite(a->value[k]), PDESSM_ERROR_FILE,
                           "%s: tensor %s: number %lld is not finite", path, name, (long long)k);
    }
    status = map->kind->check(map);
    if (status != PDESSM_OK)
        pdessm_fail_prefix(map->ctx, status, "%s", path);
out:
    return status;
}

pdessm_status pdessm_map_read(pdessm_device *device, const pdessm_safetensors *file,
                              const char *path, pdessm_precondition **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_precondition *map = NULL;
    pdessm_precondition_info info = {0};
    const char *text = pdessm_safetensors_metadata(file, PDESSM_MAP_KEY);
    char *network = NULL;
    if (text) {
        PDESSM_TRY(parse(device->ctx, path, text, &info, &network));
        PDESSM_TRY(match(device->ctx, &info, file));
        PDESSM_TRY(pdessm_map_create(device, &info, &map));
        map->network = network;
        network = NULL;
        PDESSM_TRY(read_arrays(map, file, path));
    }
    *ret = map;
    map = NULL;
out:
    free(network);
    pdessm_precondition_destroy(&map);
    return status;
}

pdessm_status pdessm_precondition_load(pdessm_device *device, const char *path,
                                       pdessm_precondition **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors *file = NULL;
    pdessm_precondition *map = NULL;
    PDESSM_TRY(pdessm_safetensors_open(device->ctx, path, &file));
    PDESSM_TRY(pdessm_map_read(device, file, path, &map));
    PDESSM_REQUIRE(device->ctx, map, PDESSM_ERROR_FILE,
                   "%s: no preconditioner (metadata %s); expected a file of `precondition fit`, or "
                   "of a model trained with one",
                   path, PDESSM_MAP_KEY);
    *ret = map;
    map = NULL;
out:
    pdessm_precondition_destroy(&map);
    pdessm_safetensors_destroy(&file);
    return status;
}

/* ------------------------------------------------------------------ writing */

void pdessm_map_describe(const pdessm_precondition *map, int i, char *name, size_t size,
                         pdessm_safetensors_tensor *ret) {
    const pdessm_map_array *a = &map->array[i];
    snprintf(name, size, PDESSM_MAP_PREFIX "%s", a->name);
    *ret = (pdessm_safetensors_tensor){.name = name, .dtype = PDESSM_FILE_F32, .rank = a->rank};
    memcpy(ret->dims, a->dims, sizeof *a->dims * (size_t)a->rank);
}

pdessm_status pdessm_map_write(const pdessm_precondition *map, pdessm_safetensors_writer *writer) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < map->count; i++)
        PDESSM_TRY(pdessm_safetensors_writer_write(writer, map->array[i].value,
                                                   (size_t)map->array[i].count * sizeof(float)));
out:
    return status;
}

pdessm_status pdessm_precondition_save(pdessm_precondition *map, const char *path) {
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors_writer *writer = NULL;
    pdessm_safetensors_tensor tensors[PDESSM_MAP_ARRAYS];
    char names[PDESSM_MAP_ARRAYS][96], *json = NULL;
    PDESSM_TRY(pdessm_map_to_json(map, &json));
    const pdessm_safetensors_pair pair = {PDESSM_MAP_KEY, json};
    for (int i = 0; i < map->count; i++)
        pdessm_map_describe(map, i, names[i], sizeof names[i], &tensors[i]);
    PDESSM_TRY(
        pdessm_safetensors_writer_create(map->ctx, path, &pair, 1, tensors, map->count, &writer));
    PDESSM_TRY(pdessm_map_write(map, writer));
    PDESSM_TRY(pdessm_safetensors_writer_finish(writer));
out:
    pdessm_safetensors_writer_destroy(&writer);
    free(json);
    return status;
}
