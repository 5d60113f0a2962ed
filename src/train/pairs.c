/* SPDX-License-Identifier: MIT */
/* pairs.c: images drawn in parts: for whoever draws many, and for reflow, where they are what a
 * model makes of known noise (X. Liu, C. Gong, Q. Liu, "Flow straight and fast", 2022). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <pdessm/train.h>

#include "files/resumable.h"
#include "model/fingerprint.h"
#include "sample/tableau.h"

enum { PART = 512 }; /* images of a file, about */

typedef struct drawing {
    pdessm_model *model;
    pdessm_sample_options options;
    const int32_t *labels; /* NULL: the null class */
    int64_t evaluations;   /* of the last part drawn */
    char origin[PDESSM_ORIGIN_TEXT];
    pdessm_resumable parts;
} drawing;

/* Labels decide too, unless the number of the image decides on them. */
static pdessm_status describe(drawing *d, int own_labels) {
    const pdessm_sample_options *o = &d->options;
    uint64_t hash = 0;
    pdessm_status status = pdessm_fingerprint_model(d->model, &hash);
    if (status != PDESSM_OK)
        return status;
    FILE *f = fmemopen(d->origin, sizeof d->origin, "w");
    if (!f)
        return pdessm_fail(d->model->ctx, PDESSM_ERROR_MEMORY, "out of memory: a description");
    fprintf(f, "model %016" PRIx64 " seed %" PRIu64 " guidance %.9g %s", hash, o->seed, o->guidance,
            pdessm_solver_name(o->solver));
    if (o->solver == PDESSM_DOPRI5)
        fprintf(f, " rtol %.9g atol %.9g", o->rtol, o->atol);
    else
        fprintf(f, " steps %d", o->steps);
    if (o->first)
        fprintf(f, " first %" PRId64, o->first);
    if (o->height || o->width)
        fprintf(f, " size %dx%d", o->height, o->width);
    if (own_labels && d->labels)
        fprintf(f, " labels %016" PRIx64,
                pdessm_fingerprint(PDESSM_FINGERPRINT_START, d->labels,
                                   (size_t)d->parts.count * sizeof *d->labels));
    if (d->model->precondition)
        fprintf(f, " map %016" PRIx64, pdessm_fingerprint_map(d->model->precondition));
    fclose(f);
    return status;
}

static int tell(void *user, double share) {
    const pdessm_watch *w = user;
    return w->progress ? w->progress(w->user, w->from + share * (w->to - w->from)) : 0;
}

static pdessm_status draw(void *user, int64_t first, int64_t n, const pdessm_watch *watch,
                          float *ret) {
    drawing *d = user;
    pdessm_watch part = *watch;
    pdessm_sample_options o = d->options;
    o.first += first;
    o.progress = watch->progress ? tell : NULL;
    o.user = &part;
    return pdessm_sample(d->model, &o, n, d->labels ? d->labels + first : NULL, ret,
                         &d->evaluations);
}

static void begin(drawing *d, int64_t n, const char *folder) {
    const pdessm_config *c = &d->model->config;
    const pdessm_sample_options *o = &d->options;
    d->parts = (pdessm_resumable){.ctx = d->model->ctx,
                                  .folder = folder,
                                  .origin = d->origin,
                                  .count = n,
                                  .each = PART,
                                  .channels = c->channels,
                                  .height = o->height ? o->height : c->image_size[0],
                                  .width = o->width ? o->width : c->image_size[1],
                                  .watch = {o->progress, o->user, 0, 1},
                                  .make = draw,
                                  .user = d};
}

/* ------------------------------------------------------------------ many images */

pdessm_status pdessm_sample_kept(pdessm_model *model, const pdessm_sample_options *options,
                                 int64_t n, const int32_t *labels, const char *folder,
                                 float *images, int64_t *ret_evaluations) {
    pdessm_status status = PDESSM_OK;
    drawing d = {.model = model, .options = *options, .labels = labels};
    PDESSM_REQUIRE(model->ctx, n >= 1 && options->batch >= 1, PDESSM_ERROR_ARGUMENT,
                   "sampling: %lld images in batches of %d, expected 1 or more of both",
                   (long long)n, options->batch);
    begin(&d, n, folder);
    /* Whole batches, so that the parts are the batches of pdessm_sample(). */
    d.parts.each = (PART + options->batch - 1) / options->batch * options->batch;
    PDESSM_TRY(describe(&d, 1));
    PDESSM_TRY(pdessm_resumable_make(&d.parts));
    PDESSM_TRY(pdessm_resumable_read(&d.parts, images));
    if (options->solver != PDESSM_DOPRI5)
        d.evaluations = (int64_t)options->steps * pdessm_tableau_of(options->solver)->stages;
    if (ret_evaluations)
        *ret_evaluations = d.evaluations;
out:
    return status;
}

/* ------------------------------------------------------------------ reflow */

/* All classes in turn. With one class alone a label says nothing, and every image is of the null
 * class, as in training without labels. */
static pdessm_status choose_labels(drawing *d, int64_t n, int32_t **ret) {
    const int32_t classes = d->model->config.num_classes;
    int32_t *labels = NULL;
    pdessm_status status = PDESSM_OK;
    if (classes < 2)
        return PDESSM_OK;
    PDESSM_TRY(pdessm_alloc(d->model->ctx, (size_t)n, sizeof *labels, &labels));
    for (int64_t i = 0; i < n; i++)
        labels[i] = (int32_t)(i % classes);
    d->labels = *ret = labels;
out:
    return status;
}

pdessm_status pdessm_pairs_draw(pdessm_model *model, const pdessm_sample_options *options,
                                int64_t n, const char *path) {
    pdessm_context *ctx = model->ctx;
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors *file = NULL;
    int32_t *labels = NULL;
    char folder[4096];
    drawing d = {.model = model, .options = *options};
    PDESSM_REQUIRE(ctx, n >= 1 && n <= UINT32_MAX, PDESSM_ERROR_ARGUMENT,
                   "pairs: %lld images, expected 1 to 4294967295", (long long)n);
    PDESSM_REQUIRE(ctx, !options->first && !options->height && !options->width,
                   PDESSM_ERROR_ARGUMENT, "pairs: begin at image 0 and have the model's size");
    PDESSM_REQUIRE(ctx, snprintf(folder, sizeof folder, "%s.parts", path) < (int)sizeof folder,
                   PDESSM_ERROR_ARGUMENT, "pairs: the path is too long: %.80s..", path);
    begin(&d, n, folder);
    PDESSM_TRY(choose_labels(&d, n, &labels));
    PDESSM_TRY(describe(&d, 0));
    if (access(path, F_OK) == 0) {
        PDESSM_TRY(pdessm_resumable_open(&d.parts, path, n, &file));
    } else {
        PDESSM_TRY(pdessm_resumable_make(&d.parts));
        PDESSM_TRY(pdessm_resumable_join(&d.parts, path, labels));
    }
out:
    pdessm_safetensors_destroy(&file);
    free(labels);
    return status;
}
