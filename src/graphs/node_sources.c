/* SPDX-License-Identifier: MIT */
/* node_sources.c: graphs with classes by name. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pdessm/data.h>

#include "files/file.h"
#include "graphs/neighbours.h"
#include "graphs/node_files.h"

/* ------------------------------------------------------------------ fashion-knn */

enum { FASHION_NODES = 70000, FASHION_NEAREST = 8 };

/* Images of one split behind those that are there, pixels as the numbers 0 to 255. */
static pdessm_status add_images(pdessm_context *ctx, pdessm_split split, int64_t count, int64_t *at,
                                pdessm_node_arrays *a, float *feature, int32_t *label) {
    pdessm_status status = PDESSM_OK;
    pdessm_dataset *images = NULL;
    const pdessm_dataset_options options = {.split = split, .limit = count};
    PDESSM_TRY(pdessm_dataset_open(ctx, "fashion-mnist", &options, &images));
    const pdessm_dataset_info *info = pdessm_dataset_get_info(images);
    const uint8_t *pixel = pdessm_dataset_pixels(images);
    const int64_t size = info->channels * info->height * info->width;
    PDESSM_REQUIRE(
        ctx, info->count == count && size == a->features && !info->is_float && info->has_labels,
        PDESSM_ERROR_FILE,
        "fashion-mnist: %lld images of %lld pixels, expected %lld of %lld with labels",
        (long long)info->count, (long long)size, (long long)count, (long long)a->features);
    for (int64_t k = 0; k < count * size; k++)
        feature[*at * size + k] = pixel[k];
    for (int64_t i = 0; i < count; i++)
        label[*at + i] = pdessm_dataset_label(images, i);
    *at += count;
out:
    pdessm_dataset_destroy(&images);
    return status;
}

static pdessm_status join_nearest(pdessm_context *ctx, int64_t nodes, int64_t features,
                                  const float *feature, const pdessm_node_options *o,
                                  int32_t (**ret)[2]) {
    pdessm_status status = PDESSM_OK;
    const pdessm_watch watch = {o->progress, o->user, 0, 1};
    int32_t *near = NULL, (*ends)[2] = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(nodes * FASHION_NEAREST), sizeof *near, &near));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(nodes * FASHION_NEAREST), sizeof *ends, &ends));
    PDESSM_TRY(pdessm_neighbours_cached(ctx, "fashion-knn", nodes, features, feature,
                                        FASHION_NEAREST, &watch, near));
    for (int64_t k = 0; k < nodes * FASHION_NEAREST; k++) {
        ends[k][0] = (int32_t)(k / FASHION_NEAREST);
        ends[k][1] = near[k];
    }
    *ret = ends;
    ends = NULL;
out:
    free(near);
    free(ends);
    return status;
}

/* Of seven nodes five, one and one: training and validation nodes from the training images. */
static pdessm_status open_fashion(pdessm_context *ctx, int64_t nodes,
                                  const pdessm_node_options *options, pdessm_node_set **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_node_arrays a = {.features = 28 * 28, .classes = 10};
    int32_t *label = NULL, (*ends)[2] = NULL;
    float *feature = NULL;
    uint8_t *split = NULL;
    a.nodes = nodes ? nodes : FASHION_NODES;
    PDESSM_REQUIRE(ctx, a.nodes >= 70 && a.nodes <= FASHION_NODES, PDESSM_ERROR_ARGUMENT,
                   "fashion-knn:%lld: expected 70 to %d nodes", (long long)nodes, FASHION_NODES);
    const int64_t tests = a.nodes / 7;
    int64_t at = 0;
    PDESSM_TRY(pdessm_node_features(ctx, a.nodes, a.features, &feature));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)a.nodes, sizeof *label, &label));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)a.nodes, 1, &split));
    PDESSM_TRY(add_images(ctx, PDESSM_SPLIT_TRAIN, a.nodes - tests, &at, &a, feature, label));
    PDESSM_TRY(add_images(ctx, PDESSM_SPLIT_TEST, tests, &at, &a, feature, label));
    PDESSM_TRY(join_nearest(ctx, a.nodes, a.features, feature, options, &ends));
    for (int64_t i = 0; i < a.nodes; i++)
        split[i] = i < a.nodes - 2 * tests ? PDESSM_NODES_TRAIN
                   : i < a.nodes - tests   ? PDESSM_NODES_VALIDATION
                                           : PDESSM_NODES_TEST;
    for (int64_t k = 0; k < a.nodes * a.features; k++)
        feature[k] /= 255;
    a.edges = a.nodes * FASHION_NEAREST;
    a.ends = (const int32_t(*)[2])ends;
    a.label = label;
    a.split = split;
    PDESSM_TRY(pdessm_node_set_take(ctx, "fashion-knn", &a, &feature, ret));
out:
    free(feature);
    free(label);
    free(split);
    free(ends);
    return status;
}

/* ------------------------------------------------------------------ by name */

/* Is spec NAME or NAME:N? *ret_count is N, or 0. */
static int is_named(const char *spec, const char *name, int64_t *ret_count) {
    const size_t length = strlen(name);
    char *end = NULL;
    if (strncmp(spec, name, length) != 0)
        return 0;
    *ret_count = 0;
    if (spec[length] == ':' && spec[length + 1] >= '1' && spec[length + 1] <= '9')
        *ret_count = strtoll(spec + length + 1, &end, 10);
    return end ? *end == '\0' : spec[length] == '\0';
}

pdessm_status pdessm_node_set_open(pdessm_context *ctx, const char *spec,
                                   const pdessm_node_options *options, pdessm_node_set **ret) {
    const pdessm_node_options plain = {0};
    const pdessm_node_options *o = options ? options : &plain;
    int64_t count;
    if (strcmp(spec, "clubs") == 0)
        return pdessm_node_set_clubs(ctx, o->seed, ret);
    if (is_named(spec, "fashion-knn", &count))
        return open_fashion(ctx, count, o, ret);
    if (is_named(spec, "qtips", &count))
        return pdessm_node_set_qtips(ctx, o->seed, count, ret);
    if (access(spec, F_OK) == 0)
        return pdessm_node_set_read(ctx, spec, o->seed,
                                    o->max_bytes ? o->max_bytes : PDESSM_DEFAULT_MAX_BYTES, ret);
    return pdessm_fail(ctx, PDESSM_ERROR_FILE,
                       "graph '%s': expected clubs, fashion-knn, qtips, an .npz file or a folder",
                       spec);
}
