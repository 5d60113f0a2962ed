/* SPDX-License-Identifier: MIT */
/* pairs.c: noise and what a model makes of it, for reflow (X. Liu, C. Gong, Q. Liu, "Flow straight
 * and fast", 2022). Only the images are kept, the noise is known by its number. They are drawn in
 * parts, each a file that is there whole or not at all, so that an interruption costs one part. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pdessm/safetensors.h>
#include <pdessm/train.h>

#include "data/atomic_dir.h"
#include "data/file.h"
#include "drivers/calls.h"
#include "model/model.h"

enum { PART = 512 }; /* images of a file */

typedef struct drawing {
    pdessm_context *ctx;
    pdessm_model *model;
    pdessm_sample_options options;      /* of a part: its progress is ours */
    const pdessm_sample_options *asked; /* the caller's */
    int64_t n, pixels;
    int64_t done; /* images of the parts that are there */
    const char *path;
    char parts[4096]; /* folder */
    char origin[256]; /* what the images depend on */
} drawing;

/* ------------------------------------------------------------------ where images come from */

/* FNV-1a (64 bits) over all parameters. */
static pdessm_status fingerprint(pdessm_model *m, uint64_t *ret) {
    pdessm_status status = PDESSM_OK;
    uint64_t hash = 0xcbf29ce484222325u;
    uint8_t *values = NULL;
    for (int i = 0; i < m->count; i++) {
        size_t bytes = pdessm_tensor_bytes(&m->parameter[i].value);
        free(values);
        values = NULL;
        PDESSM_TRY(pdessm_alloc(m->ctx, bytes, 1, &values));
        PDESSM_TRY(pdessm_tensor_read(&m->parameter[i].value, values));
        for (size_t k = 0; k < bytes; k++)
            hash = (hash ^ values[k]) * 0x100000001b3u;
    }
    *ret = hash;
out:
    free(values);
    return status;
}

static pdessm_status describe(drawing *d) {
    const pdessm_sample_options *o = &d->options;
    uint64_t hash = 0;
    pdessm_status status = fingerprint(d->model, &hash);
    if (status != PDESSM_OK)
        return status;
    int used = snprintf(d->origin, sizeof d->origin,
                        "model %016" PRIx64 " seed %" PRIu64 " guidance %.9g %s", hash, o->seed,
                        o->guidance, pdessm_solver_name(o->solver));
    if (o->solver == PDESSM_DOPRI5)
        snprintf(d->origin + used, sizeof d->origin - (size_t)used, " rtol %.9g atol %.9g", o->rtol,
                 o->atol);
    else
        snprintf(d->origin + used, sizeof d->origin - (size_t)used, " steps %d", o->steps);
    return PDESSM_OK;
}

/* All classes in turn. With one class alone a label says nothing, and every image is of the null
 * class, as in training without labels. */
static int has_labels(const drawing *d) {
    return d->model->config.num_classes > 1;
}

static int32_t label_of(const drawing *d, int64_t image) {
    return (int32_t)(image % d->model->config.num_classes);
}

/* ------------------------------------------------------------------ files */

/* Begins a file of `count` images. */
static pdessm_status begin_file(drawing *d, const char *path, int64_t count,
                                pdessm_safetensors_writer **ret) {
    const pdessm_config *c = &d->model->config;
    const pdessm_safetensors_pair origin = {"pdessm.origin", d->origin};
    const pdessm_safetensors_tensor tensors[] = {
        {"images", PDESSM_FILE_F32, 4, {count, c->channels, c->image_size[0], c->image_size[1]}},
        {"labels", PDESSM_FILE_I32, 1, {count}}};
    return pdessm_safetensors_writer_create(d->ctx, path, &origin, 1, tensors, 1 + has_labels(d),
                                            ret);
}

/* Labels of images first .. first + count - 1, and the end of the file. */
static pdessm_status end_file(drawing *d, int64_t first, int64_t count,
                              pdessm_safetensors_writer *writer) {
    pdessm_status status = PDESSM_OK;
    for (int64_t i = 0; has_labels(d) && i < count; i++) {
        int32_t label = label_of(d, first + i);
        PDESSM_TRY(pdessm_safetensors_writer_write(writer, &label, sizeof label));
    }
    PDESSM_TRY(pdessm_safetensors_writer_finish(writer));
out:
    return status;
}

/* A file of `count` images, which must have been drawn from the same model in the same way. */
static pdessm_status open_file(drawing *d, const char *path, int64_t count,
                               pdessm_safetensors **ret) {
    const pdessm_config *c = &d->model->config;
    const int64_t dims[] = {count, c->channels, c->image_size[0], c->image_size[1]};
    const pdessm_safetensors_entry *entry = NULL;
    pdessm_safetensors *file = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_safetensors_open(d->ctx, path, &file));
    const char *origin = pdessm_safetensors_metadata(file, "pdessm.origin");
    PDESSM_REQUIRE(d->ctx, origin && strcmp(origin, d->origin) == 0, PDESSM_ERROR_FILE,
                   "%s: was drawn as '%s', now asked for is '%s'; remove the file, or ask for the "
                   "same",
                   path, origin ? origin : "unknown", d->origin);
    PDESSM_TRY(pdessm_safetensors_expect(file, "images", 4, dims, &entry));
    *ret = file;
    file = NULL;
out:
    pdessm_safetensors_destroy(&file);
    return status;
}

/* ------------------------------------------------------------------ parts */

static int64_t part_count(const drawing *d, int64_t first) {
    return d->n - first < PART ? d->n - first : PART;
}

/* Named by their extent too: a set of another size has another last part. */
static void part_path(const drawing *d, int64_t first, char ret[4160]) {
    snprintf(ret, 4160, "%s/%09" PRId64 "-%03" PRId64 ".safetensors", d->parts, first,
             part_count(d, first));
}

static int tell(void *user, double share) {
    const drawing *d = user;
    if (!d->asked->progress)
        return 0;
    double done = (double)d->done + share * (double)part_count(d, d->done);
    return d->asked->progress(d->asked->user, done / (double)d->n);
}

static pdessm_status draw_part(drawing *d, const char *path) {
    const int64_t count = part_count(d, d->done);
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors_writer *writer = NULL;
    int32_t labels[PART];
    float *images = NULL;
    for (int64_t i = 0; i < count; i++)
        labels[i] = label_of(d, d->done + i);
    d->options.first = d->done;
    PDESSM_TRY(pdessm_alloc(d->ctx, (size_t)(count * d->pixels), sizeof *images, &images));
    PDESSM_TRY(
        pdessm_sample(d->model, &d->options, count, has_labels(d) ? labels : NULL, images, NULL));
    PDESSM_TRY(begin_file(d, path, count, &writer));
    PDESSM_TRY(pdessm_safetensors_writer_write(writer, images,
                                               (size_t)(count * d->pixels) * sizeof *images));
    PDESSM_TRY(end_file(d, d->done, count, writer));
out:
    pdessm_safetensors_writer_destroy(&writer);
    free(images);
    return status;
}

static pdessm_status draw_parts(drawing *d) {
    pdessm_status status = PDESSM_OK;
    char path[4160];
    if (mkdir(d->parts, 0777) != 0 && errno != EEXIST)
        return pdessm_fail_io(d->ctx, d->parts, "make", errno, -1);
    for (d->done = 0; d->done < d->n; d->done += PART) {
        pdessm_safetensors *there = NULL;
        part_path(d, d->done, path);
        if (access(path, F_OK) != 0)
            PDESSM_TRY(draw_part(d, path));
        else
            PDESSM_TRY(open_file(d, path, part_count(d, d->done), &there));
        pdessm_safetensors_destroy(&there);
    }
out:
    return status;
}

static pdessm_status join_parts(drawing *d) {
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors_writer *writer = NULL;
    pdessm_safetensors *part = NULL;
    char path[4160];
    PDESSM_TRY(begin_file(d, d->path, d->n, &writer));
    for (int64_t first = 0; first < d->n; first += PART) {
        part_path(d, first, path);
        PDESSM_TRY(open_file(d, path, part_count(d, first), &part));
        const pdessm_safetensors_entry *images = pdessm_safetensors_find(part, "images");
        PDESSM_TRY(pdessm_safetensors_writer_write(writer, images->data, images->bytes));
        pdessm_safetensors_destroy(&part);
    }
    PDESSM_TRY(end_file(d, 0, d->n, writer));
    PDESSM_TRY(pdessm_remove_tree(d->ctx, d->parts));
out:
    pdessm_safetensors_writer_destroy(&writer);
    pdessm_safetensors_destroy(&part);
    return status;
}

pdessm_status pdessm_pairs_draw(pdessm_model *model, const pdessm_sample_options *options,
                                int64_t n, const char *path) {
    const pdessm_config *c = &model->config;
    pdessm_status status = PDESSM_OK;
    pdessm_safetensors *file = NULL;
    drawing d = {.ctx = model->ctx,
                 .model = model,
                 .options = *options,
                 .asked = options,
                 .n = n,
                 .pixels = (int64_t)c->channels * c->image_size[0] * c->image_size[1],
                 .path = path};
    d.options.progress = tell;
    d.options.user = &d;
    PDESSM_REQUIRE(d.ctx, n >= 1 && n <= UINT32_MAX, PDESSM_ERROR_ARGUMENT,
                   "pairs: %lld images, expected 1 to 4294967295", (long long)n);
    PDESSM_REQUIRE(d.ctx, !options->first && !options->height && !options->width,
                   PDESSM_ERROR_ARGUMENT, "pairs: begin at image 0 and have the model's size");
    PDESSM_REQUIRE(d.ctx, snprintf(d.parts, sizeof d.parts, "%s.parts", path) < (int)sizeof d.parts,
                   PDESSM_ERROR_ARGUMENT, "pairs: the path is too long: %.80s..", path);
    PDESSM_TRY(describe(&d));
    if (access(path, F_OK) == 0) {
        PDESSM_TRY(open_file(&d, path, n, &file));
    } else {
        PDESSM_TRY(draw_parts(&d));
        PDESSM_TRY(join_parts(&d));
    }
out:
    pdessm_safetensors_destroy(&file);
    return status;
}
