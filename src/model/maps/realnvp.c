/* SPDX-License-Identifier: MIT */
/* realnvp.c: the whitening map, then coupling layers; back in the other order. */
#include <stdlib.h>
#include <string.h>

#include "model/maps/couplings.h"

enum { BATCH = 64 };

/* The whitening map's arrays, and all parameters of the layers as one. */
static int list(const pdessm_precondition_info *info, pdessm_map_array ret[PDESSM_MAP_ARRAYS]) {
    int count = pdessm_map_whiten.list(info, ret);
    ret[count] =
        (pdessm_map_array){.name = "couplings", .rank = 1, .dims = {pdessm_realnvp_numbers(info)}};
    return count + 1;
}

static pdessm_status check(pdessm_precondition *map) {
    pdessm_status status = PDESSM_OK;
    const pdessm_precondition_info *i = &map->info;
    PDESSM_REQUIRE(map->ctx, i->channels * i->height * i->width >= 2, PDESSM_ERROR_FILE,
                   "metadata %s: images of one number; expected at least 2, a half of which sees "
                   "the other",
                   PDESSM_MAP_KEY);
    PDESSM_TRY(pdessm_map_whiten.check(map));
out:
    return status;
}

/* The layers in one direction. */
typedef struct tape {
    pdessm_tape *tape;
    pdessm_tensor *x[2], *label, *y[2], *s[2];
} tape;

typedef struct layers {
    pdessm_precondition *base;
    pdessm_realnvp *network;
    tape tape[2];   /* by direction */
    float *half[2]; /* [BATCH, E] and [BATCH, O] */
    float *image;   /* [BATCH, D] */
} layers;

static void empty(layers *w) {
    for (int i = 0; i < 2; i++) {
        pdessm_tape_destroy(&w->tape[i].tape);
        free(w->half[i]);
    }
    pdessm_realnvp_destroy(&w->network);
    pdessm_precondition_destroy(&w->base);
    free(w->image);
    free(w);
}

static void release(pdessm_precondition *map) {
    empty(map->work);
}

static pdessm_status record(pdessm_realnvp *network, pdessm_map_direction direction, tape *t) {
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_tape_create(network->device, &t->tape));
    for (int i = 0; i < 2; i++)
        t->x[i] = pdessm_tape_input(t->tape, PDESSM_FLOAT32, 2,
                                    (const int64_t[]){BATCH, network->half[i]});
    t->label = pdessm_tape_input(t->tape, PDESSM_INT32, 1, (const int64_t[]){BATCH});
    pdessm_realnvp_record(network, t->tape, direction, t->x, t->label, t->y, t->s);
    for (int i = 0; i < 2; i++) {
        pdessm_tape_output(t->tape, t->y[i]);
        pdessm_tape_output(t->tape, t->s[i]);
    }
    PDESSM_TRY(pdessm_tape_plan(t->tape, NULL));
out:
    return status;
}

static pdessm_status open(const pdessm_precondition *map, layers **ret) {
    pdessm_status status = PDESSM_OK;
    const size_t pixels = (size_t)(map->info.channels * map->info.height * map->info.width);
    layers *w = NULL;
    PDESSM_TRY(pdessm_alloc(map->ctx, 1, sizeof *w, &w));
    PDESSM_TRY(pdessm_map_part(map, PDESSM_PRECONDITION_WHITEN, &w->base));
    PDESSM_TRY(pdessm_realnvp_create(map->device, &map->info, 0, &w->network));
    PDESSM_TRY(pdessm_realnvp_write(w->network, pdessm_map_values(map, "couplings")));
    PDESSM_TRY(record(w->network, PDESSM_MAP_APPLY, &w->tape[PDESSM_MAP_APPLY]));
    PDESSM_TRY(record(w->network, PDESSM_MAP_INVERT, &w->tape[PDESSM_MAP_INVERT]));
    for (int i = 0; i < 2; i++)
        PDESSM_TRY(pdessm_alloc(map->ctx, BATCH * (size_t)w->network->half[i], sizeof *w->half[i],
                                &w->half[i]));
    PDESSM_TRY(pdessm_alloc(map->ctx, BATCH * pixels, sizeof *w->image, &w->image));
    *ret = w;
    w = NULL;
out:
    if (w)
        empty(w);
    return status;
}

/* Adds the sums of s of n images. */
static pdessm_status add_log_det(layers *w, const tape *t, int64_t n, double *log_det) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < 2; i++) {
        const int64_t half = w->network->half[i];
        PDESSM_TRY(pdessm_tensor_read(t->s[i], w->half[i]));
        for (int64_t k = 0; k < n * half; k++)
            log_det[k / half] += (double)w->half[i][k];
    }
out:
    return status;
}

/* x and y [n, D], n <= BATCH. */
static pdessm_status run_batch(layers *w, tape *t, int64_t n, const float *x, float *y,
                               double *log_det) {
    pdessm_status status = PDESSM_OK;
    const int64_t pixels = w->network->half[0] + w->network->half[1];
    memset(w->image, 0, (size_t)(BATCH * pixels) * sizeof *w->image);
    memcpy(w->image, x, (size_t)(n * pixels) * sizeof *x);
    pdessm_realnvp_split(w->network, BATCH, w->image, w->half);
    for (int i = 0; i < 2; i++)
        PDESSM_TRY(pdessm_tensor_write(t->x[i], w->half[i]));
    PDESSM_TRY(pdessm_tape_forward(t->tape));
    for (int i = 0; i < 2; i++)
        PDESSM_TRY(pdessm_tensor_read(t->y[i], w->half[i]));
    pdessm_realnvp_join(w->network, n, w->half, y);
    if (log_det)
        PDESSM_TRY(add_log_det(w, t, n, log_det));
out:
    return status;
}

static pdessm_status run_layers(layers *w, const pdessm_map_run *r) {
    pdessm_status status = PDESSM_OK;
    const int64_t pixels = w->network->half[0] + w->network->half[1];
    tape *t = &w->tape[r->direction];
    int32_t label[BATCH];
    for (int i = 0; i < BATCH; i++)
        label[i] = (int32_t)r->label;
    PDESSM_TRY(pdessm_tensor_write(t->label, label));
    for (int64_t at = 0; at < r->n; at += BATCH) {
        const int64_t n = r->n - at < BATCH ? r->n - at : BATCH;
        PDESSM_TRY(run_batch(w, t, n, r->x + at * pixels, r->y + at * pixels,
                             r->log_det ? r->log_det + at : NULL));
    }
out:
    return status;
}

static pdessm_status run(pdessm_precondition *map, const pdessm_map_run *r) {
    pdessm_status status = PDESSM_OK;
    layers *w = map->work;
    pdessm_map_run second = *r;
    if (!w)
        PDESSM_TRY(open(map, &w));
    map->work = w;
    second.x = r->y;
    if (r->direction == PDESSM_MAP_APPLY) {
        PDESSM_TRY(pdessm_map_whiten.run(w->base, r));
        PDESSM_TRY(run_layers(w, &second));
    } else {
        PDESSM_TRY(run_layers(w, r));
        PDESSM_TRY(pdessm_map_whiten.run(w->base, &second));
    }
out:
    return status;
}

const pdessm_map_kind pdessm_map_realnvp = {
    .has_log_det = 1, .list = list, .check = check, .run = run, .release = release};
