/* SPDX-License-Identifier: MIT */
/* file.c: models and arenas as safetensors files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/safetensors.h>

#include "model/model.h"

enum { MOST_EXTRAS = 8 };

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

pdessm_status pdessm_arenas_save(pdessm_model *model, const pdessm_named_arena *arenas, int count,
                                 const char *path, const char *const (*extra)[2], int extras) {
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors_writer *writer = NULL;
    pdessm_safetensors_tensor *tensors = NULL;
    pdessm_safetensors_pair pairs[MOST_EXTRAS + 1];
    char(*names)[80] = NULL, *json = NULL;
    float *buffer = NULL;
    int total = count * model->count;
    PDESSM_TRY(pdessm_config_to_json_over(model->ctx, &model->config, model->json, &json));
    pairs[0] = (pdessm_safetensors_pair){"pdessm.config", json};
    for (int i = 0; i < extras; i++)
        pairs[i + 1] = (pdessm_safetensors_pair){extra[i][0], extra[i][1]};
    PDESSM_TRY(pdessm_alloc(model->ctx, (size_t)total, sizeof *tensors, &tensors));
    PDESSM_TRY(pdessm_alloc(model->ctx, (size_t)total, sizeof *names, &names));
    PDESSM_TRY(pdessm_alloc(model->ctx, largest_parameter(model), sizeof *buffer, &buffer));
    for (int i = 0; i < total; i++)
        describe(&model->parameter[i % model->count], arenas[i / model->count].prefix, names[i],
                 sizeof names[i], &tensors[i]);
    PDESSM_TRY(pdessm_safetensors_writer_create(model->ctx, path, pairs, extras + 1, tensors, total,
                                                &writer));
    for (int i = 0; i < count; i++)
        PDESSM_TRY(write_arena(model, arenas[i].arena, writer, buffer));
    PDESSM_TRY(pdessm_safetensors_writer_finish(writer));
out:
    pdessm_safetensors_writer_destroy(&writer);
    free(buffer);
    free(names);
    free(tensors);
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
        if (!pdessm_model_find(m, name))
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
    PDESSM_TRY(refuse_unknown(m, file, path));
    PDESSM_TRY(pdessm_arena_load(m, file, "", &m->values));
    *ret = m;
    m = NULL;
out:
    pdessm_safetensors_destroy(&file);
    pdessm_model_destroy(&m);
    return status;
}
