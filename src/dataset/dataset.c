/* SPDX-License-Identifier: MIT */
/* dataset.c: which reader a specification means, and access to the images. */
#include "dataset/dataset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char fashion_folder[] = "/usr/share/datasets/fashion-mnist";
enum { LARGEST_SIDE = 65536 };

static pdessm_status check_options(pdessm_context *ctx, const pdessm_dataset_options *options) {
    if ((options->height > 0) != (options->width > 0) || options->height < 0 ||
        options->width < 0 || options->height > LARGEST_SIDE || options->width > LARGEST_SIDE)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                           "image size %lldx%lld: give two extents of 1 to %d, or none",
                           (long long)options->height, (long long)options->width, LARGEST_SIDE);
    if (options->channels < 0 || options->channels > LARGEST_SIDE)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT, "%d channels: give 1 or 3, or 0 for as is",
                           options->channels);
    if (options->limit < 0 || options->max_bytes < 0)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                           "a negative limit of images or memory: give 0 for the default");
    return PDESSM_OK;
}

static int is_folder(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static pdessm_status read_path(pdessm_context *ctx, const char *path,
                               const pdessm_dataset_options *options, pdessm_source *source) {
    struct stat about;
    int found = 0;
    if (stat(path, &about) != 0)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: %s; give a file, a folder, `shapes` or `fashion-mnist`", path,
                           strerror(errno));
    if (!S_ISDIR(about.st_mode))
        return pdessm_source_file(ctx, path, options, source);
    pdessm_status status = pdessm_source_idx_cifar_folder(ctx, path, options, &found, source);
    if (status != PDESSM_OK || found)
        return status;
    return pdessm_source_image_folder(ctx, path, options, source);
}

static pdessm_status read_fashion(pdessm_context *ctx, const pdessm_dataset_options *options,
                                  pdessm_source *source) {
    if (!is_folder(fashion_folder))
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "fashion-mnist: %s is missing; apt install dataset-fashion-mnist",
                           fashion_folder);
    return read_path(ctx, fashion_folder, options, source);
}

pdessm_status pdessm_dataset_open(pdessm_context *ctx, const char *spec,
                                  const pdessm_dataset_options *options, pdessm_dataset **ret) {
    pdessm_status status;
    pdessm_source source = {0};
    pdessm_dataset_options asked = {0};
    if (options)
        asked = *options;
    PDESSM_TRY(check_options(ctx, &asked));
    if (asked.max_bytes == 0)
        asked.max_bytes = PDESSM_DEFAULT_MAX_BYTES;
    if (!strcmp(spec, "shapes"))
        PDESSM_TRY(pdessm_source_shapes(ctx, &asked, &source));
    else if (!strcmp(spec, "fashion-mnist"))
        PDESSM_TRY(read_fashion(ctx, &asked, &source));
    else
        PDESSM_TRY(read_path(ctx, spec, &asked, &source));
    PDESSM_TRY(pdessm_dataset_build(ctx, spec, &asked, &source, ret));
out:
    pdessm_source_release(&source);
    return status;
}

static void free_names(char **names, int64_t count) {
    for (int64_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

void pdessm_source_release(pdessm_source *source) {
    pdessm_array_release(&source->images);
    pdessm_array_release(&source->labels);
    free_names(source->names, source->num_classes);
    *source = (pdessm_source){0};
}

pdessm_status pdessm_source_set_names(pdessm_context *ctx, pdessm_source *source,
                                      const char *const *names, int64_t count) {
    pdessm_status status = pdessm_alloc(ctx, (size_t)count, sizeof(char *), &source->names);
    if (status != PDESSM_OK)
        return status;
    source->num_classes = count;
    for (int64_t i = 0; i < count; i++)
        if (!(source->names[i] = strdup(names[i])))
            return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: class names");
    return PDESSM_OK;
}

void pdessm_dataset_destroy(pdessm_dataset **dataset) {
    pdessm_dataset *d = *dataset;
    if (!d)
        return;
    free_names(d->names, d->info.num_classes);
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
