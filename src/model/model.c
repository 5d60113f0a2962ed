/* SPDX-License-Identifier: MIT */
/* model.c: creating a model and looking at its parameters. */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include <pdessm/precondition.h>

pdessm_status pdessm_model_create(pdessm_device *device, const pdessm_config *config,
                                  int with_gradients, pdessm_model **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_model *m = NULL;
    PDESSM_TRY(pdessm_alloc(device->ctx, 1, sizeof *m, &m));
    m->device = device;
    m->ctx = device->ctx;
    m->config = *config;
    PDESSM_TRY(pdessm_config_check(m->ctx, &m->config));
    PDESSM_TRY(pdessm_parameters_list(m->ctx, &m->config, &m->parameter, &m->count));
    PDESSM_TRY(pdessm_arena_create(m, &m->values));
    if (with_gradients)
        PDESSM_TRY(pdessm_arena_create(m, &m->gradients));
    for (int i = 0; i < m->count; i++) {
        m->parameter[i].value = pdessm_arena_view(&m->values, &m->parameter[i], i);
        if (with_gradients)
            m->parameter[i].gradient = pdessm_arena_view(&m->gradients, &m->parameter[i], i);
    }
    *ret = m;
    m = NULL;
out:
    pdessm_model_destroy(&m);
    return status;
}

void pdessm_model_destroy(pdessm_model **model) {
    pdessm_model *m = *model;
    if (!m)
        return;
    for (int i = 0; i < m->positions; i++)
        pdessm_tensor_destroy(&m->position[i].table);
    free(m->position);
    for (int i = 0; i < m->constants; i++)
        pdessm_tensor_destroy(&m->constant[i].tensor);
    free(m->constant);
    pdessm_arena_destroy(&m->values);
    pdessm_arena_destroy(&m->gradients);
    free(m->parameter);
    pdessm_precondition_destroy(&m->precondition);
    free(m->json);
    free(m);
    *model = NULL;
}

const pdessm_config *pdessm_model_get_config(const pdessm_model *model) {
    return &model->config;
}

int64_t pdessm_model_parameter_count(const pdessm_model *model) {
    int64_t n = 0;
    for (int i = 0; i < model->count; i++)
        n += pdessm_tensor_count(&model->parameter[i].value);
    return n;
}

pdessm_parameter *pdessm_model_find(pdessm_model *model, const char *name) {
    for (int i = 0; i < model->count; i++)
        if (strcmp(model->parameter[i].name, name) == 0)
            return &model->parameter[i];
    return NULL;
}

int pdessm_model_tensors(const pdessm_model *model) {
    return model->count;
}

const char *pdessm_model_tensor_name(const pdessm_model *model, int index) {
    return model->parameter[index].name;
}

int pdessm_model_tensor_shape(const pdessm_model *model, int index, int64_t dims[PDESSM_MAX_RANK]) {
    memcpy(dims, model->parameter[index].dims, sizeof model->parameter[index].dims);
    return model->parameter[index].rank;
}

pdessm_status pdessm_model_tensor_read(pdessm_model *model, int index, float *target) {
    return pdessm_tensor_read(&model->parameter[index].value, target);
}

pdessm_status pdessm_model_tensor_write(pdessm_model *model, int index, const float *source) {
    return pdessm_tensor_write(&model->parameter[index].value, source);
}

static pdessm_status no_gradients(pdessm_model *model) {
    return pdessm_fail(model->ctx, PDESSM_ERROR_ARGUMENT,
                       "the model was created without gradients");
}

pdessm_status pdessm_model_gradient_read(pdessm_model *model, int index, float *target) {
    return model->gradients.storage ? pdessm_tensor_read(&model->parameter[index].gradient, target)
                                    : no_gradients(model);
}

pdessm_status pdessm_model_gradients_zero(pdessm_model *model) {
    return model->gradients.storage ? pdessm_tensor_zero(&model->gradients.all)
                                    : no_gradients(model);
}

pdessm_status pdessm_model_init(pdessm_model *model, uint64_t seed) {
    pdessm_status status = PDESSM_OK;
    float *values = NULL;
    int64_t most = 0;
    for (int i = 0; i < model->count; i++) {
        int64_t n = pdessm_tensor_count(&model->parameter[i].value);
        most = n > most ? n : most;
    }
    PDESSM_TRY(pdessm_alloc(model->ctx, (size_t)most, sizeof *values, &values));
    for (int i = 0; i < model->count; i++) {
        pdessm_parameter_start(&model->config, &model->parameter[i], seed, values);
        PDESSM_TRY(pdessm_tensor_write(&model->parameter[i].value, values));
    }
out:
    free(values);
    return status;
}
