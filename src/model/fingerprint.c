/* SPDX-License-Identifier: MIT */
/* fingerprint.c: models, data and maps in 64 bits. */
#include "model/fingerprint.h"

#include <stdlib.h>

pdessm_status pdessm_fingerprint_model(pdessm_model *model, uint64_t *ret) {
    pdessm_status status = PDESSM_OK;
    uint64_t hash = PDESSM_FINGERPRINT_START;
    uint8_t *values = NULL;
    for (int i = 0; i < model->count; i++) {
        size_t bytes = pdessm_tensor_bytes(&model->parameter[i].value);
        free(values);
        values = NULL;
        PDESSM_TRY(pdessm_alloc(model->ctx, bytes, 1, &values));
        PDESSM_TRY(pdessm_tensor_read(&model->parameter[i].value, values));
        hash = pdessm_fingerprint(hash, values, bytes);
    }
    *ret = hash;
out:
    free(values);
    return status;
}

pdessm_status pdessm_fingerprint_data(pdessm_context *ctx, const pdessm_dataset *data,
                                      uint64_t *ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *info = pdessm_dataset_get_info(data);
    const size_t pixels = (size_t)(info->channels * info->height * info->width);
    uint64_t hash = PDESSM_FINGERPRINT_START;
    float *image = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, pixels, sizeof *image, &image));
    for (int64_t i = 0; i < info->count; i++) {
        const int32_t label = pdessm_dataset_label(data, i);
        pdessm_dataset_image(data, i, image);
        hash = pdessm_fingerprint(hash, &label, sizeof label);
        hash = pdessm_fingerprint(hash, image, pixels * sizeof *image);
    }
    *ret = hash;
out:
    free(image);
    return status;
}

uint64_t pdessm_fingerprint_map(const pdessm_precondition *map) {
    uint64_t hash =
        pdessm_fingerprint(PDESSM_FINGERPRINT_START, &map->info.kind, sizeof map->info.kind);
    for (int i = 0; i < map->count; i++)
        hash = pdessm_fingerprint(hash, map->array[i].value,
                                  (size_t)map->array[i].count * sizeof *map->array[i].value);
    return hash;
}
