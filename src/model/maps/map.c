/* SPDX-License-Identifier: MIT */
/* map.c: maps as such: names, references, sorting images by label for the kind's own run.
 */
#include "model/maps/map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/names.h"
#include "model/model.h"

static const pdessm_map_kind *const kinds[PDESSM_PRECONDITION_KINDS] = {
    [PDESSM_PRECONDITION_WHITEN] = &pdessm_map_whiten,
    [PDESSM_PRECONDITION_SPECTRAL] = &pdessm_map_spectral,
    [PDESSM_PRECONDITION_REALNVP] = &pdessm_map_realnvp,
    [PDESSM_PRECONDITION_FLOW] = &pdessm_map_flow,
};

PDESSM_DEFINE_NAMES(pdessm_precondition, pdessm_precondition_kind, PDESSM_PRECONDITIONS,
                    "preconditioner")

int pdessm_map_list(const pdessm_precondition_info *info, pdessm_map_array ret[PDESSM_MAP_ARRAYS]) {
    return kinds[info->kind]->list(info, ret);
}

/* ------------------------------------------------------------------ making and keeping */

/* Everything but the arrays' memory. */
static pdessm_status make(pdessm_device *device, const pdessm_precondition_info *info,
                          pdessm_precondition **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_precondition *map = NULL;
    PDESSM_TRY(pdessm_alloc(device->ctx, 1, sizeof *map, &map));
    map->device = device;
    map->ctx = device->ctx;
    map->references = 1;
    map->kind = kinds[info->kind];
    map->info = *info;
    map->info.any_size = map->kind->any_size;
    map->info.has_null = map->kind->has_null;
    map->info.numbers = 0;
    map->count = map->kind->list(info, map->array);
    for (int i = 0; i < map->count; i++) {
        pdessm_map_array *a = &map->array[i];
        a->count = 1;
        for (int k = 0; k < a->rank; k++)
            a->count *= a->dims[k];
        map->info.numbers += a->count;
    }
    *ret = map;
out:
    return status;
}

pdessm_status pdessm_map_create(pdessm_device *device, const pdessm_precondition_info *info,
                                pdessm_precondition **ret) {
    pdessm_status status = PDESSM_OK;
    pdessm_precondition *map = NULL;
    PDESSM_TRY(make(device, info, &map));
    for (int i = 0; i < map->count; i++) {
        pdessm_map_array *a = &map->array[i];
        PDESSM_TRY(pdessm_alloc(map->ctx, (size_t)a->count, sizeof *a->value, &a->value));
    }
    *ret = map;
    map = NULL;
out:
    pdessm_precondition_destroy(&map);
    return status;
}

pdessm_status pdessm_map_part(const pdessm_precondition *map, pdessm_precondition_kind kind,
                              pdessm_precondition **ret) {
    pdessm_precondition_info info = map->info;
    info.kind = kind;
    pdessm_status status = make(map->device, &info, ret);
    if (status != PDESSM_OK)
        return status;
    (*ret)->borrows = 1;
    for (int i = 0; i < (*ret)->count; i++)
        (*ret)->array[i].value = pdessm_map_values(map, (*ret)->array[i].name);
    return PDESSM_OK;
}

void pdessm_precondition_destroy(pdessm_precondition **map) {
    pdessm_precondition *m = *map;
    *map = NULL;
    if (!m || --m->references > 0)
        return;
    if (m->work)
        m->kind->release(m);
    for (int i = 0; i < m->count && !m->borrows; i++)
        free(m->array[i].value);
    free(m->network);
    free(m);
}

const pdessm_precondition_info *pdessm_precondition_get_info(const pdessm_precondition *map) {
    return &map->info;
}

float *pdessm_map_values(const pdessm_precondition *map, const char *name) {
    int i = 0;
    while (strcmp(map->array[i].name, name) != 0)
        i++;
    return map->array[i].value;
}

/* ------------------------------------------------------------------ with a model */

pdessm_status pdessm_model_set_precondition(pdessm_model *model, pdessm_precondition *map) {
    const pdessm_config *c = &model->config;
    if (map) {
        const pdessm_precondition_info *i = &map->info;
        int sized = i->any_size || (i->height == c->image_size[0] && i->width == c->image_size[1]);
        if (!sized || i->channels != c->channels || (i->classes > 1 && i->classes > c->num_classes))
            return pdessm_fail(model->ctx, PDESSM_ERROR_SHAPE,
                               "the map is for %lld classes of %lld x %lld x %lld images (height, "
                               "width, channels), the model for %d classes of %d x %d x %d",
                               (long long)i->classes, (long long)i->height, (long long)i->width,
                               (long long)i->channels, c->num_classes, c->image_size[0],
                               c->image_size[1], c->channels);
        map->references++;
    }
    pdessm_precondition_destroy(&model->precondition);
    model->precondition = map;
    return PDESSM_OK;
}

pdessm_precondition *pdessm_model_get_precondition(const pdessm_model *model) {
    return model->precondition;
}

/* ------------------------------------------------------------------ running */

pdessm_status pdessm_map_check(const pdessm_precondition *map, int64_t n, int64_t height,
                               int64_t width, const int32_t *labels) {
    const pdessm_precondition_info *info = &map->info;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(map->ctx, n >= 1 && height >= 1 && width >= 1, PDESSM_ERROR_ARGUMENT,
                   "preconditioning of %lld images of %lld x %lld pixels; expected at least one",
                   (long long)n, (long long)height, (long long)width);
    PDESSM_REQUIRE(map->ctx, info->any_size || (height == info->height && width == info->width),
                   PDESSM_ERROR_SHAPE,
                   "the %s map is made for images of %lld x %lld and cannot work on %lld x %lld; "
                   "keep to that size, or train with --precondition spectral",
                   pdessm_precondition_name(map->info.kind), (long long)info->height,
                   (long long)info->width, (long long)height, (long long)width);
    for (int64_t i = 0; info->classes > 1 && !info->has_null && i < n; i++) {
        int64_t label = labels ? labels[i] : -1;
        PDESSM_REQUIRE(map->ctx, label >= 0 && label < info->classes, PDESSM_ERROR_ARGUMENT,
                       "the %s map is a different one for each of %lld classes, image %lld has no "
                       "class among them; ask for a class, or train with --precondition-pooled",
                       pdessm_precondition_name(map->info.kind), (long long)info->classes,
                       (long long)i);
    }
out:
    return status;
}

/* The label that an image counts under: classes is the null class. */
static int64_t label_of(const pdessm_precondition_info *info, const int32_t *labels, int64_t i) {
    if (info->classes == 1 && !info->has_null)
        return 0;
    return labels && labels[i] >= 0 && labels[i] < info->classes ? labels[i] : info->classes;
}

/* Images of one label, or of any where the kind mixes them, gathered in chunks. */
typedef struct chunk {
    int64_t count, index[PDESSM_MAP_CHUNK];
    int32_t label[PDESSM_MAP_CHUNK];
    float *images; /* [PDESSM_MAP_CHUNK, channels height width] */
    double log_det[PDESSM_MAP_CHUNK];
} chunk;

static pdessm_status run_chunk(pdessm_precondition *map, chunk *c, pdessm_map_run *run,
                               int64_t pixels, const pdessm_map_run *all) {
    pdessm_status status = PDESSM_OK;
    const size_t bytes = (size_t)pixels * sizeof *all->x;
    for (int64_t i = 0; i < c->count; i++)
        memcpy(c->images + i * pixels, all->x + c->index[i] * pixels, bytes);
    run->n = c->count;
    run->x = run->y = c->images;
    run->labels = c->label;
    PDESSM_TRY(map->kind->run(map, run));
    for (int64_t i = 0; i < c->count; i++) {
        if (all->y)
            memcpy(all->y + c->index[i] * pixels, c->images + i * pixels, bytes);
        if (all->log_det)
            all->log_det[c->index[i]] = c->log_det[i];
    }
    c->count = 0;
out:
    return status;
}

/* all: every image, of any label; x, y (or NULL) and log_det (or NULL) as the caller has them. */
static pdessm_status convert(pdessm_precondition *map, const pdessm_map_run *all,
                             const pdessm_watch *watch) {
    pdessm_status status = PDESSM_OK;
    const int64_t n = all->n, pixels = map->info.channels * all->height * all->width;
    const int64_t whole = map->kind->mixed ? map->kind->mixed : PDESSM_MAP_CHUNK;
    const int64_t most = n < whole ? n : whole;
    const int64_t passes = map->kind->mixed ? 1 : map->info.classes + map->info.has_null;
    int64_t done = 0;
    pdessm_map_run run = *all;
    chunk c = {0};
    PDESSM_TRY(pdessm_map_check(map, n, all->height, all->width, all->labels));
    PDESSM_TRY(pdessm_alloc(map->ctx, (size_t)(most * pixels), sizeof *c.images, &c.images));
    run.log_det = all->log_det ? c.log_det : NULL;
    for (run.label = 0; run.label < passes; run.label++)
        for (int64_t i = 0; i <= n; i++) {
            const int64_t label = i < n ? label_of(&map->info, all->labels, i) : -1;
            if (i < n && (map->kind->mixed || label == run.label)) {
                c.label[c.count] = (int32_t)label;
                c.index[c.count++] = i;
            }
            if (c.count < (i < n ? most : 1))
                continue;
            done += c.count;
            PDESSM_TRY(run_chunk(map, &c, &run, pixels, all));
            PDESSM_TRY(pdessm_watch_tell(map->ctx, watch, (double)done / (double)n));
        }
out:
    free(c.images);
    return status;
}

pdessm_status pdessm_map_turn(pdessm_precondition *map, pdessm_map_direction direction, int64_t n,
                              int64_t height, int64_t width, const int32_t *labels,
                              const float *images, const pdessm_watch *watch, float *ret) {
    const pdessm_map_run all = {.direction = direction,
                                .n = n,
                                .height = height,
                                .width = width,
                                .labels = labels,
                                .x = images,
                                .y = ret};
    return convert(map, &all, watch);
}

static const pdessm_watch nobody = {0};

pdessm_status pdessm_precondition_apply(pdessm_precondition *map, int64_t n, int64_t height,
                                        int64_t width, const int32_t *labels, const float *images,
                                        float *ret) {
    return pdessm_map_turn(map, PDESSM_MAP_APPLY, n, height, width, labels, images, &nobody, ret);
}

pdessm_status pdessm_precondition_invert(pdessm_precondition *map, int64_t n, int64_t height,
                                         int64_t width, const int32_t *labels, const float *images,
                                         float *ret) {
    return pdessm_map_turn(map, PDESSM_MAP_INVERT, n, height, width, labels, images, &nobody, ret);
}

pdessm_status pdessm_precondition_convert(pdessm_precondition *map, int inverse, int64_t n,
                                          int64_t height, int64_t width, const int32_t *labels,
                                          const float *images,
                                          int (*progress)(void *user, double share), void *user,
                                          float *ret) {
    const pdessm_watch watch = {progress, user, 0, 1};
    return pdessm_map_turn(map, inverse ? PDESSM_MAP_INVERT : PDESSM_MAP_APPLY, n, height, width,
                           labels, images, &watch, ret);
}

pdessm_status pdessm_precondition_log_det(pdessm_precondition *map, int64_t n, int64_t height,
                                          int64_t width, const int32_t *labels, const float *images,
                                          double *ret) {
    const pdessm_map_run all = {.direction = PDESSM_MAP_APPLY,
                                .n = n,
                                .height = height,
                                .width = width,
                                .labels = labels,
                                .x = images,
                                .log_det = ret};
    if (!map->kind->has_log_det)
        return pdessm_fail(map->ctx, PDESSM_ERROR_ARGUMENT,
                           "a %s map does not know its determinant; expected whiten or realnvp",
                           pdessm_precondition_name(map->info.kind));
    return convert(map, &all, &nobody);
}

/* ------------------------------------------------------------------ comparing */

int pdessm_precondition_equal(const pdessm_precondition *a, const pdessm_precondition *b) {
    const pdessm_precondition_info *i = &a->info, *k = &b->info;
    if (i->kind != k->kind || i->channels != k->channels || i->height != k->height ||
        i->width != k->width || i->classes != k->classes || i->numbers != k->numbers)
        return 0;
    if (i->kind == PDESSM_PRECONDITION_REALNVP &&
        (i->layers != k->layers || i->hidden != k->hidden))
        return 0;
    if (i->kind == PDESSM_PRECONDITION_FLOW && i->solver_steps != k->solver_steps)
        return 0;
    /* The same kind and shape: the same arrays. */
    for (int n = 0; n < a->count; n++)
        if (memcmp(a->array[n].value, b->array[n].value,
                   (size_t)a->array[n].count * sizeof *a->array[n].value) != 0)
            return 0;
    return !a->network == !b->network && (!a->network || strcmp(a->network, b->network) == 0);
}
