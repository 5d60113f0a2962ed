/* SPDX-License-Identifier: MIT */
/* dataset.c: a set of images in memory. */
#include "dataset/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "core/names.h"

PDESSM_DEFINE_NAMES(pdessm_split, pdessm_split, PDESSM_SPLITS, "split")
PDESSM_DEFINE_NAMES(pdessm_resize, pdessm_resize, PDESSM_RESIZES, "way to resize")
PDESSM_DEFINE_NAMES(pdessm_layout, pdessm_layout, PDESSM_LAYOUTS, "layout")

void pdessm_names_release(char **names, int64_t count) {
    for (int64_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

void pdessm_dataset_destroy(pdessm_dataset **dataset) {
    pdessm_dataset *d = *dataset;
    if (!d)
        return;
    pdessm_names_release(d->names, d->info.num_classes);
    free(d->labels);
    free(d->pixels);
    free(d);
    *dataset = NULL;
}

const pdessm_dataset_info *pdessm_dataset_get_info(const pdessm_dataset *dataset) {
    return &dataset->info;
}

void pdessm_dataset_image(const pdessm_dataset *dataset, int64_t index, float *ret) {
    const pdessm_dataset_info *info = &dataset->info;
    int64_t count = info->channels * info->height * info->width;
    if (info->is_float) {
        memcpy(ret, (const float *)dataset->pixels + index * count, (size_t)count * sizeof *ret);
        return;
    }
    const uint8_t *from = (const uint8_t *)dataset->pixels + index * count;
    for (int64_t i = 0; i < count; i++)
        ret[i] = (float)from[i] / 127.5f - 1;
}

int32_t pdessm_dataset_label(const pdessm_dataset *dataset, int64_t index) {
    return dataset->labels ? dataset->labels[index] : -1;
}

const void *pdessm_dataset_pixels(const pdessm_dataset *dataset) {
    return dataset->pixels;
}
