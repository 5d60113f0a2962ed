/* SPDX-License-Identifier: MIT */
/* pictures.c: generated images to files. */
#include "files/pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "files/atomic_file.h"
#include "files/file.h"
#include "files/image.h"
#include "files/npy.h"

typedef enum form { FORM_GRID, FORM_NPZ, FORM_NPY, FORM_FOLDER, FORM_UNKNOWN } form;

static form form_of(const char *path) {
    const char *name = strrchr(path, '/');
    const char *dot = strrchr(name ? name + 1 : path, '.');
    if ((name && !name[1]) || pdessm_is_folder(path) || !dot)
        return FORM_FOLDER;
    return strcasecmp(dot, ".png") == 0   ? FORM_GRID
           : strcasecmp(dot, ".npz") == 0 ? FORM_NPZ
           : strcasecmp(dot, ".npy") == 0 ? FORM_NPY
                                          : FORM_UNKNOWN;
}

pdessm_status pdessm_pictures_check(pdessm_context *ctx, const char *path) {
    form f = form_of(path);
    if (f == FORM_UNKNOWN)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                           "'%s': expected a name that ends in .png, .npz or .npy, or a "
                           "folder (FOLDER/)",
                           path);
    return f == FORM_FOLDER ? PDESSM_OK : pdessm_output_check(ctx, path);
}

pdessm_status pdessm_pictures_allocate(pdessm_context *ctx, pdessm_pictures *p) {
    pdessm_status status = PDESSM_OK;
    size_t pixels = (size_t)(p->channels * p->height * p->width);
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)p->count, pixels * sizeof *p->images, &p->images));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)p->count, sizeof *p->labels, &p->labels));
out:
    return status;
}

void pdessm_pictures_release(pdessm_pictures *p) {
    free(p->images);
    free(p->labels);
    p->images = NULL;
    p->labels = NULL;
}

static pdessm_status write_grid(pdessm_context *ctx, const pdessm_pictures *p, const char *path) {
    pdessm_grid_options options = {.scale = p->scale};
    if (p->rows) {
        options.columns = p->count / p->rows;
        options.row_labels = p->class_names;
    }
    return pdessm_grid_write(ctx, path, p->images, p->count, p->channels, p->height, p->width,
                             &options);
}

static pdessm_status write_npz(pdessm_context *ctx, const pdessm_pictures *p, const char *path) {
    size_t pixels = (size_t)(p->channels * p->height * p->width);
    pdessm_status status = PDESSM_OK;
    uint8_t *bytes = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)p->count, pixels, &bytes));
    pdessm_images_to_bytes(p->images, p->count, p->channels, p->height, p->width, bytes);
    PDESSM_TRY(
        pdessm_npz_write(ctx, path, bytes, p->count, p->height, p->width, p->channels, p->labels));
out:
    free(bytes);
    return status;
}

static pdessm_status write_npy(pdessm_context *ctx, const pdessm_pictures *p, const char *path) {
    const pdessm_array array = {.type = PDESSM_ARRAY_FLOAT32,
                                .rank = 4,
                                .dims = {p->count, p->channels, p->height, p->width},
                                .data = p->images};
    return pdessm_npy_write(ctx, path, &array);
}

/* FOLDER/00012-class-3.png: the order is the number's, the class can be read off. */
static pdessm_status write_folder(pdessm_context *ctx, const pdessm_pictures *p, const char *path) {
    const int64_t pixels = p->channels * p->height * p->width;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_make_folder(ctx, path));
    for (int64_t i = 0; i < p->count; i++) {
        char name[4096], label[32] = "none";
        if (p->labels[i] < p->num_classes)
            snprintf(label, sizeof label, "%d", p->labels[i]);
        snprintf(name, sizeof name, "%s/%05lld-class-%s.png", path, (long long)i, label);
        const pdessm_grid_options one = {.columns = 1, .scale = p->scale};
        PDESSM_TRY(p->scale > 1 ? pdessm_grid_write(ctx, name, p->images + i * pixels, 1,
                                                    p->channels, p->height, p->width, &one)
                                : pdessm_png_write_float(ctx, name, p->images + i * pixels,
                                                         p->channels, p->height, p->width));
    }
out:
    return status;
}

pdessm_status pdessm_pictures_write(pdessm_context *ctx, const pdessm_pictures *p,
                                    const char *path) {
    form f = form_of(path);
    if ((f == FORM_GRID || f == FORM_FOLDER) && p->channels != 1 && p->channels != 3)
        return pdessm_fail(ctx, PDESSM_ERROR_ARGUMENT,
                           "a PNG has 1 or 3 channels, the model has %lld: write to .npy instead",
                           (long long)p->channels);
    return f == FORM_GRID  ? write_grid(ctx, p, path)
           : f == FORM_NPZ ? write_npz(ctx, p, path)
           : f == FORM_NPY ? write_npy(ctx, p, path)
                           : write_folder(ctx, p, path);
}
