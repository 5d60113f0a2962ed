/* SPDX-License-Identifier: MIT */
/* idx_cifar_folder.c: folders of IDX files or CIFAR batches, under the names that they come with.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/source.h"
#include "files/cifar.h"
#include "files/listing.h"

static const char *const idx_stems[2] = {"train-images", "t10k-images"};

static int is_test(const pdessm_dataset_options *options) {
    return options->split == PDESSM_SPLIT_TEST;
}

/* The name under which a folder has the images of one split, or NULL. */
static const char *find_idx(const pdessm_listing *listing, const char *stem) {
    static const char *const endings[] = {"-idx3-ubyte", "-idx3-ubyte.gz", ".idx3-ubyte",
                                          ".idx3-ubyte.gz"};
    for (int64_t i = 0; i < listing->count; i++)
        for (size_t e = 0; e < sizeof endings / sizeof *endings; e++) {
            const char *name = listing->names[i];
            size_t length = strlen(stem);
            if (!strncmp(name, stem, length) && !strcmp(name + length, endings[e]))
                return name;
        }
    return NULL;
}

static pdessm_status read_idx(pdessm_context *ctx, const char *path,
                              const pdessm_dataset_options *options, const pdessm_listing *listing,
                              pdessm_source *ret) {
    const char *stem = idx_stems[is_test(options)], *name = find_idx(listing, stem);
    pdessm_dataset_options file_options = *options;
    file_options.split = PDESSM_SPLIT_TRAIN;
    if (!name)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE, "%s: no %s-idx3-ubyte[.gz] for this split", path,
                           stem);
    char *file = NULL;
    pdessm_status status = pdessm_path_join(ctx, path, name, &file);
    if (status == PDESSM_OK)
        status = pdessm_source_file(ctx, file, &file_options, ret);
    free(file);
    return status;
}

/* Whether a file of CIFAR belongs to a split. */
static int is_batch(const char *name, int test) {
    size_t length = strlen(name);
    if (test)
        return !strcmp(name, "test_batch.bin") || !strcmp(name, "test.bin");
    return !strcmp(name, "train.bin") ||
           (!strncmp(name, "data_batch_", 11) && length > 4 && !strcmp(name + length - 4, ".bin"));
}

static int64_t count_batches(const pdessm_listing *listing, int test) {
    int64_t count = 0;
    for (int64_t i = 0; i < listing->count; i++)
        count += is_batch(listing->names[i], test);
    return count;
}

/* Appends rows along the first axis; `more` keeps its memory. */
static pdessm_status append(pdessm_context *ctx, const char *name, const pdessm_array *more,
                            int64_t max_bytes, pdessm_array *all) {
    if (!all->data) {
        *all = *more;
        all->dims[0] = 0;
        all->data = NULL;
    }
    size_t old = (size_t)pdessm_array_count(all), added = (size_t)pdessm_array_count(more);
    if ((int64_t)(old + added) > max_bytes)
        return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                           "%s: with it the images need more than the limit of %lld bytes", name,
                           (long long)max_bytes);
    uint8_t *bigger = realloc(all->data, old + added);
    if (!bigger)
        return pdessm_fail(ctx, PDESSM_ERROR_MEMORY, "%s: no memory for %zu bytes", name,
                           old + added);
    memcpy(bigger + old, more->data, added);
    all->data = bigger;
    all->dims[0] += more->dims[0];
    return PDESSM_OK;
}

static pdessm_status add_batch(pdessm_context *ctx, const char *path, int64_t max_bytes,
                               pdessm_source *ret) {
    pdessm_status status;
    pdessm_bytes bytes = {0};
    pdessm_array images = {0}, labels = {0};
    PDESSM_TRY(pdessm_bytes_open(ctx, path, &bytes));
    PDESSM_TRY(pdessm_cifar_decode(ctx, path, bytes.data, bytes.size, max_bytes, &images, &labels));
    int classes = pdessm_cifar_classes(bytes.data, bytes.size);
    PDESSM_REQUIRE(ctx, !ret->num_classes || ret->num_classes == classes, PDESSM_ERROR_FILE,
                   "%s: has %d classes, the batches before it have %lld", path, classes,
                   (long long)ret->num_classes);
    ret->num_classes = classes;
    PDESSM_TRY(append(ctx, path, &images, max_bytes, &ret->images));
    PDESSM_TRY(append(ctx, path, &labels, max_bytes, &ret->labels));
out:
    pdessm_array_release(&images);
    pdessm_array_release(&labels);
    pdessm_bytes_release(&bytes);
    return status;
}

/* Class names: one a line, in a file that may be missing. A wrong number of them is an error. */
static pdessm_status read_names(pdessm_context *ctx, const char *folder,
                                const pdessm_listing *listing, pdessm_source *source) {
    const char *name = source->num_classes == 10 ? "batches.meta.txt" : "fine_label_names.txt";
    pdessm_status status = PDESSM_OK;
    pdessm_bytes bytes = {0};
    char *path = NULL, *text = NULL, *rest = NULL;
    const char *names[101];
    int64_t count = 0;
    if (!pdessm_listing_has(listing, name))
        return PDESSM_OK;
    PDESSM_TRY(pdessm_path_join(ctx, folder, name, &path));
    PDESSM_TRY(pdessm_bytes_open(ctx, path, &bytes));
    PDESSM_TRY(pdessm_alloc(ctx, bytes.size + 1, 1, &text));
    memcpy(text, bytes.data, bytes.size);
    for (char *line = strtok_r(text, "\r\n", &rest); line && count <= 100;
         line = strtok_r(NULL, "\r\n", &rest))
        names[count++] = line;
    PDESSM_REQUIRE(ctx, count == source->num_classes, PDESSM_ERROR_FILE,
                   "%s: has another number of lines than the %lld classes", path,
                   (long long)source->num_classes);
    PDESSM_TRY(pdessm_source_set_names(ctx, source, names, count));
out:
    free(path);
    free(text);
    pdessm_bytes_release(&bytes);
    return status;
}

static pdessm_status read_cifar(pdessm_context *ctx, const char *path,
                                const pdessm_dataset_options *options,
                                const pdessm_listing *listing, pdessm_source *ret) {
    pdessm_status status = PDESSM_OK;
    char *file = NULL;
    PDESSM_REQUIRE(ctx, count_batches(listing, is_test(options)), PDESSM_ERROR_FILE,
                   "%s: has CIFAR batches, but none for this split (%s)", path,
                   is_test(options) ? "test_batch.bin or test.bin"
                                    : "data_batch_*.bin or train.bin");
    for (int64_t i = 0; i < listing->count; i++) {
        if (!is_batch(listing->names[i], is_test(options)))
            continue;
        if (options->limit > 0 && ret->images.dims[0] >= options->limit)
            break;
        free(file);
        file = NULL;
        PDESSM_TRY(pdessm_path_join(ctx, path, listing->names[i], &file));
        PDESSM_TRY(add_batch(ctx, file, options->max_bytes, ret));
    }
    ret->layout = PDESSM_LAYOUT_NCHW;
    PDESSM_TRY(read_names(ctx, path, listing, ret));
out:
    free(file);
    return status;
}

pdessm_status pdessm_source_idx_cifar_folder(pdessm_context *ctx, const char *path,
                                             const pdessm_dataset_options *options, int *ret_found,
                                             pdessm_source *ret) {
    pdessm_listing listing = {0};
    pdessm_status status = pdessm_listing_read(ctx, path, &listing);
    if (status != PDESSM_OK)
        return status;
    *ret_found = 1;
    if (find_idx(&listing, idx_stems[0]) || find_idx(&listing, idx_stems[1]))
        status = read_idx(ctx, path, options, &listing, ret);
    else if (count_batches(&listing, 0) || count_batches(&listing, 1))
        status = read_cifar(ctx, path, options, &listing, ret);
    else
        *ret_found = 0;
    pdessm_listing_release(&listing);
    return status;
}
