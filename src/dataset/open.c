/* SPDX-License-Identifier: MIT */
/* open.c: which reader a specification means. */
#include "dataset/source.h"

#include <errno.h>
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
    if (!pdessm_is_folder(fashion_folder))
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
