/* SPDX-License-Identifier: MIT */
/* single_file.c: sets of images in single files: IDX, CIFAR, .npy, .npz, safetensors. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/source.h"
#include "files/cifar.h"
#include "files/idx.h"
#include "files/image.h"
#include "files/npy.h"

static const char *const fashion_names[] = {"T-shirt", "Trouser", "Pullover", "Dress", "Coat",
                                            "Sandal",  "Shirt",   "Sneaker",  "Bag",   "Boot"};

static pdessm_status entry_array(pdessm_context *ctx, const char *name,
                                 const pdessm_safetensors_entry *entry, int64_t max_bytes,
                                 pdessm_array *ret) {
    char where[512];
    snprintf(where, sizeof where, "%s(%s)", name, entry->name);
    return pdessm_array_decode(ctx, where, entry->dtype, 0, entry->rank, entry->dims, entry->data,
                               entry->bytes, max_bytes, ret);
}

static pdessm_status decode_safetensors(pdessm_context *ctx, const char *name, const uint8_t *data,
                                        size_t size, int64_t max_bytes, pdessm_source *ret) {
    pdessm_status status;
    pdessm_safetensors *file = NULL;
    PDESSM_TRY(pdessm_safetensors_open_memory(ctx, name, data, size, &file));
    const pdessm_safetensors_entry *latents = pdessm_safetensors_find(file, "latents");
    const pdessm_safetensors_entry *images =
        latents ? latents : pdessm_safetensors_find(file, "images");
    const pdessm_safetensors_entry *labels = pdessm_safetensors_find(file, "labels");
    PDESSM_REQUIRE(ctx, images && images->rank == 4, PDESSM_ERROR_FILE,
                   "%s: no tensor `latents` or `images` of [n, channels, height, width]", name);
    ret->is_latent = latents != NULL;
    ret->layout = PDESSM_LAYOUT_NCHW;
    PDESSM_TRY(entry_array(ctx, name, images, max_bytes, &ret->images));
    if (labels)
        PDESSM_TRY(entry_array(ctx, name, labels, max_bytes, &ret->labels));
out:
    pdessm_safetensors_destroy(&file);
    return status;
}

pdessm_status pdessm_source_decode(pdessm_context *ctx, const char *name, const uint8_t *data,
                                   size_t size, int64_t max_bytes, pdessm_source *ret) {
    if (pdessm_is_npy(data, size))
        return pdessm_npy_decode(ctx, name, data, size, max_bytes, &ret->images);
    if (pdessm_is_npz(data, size))
        return pdessm_npz_decode(ctx, name, data, size, max_bytes, &ret->images, &ret->labels);
    if (pdessm_is_png(data, size) || pdessm_is_jpeg(data, size))
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: a single image; give the folder that it lies in", name);
    if (size > 8 && data[8] == '{')
        return decode_safetensors(ctx, name, data, size, max_bytes, ret);
    ret->is_idx = pdessm_is_idx(data, size);
    if (ret->is_idx)
        return pdessm_idx_decode(ctx, name, data, size, max_bytes, &ret->images);
    if (pdessm_cifar_classes(data, size)) {
        ret->layout = PDESSM_LAYOUT_NCHW;
        ret->num_classes = pdessm_cifar_classes(data, size);
        return pdessm_cifar_decode(ctx, name, data, size, max_bytes, &ret->images, &ret->labels);
    }
    return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                       "%s: not IDX, CIFAR, .npy, .npz or safetensors, or cut off", name);
}

static pdessm_status read_file(pdessm_context *ctx, const char *path, int64_t max_bytes,
                               pdessm_source *source) {
    enum { HEADER = 65536 }; /* what a file may hold beside its images */
    pdessm_bytes bytes = {0};
    pdessm_status status;
    int64_t most = max_bytes < INT64_MAX - HEADER ? max_bytes + HEADER : max_bytes;
    PDESSM_TRY(pdessm_bytes_load(ctx, path, most, &bytes));
    PDESSM_TRY(pdessm_source_decode(ctx, path, bytes.data, bytes.size, max_bytes, source));
out:
    pdessm_bytes_release(&bytes);
    return status;
}

static pdessm_status read_labels(pdessm_context *ctx, const char *path, int64_t max_bytes,
                                 pdessm_source *source) {
    pdessm_bytes bytes = {0};
    pdessm_status status;
    PDESSM_TRY(pdessm_bytes_load(ctx, path, max_bytes, &bytes));
    PDESSM_TRY(pdessm_idx_decode(ctx, path, bytes.data, bytes.size, max_bytes, &source->labels));
out:
    pdessm_bytes_release(&bytes);
    return status;
}

static pdessm_status replace_once(pdessm_context *ctx, const char *text, const char *old,
                                  const char *new, char **ret) {
    const char *slash = strrchr(text, '/');
    const char *at = strstr(slash ? slash : text, old); /* only in the last component */
    size_t head = at ? (size_t)(at - text) : strlen(text);
    char *result = NULL;
    if (asprintf(&result, "%.*s%s%s", (int)head, text, at ? new : "", at ? at + strlen(old) : "") <
        0)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: a path");
    *ret = result;
    return PDESSM_OK;
}

/* The labels that go with a file of images: images-idx3 becomes labels-idx1, with or without .gz.
 * *ret is NULL when there is no such file. */
static pdessm_status find_labels(pdessm_context *ctx, const char *images, char **ret) {
    pdessm_status status;
    char *renamed = NULL, *path = NULL, *other = NULL;
    PDESSM_TRY(replace_once(ctx, images, "images", "labels", &renamed));
    PDESSM_TRY(replace_once(ctx, renamed, "idx3", "idx1", &path));
    size_t length = strlen(path);
    int zipped = length > 3 && !strcmp(path + length - 3, ".gz");
    PDESSM_TRY(pdessm_alloc(ctx, length + 4, 1, &other));
    memcpy(other, path, zipped ? length - 3 : length);
    if (!zipped)
        strcat(other, ".gz");
    char **found = access(path, R_OK) == 0 ? &path : access(other, R_OK) == 0 ? &other : NULL;
    if (found && strcmp(*found, images) != 0) {
        *ret = *found;
        *found = NULL;
    }
out:
    free(renamed);
    free(path);
    free(other);
    return status;
}

static int is_fashion(const char *path) {
    const char *end = strrchr(path, '/'), *name = "fashion-mnist";
    size_t length = strlen(name);
    return end && (size_t)(end - path) >= length && !strncmp(end - length, name, length);
}

/* An IDX file of images, its labels beside it, and names where the folder tells them. */
static pdessm_status add_idx_labels(pdessm_context *ctx, const char *path, int64_t max_bytes,
                                    pdessm_source *source) {
    char *labels = NULL;
    pdessm_status status;
    PDESSM_REQUIRE(ctx, source->images.rank > 1, PDESSM_ERROR_FILE,
                   "%s: holds labels; give the file with the images", path);
    PDESSM_TRY(find_labels(ctx, path, &labels));
    if (!labels) {
        pdessm_log(ctx, PDESSM_LOG_NOTE, "%s: no file of labels beside it", path);
        goto out;
    }
    PDESSM_TRY(read_labels(ctx, labels, max_bytes, source));
    if (is_fashion(path))
        PDESSM_TRY(pdessm_source_set_names(ctx, source, fashion_names, 10));
out:
    free(labels);
    return status;
}

pdessm_status pdessm_source_file(pdessm_context *ctx, const char *path,
                                 const pdessm_dataset_options *options, pdessm_source *ret) {
    if (options->split != PDESSM_SPLIT_TRAIN)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                           "%s: a single file has no test split; give the file of test images "
                           "without --split",
                           path);
    ret->layout = options->layout;
    pdessm_status status = read_file(ctx, path, options->max_bytes, ret);
    if (status == PDESSM_OK && ret->is_idx)
        status = add_idx_labels(ctx, path, options->max_bytes, ret);
    return status;
}
