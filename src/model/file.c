/* SPDX-License-Identifier: MIT */
/* file.c: models and arenas as safetensors files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/safetensors.h>

#include "model/maps/map.h"
#include "model/model.h"

enum { MOST_EXTRAS = 8, NAME_ROOM = 96 };

/* ------------------------------------------------------------------ writing */

static void describe(const pdessm_parameter *p, const char *prefix, char *name, size_t size,
                     pdessm_safetensors_tensor *ret) {
    snprintf(name, size, "%s%s", prefix, p->name);
    *ret = (pdessm_safetensors_tensor){.name = name, .dtype = PDESSM_FILE_F32, .rank = p->rank};
    memcpy(ret->dims, p->dims, sizeof *p->dims * (size_t)p->rank);
}

static pdessm_status write_arena(pdessm_model *m, const pdessm_arena *arena,
                                 pdessm_safetensors_writer *writer, float *buffer) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < m->count; i++) {
        pdessm_tensor view = pdessm_arena_view(arena, &m->parameter[i], i);
        PDESSM_TRY(pdessm_tensor_read(&view, buffer));
        PDESSM_TRY(pdessm_safetensors_writer_write(writer, buffer, pdessm_tensor_bytes(&view)));
    }
out:
    return status;
}

static size_t largest_parameter(const pdessm_model *m) {
    size_t most = 0;
    for (int i = 0; i < m->count; i++) {
        size_t n = (size_t)pdessm_tensor_count(&m->parameter[i].value);
        most = n > most ? n : most;
    }
    return most;
}

/* What stands in a file: the arenas' tensors, then the map's if the model goes there with it. */
typedef struct contents {
    const pdessm_named_arena *arenas;
    int count, total;
    const pdessm_precondition *map;
    pdessm_safetensors_tensor *tensors;
    char (*names)[NAME_ROOM];
} contents;

static pdessm_status list_contents(pdessm_model *m, contents *c) {
    pdessm_status status = PDESSM_OK;
    const int own = c->count * m->count;
    c->total = own + (c->map ? c->map->count : 0);
    PDESSM_TRY(pdessm_alloc(m->ctx, (size_t)c->total, sizeof *c->tensors, &c->tensors));
    PDESSM_TRY(pdessm_alloc(m->ctx, (size_t)c->total, sizeof *c->names, &c->names));
    for (int i = 0; i < own; i++)
        describe(&m->parameter[i % m->count], c->arenas[i / m->count].prefix, c->names[i],
                 sizeof c->names[i], &c->tensors[i]);
    for (int i = own; i < c->total; i++)
        pdessm_map_describe(c->map, i - own, c->names[i], sizeof c->names[i], &c->tensors[i]);
out:
    return status;
}

static pdessm_status write_contents(pdessm_model *m, const contents *c,
                                    pdessm_safetensors_writer *writer) {
    pdessm_status status = PDESSM_OK;
    float *buffer = NULL;
    PDESSM_TRY(pdessm_alloc(m->ctx, largest_parameter(m), sizeof *buffer, &buffer));
    for (int i = 0; i < c->count; i++)
        PDESSM_TRY(write_arena(m, c->arenas[i].arena, writer, buffer));
    if (c->map)
        PDESSM_TRY(pdessm_map_write(c->map, writer));
    PDESSM_TRY(pdessm_safetensors_writer_finish(writer));
out:
    free(buffer);
    return status;
}

pdessm_status pdessm_arenas_save(pdessm_model *model, const pdessm_named_arena *arenas, int count,
                                 const char *path, const char *const (*extra)[2], int extras) {
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors_writer *writer = NULL;
    pdessm_safetensors_pair pairs[MOST_EXTRAS + 2];
    /* Moments do without the map: a model's values are what can be sampled. */
    contents c = {.arenas = arenas, .count = count};
    c.map = arenas[0].prefix[0] ? NULL : model->precondition;
    char *json = NULL, *map_json = NULL;
    int n = 0;
    PDESSM_TRY(pdessm_config_to_json_over(model->ctx, &model->config, model->json, &json));
    pairs[n++] = (pdessm_safetensors_pair){"pdessm.config", json};
    if (c.map) {
        PDESSM_TRY(pdessm_map_to_json(c.map, &map_json));
        pairs[n++] = (pdessm_safetensors_pair){PDESSM_MAP_KEY, map_json};
    }
    for (int i = 0; i < extras; i++)
        pairs[n++] = (pdessm_safetensors_pair){extra[i][0], extra[i][1]};
    PDESSM_TRY(list_contents(model, &c));
    PDESSM_TRY(
        pdessm_safetensors_writer_create(model->ctx, path, pairs, n, c.tensors, c.total, &writer));
    PDESSM_TRY(write_contents(model, &c, writer));
out:
    pdessm_safetensors_writer_destroy(&writer);
    free(c.names);
    free(c.tensors);
    free(map_json);
    free(json);
    return status;
}

pdessm_status pdessm_model_save(pdessm_model *model, const char *path) {
    const pdessm_named_arena arena = {"", &model->values};
    return pdessm_arenas_save(model, &arena, 1, path, NULL, 0);
}

/* ------------------------------------------------------------------ reading */

pdessm_status pdessm_arena_load(pdessm_model *model, const pdessm_safetensors *file,
                                const char *prefix, pdessm_arena *arena) {
    pdessm_status status = PDESSM_OK;
    float *buffer = NULL;
    PDESSM_TRY(pdessm_alloc(model->ctx, largest_parameter(model), sizeof *buffer, &buffer));
    for (int i = 0; i < model->count; i++) {
        const pdessm_parameter *p = &model->parameter[i];
        const pdessm_safetensors_entry *entry = NULL;
        char name[80];
        snprintf(name, sizeof name, "%s%s", prefix, p->name);
        PDESSM_TRY(pdessm_safetensors_expect(file, name, p->rank, p->dims, &entry));
        PDESSM_TRY(pdessm_safetensors_read_float(file, entry, buffer));
        pdessm_tensor view = pdessm_arena_view(arena, p, i);
        PDESSM_TRY(pdessm_tensor_write(&view, buffer));
    }
out:
    free(buffer);
    return status;
}

static pdessm_status refuse_unknown(pdessm_model *m, const pdessm_safetensors *file,
                                    const char *path) {
    for (int64_t i = 0; i < pdessm_safetensors_count(file); i++) {
        const char *name = pdessm_safetensors_at(file, i)->name;
        if (!pdessm_model_find(m, name) &&
            !(m->precondition && pdessm_map_has(m->precondition, name)))
            return pdessm_fail(m->ctx, PDESSM_ERROR_FILE,
                               "%s: tensor '%s' is not part of the network that its configuration "
                               "describes; was the file written by another program version?",
                               path, name);
    }
    return PDESSM_OK;
}

/* Names and shapes are compared before memory is taken for what a hostile file announces. */
static pdessm_status match(pdessm_context *ctx, const pdessm_config *config,
                           const pdessm_safetensors *file, const char *path) {
    pdessm_status status = PDESSM_OK;
    pdessm_parameter *list = NULL;
    int count = 0;
    PDESSM_REQUIRE(ctx, config->depth <= pdessm_safetensors_count(file), PDESSM_ERROR_FILE,
                   "%s: the configuration says depth %d, but the file has only %lld tensors", path,
                   config->depth, (long long)pdessm_safetensors_count(file));
    PDESSM_TRY(pdessm_parameters_list(ctx, config, &list, &count));
    for (int i = 0; i < count; i++) {
        const pdessm_safetensors_entry *entry = NULL;
        PDESSM_TRY(
            pdessm_safetensors_expect(file, list[i].name, list[i].rank, list[i].dims, &entry));
    }
out:
    free(list);
    return status;
}

static pdessm_status copy_text(pdessm_context *ctx, const char *text, char **ret) {
    size_t size = strlen(text) + 1;
    pdessm_status status = pdessm_alloc(ctx, size, 1, ret);
    if (status == PDESSM_OK)
        memcpy(*ret, text, size);
    return status;
}

pdessm_status pdessm_model_load(pdessm_device *device, const char *path, int with_gradients,
                                pdessm_model **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_context *ctx = device->ctx;
    pdessm_safetensors *file = NULL;
    pdessm_model *m = NULL;
    pdessm_precondition *map = NULL;
    pdessm_config config;
    PDESSM_TRY(pdessm_safetensors_open(ctx, path, &file));
    const char *json = pdessm_safetensors_metadata(file, "pdessm.config");
    PDESSM_REQUIRE(ctx, json, PDESSM_ERROR_FILE,
                   "%s: no configuration (metadata pdessm.config); expected a model file of this "
                   "program, such as DIR/step-00012000/ema.safetensors",
                   path);
    status = pdessm_config_from_json(ctx, json, &config);
    if (status != PDESSM_OK) {
        pdessm_fail_prefix(ctx, status, "%s", path);
        goto out;
    }
    PDESSM_TRY(match(ctx, &config, file, path));
    PDESSM_TRY(pdessm_model_create(device, &config, with_gradients, &m));
    PDESSM_TRY(copy_text(ctx, json, &m->json));
    PDESSM_TRY(pdessm_map_read(device, file, path, &map));
    if (map)
        PDESSM_TRY(pdessm_model_set_precondition(m, map));
    PDESSM_TRY(refuse_unknown(m, file, path));
    PDESSM_TRY(pdessm_arena_load(m, file, "", &m->values));
    *ret = m;
    m = NULL;
out:
    pdessm_precondition_destroy(&map);
    pdessm_safetensors_destroy(&file);
    pdessm_model_destroy(&m);
    return status;
}
