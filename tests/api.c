/* SPDX-License-Identifier: MIT */
/* api.c: what tests of the interface need and the interface does not give: parameters that can be
 * written, the library's random numbers, the end of a folder. */
#include "api.h"

#include "core/random.h"
#include "files/atomic_dir.h"
#include "model/model.h"

pdessm_status api_remove_tree(pdessm_context *ctx, const char *path) {
    return pdessm_remove_tree(ctx, path);
}

void api_perturb(pdessm_context *ctx, pdessm_model *model, uint64_t seed) {
    for (int i = 0; i < model->count; i++) {
        pdessm_parameter *p = &model->parameter[i];
        int64_t n = pdessm_tensor_count(&p->value);
        double inputs = (double)n / (double)p->dims[0];
        double scale = p->group == PDESSM_GROUP_WEIGHTS ? 0.5 / sqrt(inputs) : 0.2;
        float *values = malloc((size_t)n * sizeof *values);
        assert_non_null(values);
        pdessm_parameter_start(&model->config, p, seed, values);
        for (int64_t k = 0; k < n; k++)
            values[k] +=
                (float)(scale * pdessm_normal(seed, PDESSM_RANDOM_CHECK, 0, (uint32_t)i, k));
        if (pdessm_tensor_write(&p->value, values) != PDESSM_OK)
            fail_msg("%s", pdessm_context_error(ctx));
        free(values);
    }
}

void api_fill(api *a, pdessm_tensor *t, uint32_t stream) {
    int64_t n = pdessm_tensor_count(t);
    float *values = malloc((size_t)n * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < n; i++)
        values[i] = (float)pdessm_normal(7, PDESSM_RANDOM_CHECK, 1, stream, i);
    assert_ok(a, pdessm_tensor_write(t, values));
    free(values);
}

static pdessm_tensor *find(pdessm_model *model, const char *name) {
    pdessm_parameter *p = pdessm_model_find(model, name);
    if (!p)
        fail_msg("no parameter %s", name);
    return &p->value;
}

float *api_parameter(api *a, pdessm_model *model, const char *name, int64_t *ret_count) {
    pdessm_tensor *value = find(model, name);
    float *values = malloc((size_t)pdessm_tensor_count(value) * sizeof *values);
    assert_non_null(values);
    *ret_count = pdessm_tensor_count(value);
    assert_ok(a, pdessm_tensor_read(value, values));
    return values;
}

void api_set_parameter(api *a, pdessm_model *model, const char *name, const float *values) {
    assert_ok(a, pdessm_tensor_write(find(model, name), values));
}

float *api_read_all(pdessm_context *ctx, pdessm_model *model, int gradients, int64_t *ret_count) {
    int64_t n = 0, total = pdessm_model_parameter_count(model);
    float *values = malloc((size_t)total * sizeof *values);
    assert_non_null(values);
    for (int i = 0; i < model->count; i++) {
        pdessm_status status = gradients ? pdessm_model_gradient_read(model, i, values + n)
                                         : pdessm_model_tensor_read(model, i, values + n);
        if (status != PDESSM_OK)
            fail_msg("%s", pdessm_context_error(ctx));
        n += pdessm_tensor_count(&model->parameter[i].value);
    }
    *ret_count = n;
    return values;
}
