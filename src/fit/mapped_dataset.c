/* SPDX-License-Identifier: MIT */
/* mapped_dataset.c: a set of images taken through a map, and there and back. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pdessm/fit.h>

#include "dataset/dataset.h"
#include "files/resumable.h"
#include "model/fingerprint.h"
#include "model/maps/map.h"

static pdessm_status copy_names(pdessm_context *ctx, const pdessm_dataset_info *from,
                                pdessm_dataset *to) {
    pdessm_status status = PDESSM_OK;
    if (!from->class_names)
        return PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)from->num_classes, sizeof *to->names, &to->names));
    to->info.class_names = (const char *const *)to->names;
    for (int64_t i = 0; i < from->num_classes; i++) {
        const size_t size = strlen(from->class_names[i]) + 1;
        PDESSM_TRY(pdessm_alloc(ctx, size, 1, &to->names[i]));
        memcpy(to->names[i], from->class_names[i], size);
    }
out:
    return status;
}

static pdessm_status copy_labels(pdessm_context *ctx, const pdessm_dataset *from,
                                 pdessm_dataset *to) {
    pdessm_status status = PDESSM_OK;
    const int64_t n = from->info.count;
    if (!from->info.has_labels)
        return PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)n, sizeof *to->labels, &to->labels));
    for (int64_t i = 0; i < n; i++)
        to->labels[i] = pdessm_dataset_label(from, i);
out:
    return status;
}

/* Images of a set through a map, as parts. */
typedef struct mapping {
    pdessm_precondition *map;
    const pdessm_dataset *data;
    const int32_t *labels;
} mapping;

static pdessm_status map_images(void *user, int64_t first, int64_t n, const pdessm_watch *watch,
                                float *ret) {
    const mapping *m = user;
    const pdessm_dataset_info *i = &m->data->info;
    const int64_t pixels = i->channels * i->height * i->width;
    for (int64_t k = 0; k < n; k++)
        pdessm_dataset_image(m->data, first + k, ret + k * pixels);
    return pdessm_map_turn(m->map, PDESSM_MAP_APPLY, n, i->height, i->width,
                           m->labels ? m->labels + first : NULL, ret, watch, ret);
}

static pdessm_status map_in_parts(mapping *m, const char *folder, const pdessm_watch *watch,
                                  float *ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *i = &m->data->info;
    char origin[PDESSM_ORIGIN_TEXT];
    uint64_t hash = 0;
    const pdessm_resumable parts = {.ctx = m->map->ctx,
                                    .folder = folder,
                                    .origin = origin,
                                    .count = i->count,
                                    .each = 1024,
                                    .channels = i->channels,
                                    .height = i->height,
                                    .width = i->width,
                                    .watch = *watch,
                                    .make = map_images,
                                    .user = m};
    PDESSM_TRY(pdessm_fingerprint_data(m->map->ctx, m->data, &hash));
    snprintf(origin, sizeof origin, "data %016" PRIx64 " map %016" PRIx64, hash,
             pdessm_fingerprint_map(m->map));
    PDESSM_TRY(pdessm_resumable_make(&parts));
    PDESSM_TRY(pdessm_resumable_read(&parts, ret));
out:
    return status;
}

pdessm_status pdessm_precondition_dataset_kept(pdessm_precondition *map, pdessm_dataset *data,
                                               const char *folder,
                                               int (*progress)(void *user, double share),
                                               void *user, pdessm_dataset **ret) {
    pdessm_status status = PDESSM_OK;
    const pdessm_watch watch = {progress, user, 0, 1};
    const pdessm_dataset_info *i = &data->info;
    const int64_t pixels = i->channels * i->height * i->width;
    mapping m = {.map = map, .data = data};
    pdessm_dataset *to = NULL;
    PDESSM_REQUIRE(map->ctx, i->channels == map->info.channels, PDESSM_ERROR_SHAPE,
                   "the map is made for images of %lld channels, these have %lld",
                   (long long)map->info.channels, (long long)i->channels);
    PDESSM_TRY(pdessm_alloc(map->ctx, 1, sizeof *to, &to));
    to->info = *i;
    to->info.is_float = 1;
    to->info.class_names = NULL;
    PDESSM_TRY(copy_names(map->ctx, i, to));
    PDESSM_TRY(copy_labels(map->ctx, data, to));
    m.labels = to->labels;
    PDESSM_TRY(
        pdessm_alloc(map->ctx, (size_t)i->count, (size_t)pixels * sizeof(float), &to->pixels));
    PDESSM_TRY(folder ? map_in_parts(&m, folder, &watch, to->pixels)
                      : map_images(&m, 0, i->count, &watch, to->pixels));
    *ret = to;
    to = NULL;
out:
    pdessm_dataset_destroy(&to);
    return status;
}

pdessm_status pdessm_precondition_dataset(pdessm_precondition *map, pdessm_dataset *data,
                                          int (*progress)(void *user, double share), void *user,
                                          pdessm_dataset **ret) {
    return pdessm_precondition_dataset_kept(map, data, NULL, progress, user, ret);
}

static void add_errors(const float *x, const float *back, int64_t n, double *sum, double *most) {
    for (int64_t i = 0; i < n; i++) {
        const double error = fabs((double)x[i] - (double)back[i]);
        *sum += error * error;
        *most = error <= *most ? *most : error; /* NaN counts as an error */
    }
}

pdessm_status pdessm_precondition_round_trip(pdessm_precondition *map, pdessm_dataset *data,
                                             int64_t n, double *ret_rms, double *ret_most) {
    enum { CHUNK = PDESSM_MAP_CHUNK };
    pdessm_status status = PDESSM_OK;
    const pdessm_dataset_info *i = &data->info;
    const int64_t pixels = i->channels * i->height * i->width;
    int32_t labels[CHUNK];
    float *x = NULL, *back = NULL;
    double sum = 0, most = 0;
    n = n && n < i->count ? n : i->count;
    PDESSM_TRY(pdessm_alloc(map->ctx, CHUNK * (size_t)pixels, sizeof *x, &x));
    PDESSM_TRY(pdessm_alloc(map->ctx, CHUNK * (size_t)pixels, sizeof *back, &back));
    for (int64_t at = 0; at < n; at += CHUNK) {
        const int64_t count = n - at < CHUNK ? n - at : CHUNK;
        for (int64_t k = 0; k < count; k++) {
            pdessm_dataset_image(data, at + k, x + k * pixels);
            labels[k] = pdessm_dataset_label(data, at + k);
        }
        PDESSM_TRY(pdessm_precondition_apply(map, count, i->height, i->width, labels, x, back));
        PDESSM_TRY(pdessm_precondition_invert(map, count, i->height, i->width, labels, back, back));
        add_errors(x, back, count * pixels, &sum, &most);
    }
    *ret_rms = sqrt(sum / (double)(n * pixels));
    *ret_most = most;
out:
    free(x);
    free(back);
    return status;
}
