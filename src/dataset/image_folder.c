/* SPDX-License-Identifier: MIT */
/* image_folder.c: a folder of PNG and JPEG files, one subfolder a class. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dataset/convert.h"
#include "dataset/source.h"
#include "files/file.h"
#include "files/image.h"
#include "files/listing.h"

struct item {
    char *path;
    int64_t label, rank; /* rank: which one of its class */
};

struct gallery {
    struct item *items;
    int64_t count, space, skipped;
    char *first_skipped;
};

static void release(struct gallery *gallery) {
    for (int64_t i = 0; i < gallery->count; i++)
        free(gallery->items[i].path);
    free(gallery->items);
    free(gallery->first_skipped);
}

static int is_image_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot &&
           (!strcasecmp(dot, ".png") || !strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg"));
}

/* Takes over path. */
static pdessm_status add_item(pdessm_context *ctx, struct gallery *gallery, char *path,
                              int64_t label, int64_t rank) {
    if (gallery->count == gallery->space) {
        int64_t space = gallery->space ? gallery->space * 2 : 256;
        struct item *bigger = realloc(gallery->items, (size_t)space * sizeof *bigger);
        if (!bigger) {
            free(path);
            return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "out of memory: %lld file names",
                               (long long)space);
        }
        gallery->items = bigger;
        gallery->space = space;
    }
    gallery->items[gallery->count++] = (struct item){path, label, rank};
    return PDESSM_OK;
}

/* Adds the images that lie in one folder. */
static pdessm_status add_folder(pdessm_context *ctx, const char *folder,
                                const pdessm_listing *listing, int64_t label,
                                struct gallery *gallery) {
    pdessm_status status = PDESSM_OK;
    int64_t rank = 0;
    for (int64_t i = 0; i < listing->count; i++) {
        char *path = NULL;
        PDESSM_TRY(pdessm_path_join(ctx, folder, listing->names[i], &path));
        if (is_image_name(listing->names[i]) && !pdessm_is_folder(path)) {
            PDESSM_TRY(add_item(ctx, gallery, path, label, rank++));
            continue;
        }
        gallery->skipped++;
        if (gallery->first_skipped)
            free(path);
        else
            gallery->first_skipped = path;
    }
    PDESSM_REQUIRE(ctx, rank > 0, PDESSM_ERROR_FILE, "%s: holds no .png, .jpg or .jpeg", folder);
out:
    return status;
}

static pdessm_status add_classes(pdessm_context *ctx, const char *path,
                                 const pdessm_listing *classes, struct gallery *gallery) {
    pdessm_status status = PDESSM_OK;
    for (int64_t i = 0; i < classes->count; i++) {
        pdessm_listing inner = {0};
        char *folder = NULL;
        status = pdessm_path_join(ctx, path, classes->names[i], &folder);
        if (status == PDESSM_OK)
            status = pdessm_listing_read(ctx, folder, &inner);
        if (status == PDESSM_OK)
            status = add_folder(ctx, folder, &inner, i, gallery);
        pdessm_listing_release(&inner);
        free(folder);
        if (status != PDESSM_OK)
            return status;
    }
    return PDESSM_OK;
}

/* Keeps the names of subfolders only, in order. */
static pdessm_status keep_folders(pdessm_context *ctx, const char *path, pdessm_listing *listing,
                                  int *ret_images) {
    int64_t kept = 0;
    *ret_images = 0;
    pdessm_status status = PDESSM_OK;
    for (int64_t i = 0; i < listing->count; i++) {
        char *inner = NULL, *name = listing->names[i];
        if (status == PDESSM_OK)
            status = pdessm_path_join(ctx, path, name, &inner);
        int folder = inner && pdessm_is_folder(inner);
        free(inner);
        if (folder) {
            listing->names[kept++] = name;
        } else {
            *ret_images |= is_image_name(name);
            free(name);
        }
    }
    listing->count = kept;
    return status;
}

/* One of each class in turn, so that the first images of a set, which is what --limit keeps, are
 * spread over the classes. */
static int compare_items(const void *a, const void *b) {
    const struct item *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->label < y->label ? -1 : x->label > y->label;
}

/* Finds the files, and the classes when there are subfolders. */
static pdessm_status scan(pdessm_context *ctx, const char *path, struct gallery *gallery,
                          pdessm_source *source) {
    pdessm_status status;
    pdessm_listing all = {0}, classes = {0};
    int images = 0;
    PDESSM_TRY(pdessm_listing_read(ctx, path, &all));
    PDESSM_TRY(pdessm_listing_read(ctx, path, &classes));
    PDESSM_TRY(keep_folders(ctx, path, &classes, &images));
    if (classes.count == 0) {
        PDESSM_TRY(add_folder(ctx, path, &all, -1, gallery));
        goto out;
    }
    PDESSM_REQUIRE(ctx, !images, PDESSM_ERROR_FILE,
                   "%s: holds images and subfolders (%s); put every image into the subfolder of "
                   "its class",
                   path, classes.names[0]);
    PDESSM_TRY(add_classes(ctx, path, &classes, gallery));
    PDESSM_TRY(
        pdessm_source_set_names(ctx, source, (const char *const *)classes.names, classes.count));
    qsort(gallery->items, (size_t)gallery->count, sizeof *gallery->items, compare_items);
out:
    if (status == PDESSM_OK && gallery->skipped)
        pdessm_log(ctx, PDESSM_LOG_NOTE, "%s: skipped %lld entries that are not images, first %s",
                   path, (long long)gallery->skipped, gallery->first_skipped);
    pdessm_listing_release(&all);
    pdessm_listing_release(&classes);
    return status;
}

/* What is carried from image to image. */
struct reading {
    const pdessm_dataset_options *options;
    pdessm_image_extent in, out; /* in: what the converter was made for */
    pdessm_converter *converter;
    const char *first; /* path of the first image, whose size the others must have */
    uint8_t *pixels;
    int64_t count;
};

/* The first image says how large all are, unless the options do. */
static pdessm_status begin(pdessm_context *ctx, struct reading *reading, const char *path,
                           const pdessm_bitmap *picture) {
    const pdessm_dataset_options *options = reading->options;
    reading->first = path;
    reading->out = (pdessm_image_extent){
        options->channels > 0 ? options->channels : picture->channels,
        options->height > 0 ? options->height : picture->height,
        options->width > 0 ? options->width : picture->width,
    };
    const int64_t dims[] = {reading->count, reading->out.channels, reading->out.height,
                            reading->out.width};
    int64_t total = pdessm_extent_product(4, dims, 1);
    if (total < 0 || total > options->max_bytes)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: %lld images of %lld x %lld pixels need more memory than the limit "
                           "of %lld bytes; give a smaller --image-size or --limit",
                           path, (long long)reading->count, (long long)reading->out.height,
                           (long long)reading->out.width, (long long)options->max_bytes);
    return pdessm_alloc(ctx, (size_t)total, 1, &reading->pixels);
}

static pdessm_status explain(pdessm_context *ctx, const struct reading *reading, const char *path,
                             const pdessm_bitmap *picture) {
    const pdessm_dataset_options *options = reading->options;
    if (options->height == 0 &&
        (picture->height != reading->out.height || picture->width != reading->out.width))
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: is %lld x %lld pixels, but %s is %lld x %lld; give one size for "
                           "all, as in --image-size %lldx%lld --fit resize (or crop, or pad)",
                           path, (long long)picture->height, (long long)picture->width,
                           reading->first, (long long)reading->out.height,
                           (long long)reading->out.width, (long long)reading->out.height,
                           (long long)reading->out.width);
    if (options->channels == 0 && picture->channels != reading->out.channels)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: has %lld channels, but %s has %lld; give --channels 1 or "
                           "--channels 3",
                           path, (long long)picture->channels, reading->first,
                           (long long)reading->out.channels);
    return PDESSM_OK;
}

static pdessm_status read_one(pdessm_context *ctx, struct reading *reading, const char *path,
                              int64_t index) {
    pdessm_status status;
    pdessm_bytes bytes = {0};
    pdessm_bitmap picture = {0};
    PDESSM_TRY(pdessm_bytes_open(ctx, path, &bytes));
    PDESSM_TRY(pdessm_image_decode(ctx, path, bytes.data, bytes.size, reading->options->max_bytes,
                                   &picture));
    if (index == 0)
        PDESSM_TRY(begin(ctx, reading, path, &picture));
    PDESSM_TRY(explain(ctx, reading, path, &picture));
    pdessm_image_extent in = {picture.channels, picture.height, picture.width};
    if (!reading->converter || memcmp(&in, &reading->in, sizeof in) != 0) {
        pdessm_converter_destroy(&reading->converter);
        PDESSM_TRY(pdessm_converter_create(ctx, path, reading->options->resize, in, reading->out, 0,
                                           &reading->converter));
        reading->in = in;
    }
    int64_t step = reading->out.channels * reading->out.height * reading->out.width;
    pdessm_converter_run(reading->converter, picture.pixels, 1, reading->pixels + index * step);
out:
    pdessm_bitmap_release(&picture);
    pdessm_bytes_release(&bytes);
    return status;
}

static pdessm_status read_all(pdessm_context *ctx, const struct gallery *gallery,
                              struct reading *reading, pdessm_source *ret) {
    pdessm_status status = PDESSM_OK;
    int64_t n = reading->count;
    for (int64_t i = 0; i < n; i++)
        PDESSM_TRY(read_one(ctx, reading, gallery->items[i].path, i));
    ret->layout = PDESSM_LAYOUT_NCHW;
    ret->images =
        (pdessm_array){PDESSM_ARRAY_UINT8,
                       4,
                       {n, reading->out.channels, reading->out.height, reading->out.width},
                       reading->pixels};
    reading->pixels = NULL;
    if (!ret->names)
        goto out;
    ret->labels = (pdessm_array){PDESSM_ARRAY_INT64, 1, {n}, NULL};
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)n, sizeof(int64_t), &ret->labels.data));
    for (int64_t i = 0; i < n; i++)
        ((int64_t *)ret->labels.data)[i] = gallery->items[i].label;
out:
    pdessm_converter_destroy(&reading->converter);
    free(reading->pixels);
    return status;
}

/* A folder that holds `train` and `test` (or `val`) is two sets. *ret is the path to read. */
static pdessm_status choose_split(pdessm_context *ctx, const char *path,
                                  const pdessm_dataset_options *options, char **ret) {
    pdessm_status status;
    char *train = NULL, *test = NULL, *val = NULL;
    int wants_test = options->split == PDESSM_SPLIT_TEST;
    PDESSM_TRY(pdessm_path_join(ctx, path, "train", &train));
    PDESSM_TRY(pdessm_path_join(ctx, path, "test", &test));
    PDESSM_TRY(pdessm_path_join(ctx, path, "val", &val));
    char **held_out = pdessm_is_folder(test) ? &test : pdessm_is_folder(val) ? &val : NULL;
    if (pdessm_is_folder(train) && held_out) {
        char **chosen = wants_test ? held_out : &train;
        *ret = *chosen;
        *chosen = NULL;
        goto out;
    }
    PDESSM_REQUIRE(ctx, !wants_test, PDESSM_ERROR_ARGUMENT,
                   "%s: has no test split: no subfolders train and test; give the folder of test "
                   "images without --split",
                   path);
    *ret = strdup(path);
    PDESSM_REQUIRE(ctx, *ret, PDESSM_ERROR_MEMORY, "out of memory: a path");
out:
    free(train);
    free(test);
    free(val);
    return status;
}

pdessm_status pdessm_source_image_folder(pdessm_context *ctx, const char *path,
                                         const pdessm_dataset_options *options,
                                         pdessm_source *ret) {
    pdessm_status status;
    struct gallery gallery = {0};
    char *chosen = NULL;
    PDESSM_TRY(choose_split(ctx, path, options, &chosen));
    PDESSM_TRY(scan(ctx, chosen, &gallery, ret));
    struct reading reading = {.options = options, .count = gallery.count};
    if (options->limit > 0 && options->limit < reading.count)
        reading.count = options->limit;
    PDESSM_TRY(read_all(ctx, &gallery, &reading, ret));
out:
    release(&gallery);
    free(chosen);
    return status;
}
