/* SPDX-License-Identifier: MIT */
/* sets.c: the real images and the others: from files, or drawn by a model. */
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "shared/memory.h"

/* Choices of --split. */
enum { SPLIT_AUTO, SPLIT_TRAIN };

void pdessm_cli_eval_release(cli_eval_set *set) {
    free(set->images);
    free(set->labels);
    free(set->features);
    free(set->classes);
    *set = (cli_eval_set){0};
}

static size_t pixels_of(const cli_eval_set *set) {
    return (size_t)(set->channels * set->height * set->width);
}

/* ------------------------------------------------------------------ files */

static pdessm_dataset_options data_options(const cli_eval *e, pdessm_split split) {
    return (pdessm_dataset_options){.split = split,
                                    .height = e->image_size[0],
                                    .width = e->image_size[1],
                                    .resize = e->fit,
                                    .channels = (int)e->channels,
                                    .layout = e->layout,
                                    .seed = (uint64_t)e->c->seed};
}

/* Images order[0] .. order[count - 1] of a data set. */
static pdessm_status take(cli_eval *e, const pdessm_dataset *data, const int64_t *order,
                          int64_t count, cli_eval_set *ret) {
    pdessm_context *ctx = e->c->ctx;
    const pdessm_dataset_info *info = pdessm_dataset_get_info(data);
    pdessm_status status;
    ret->count = count;
    ret->channels = info->channels;
    ret->height = info->height;
    ret->width = info->width;
    ret->is_float = info->is_float;
    ret->num_classes = info->num_classes;
    const size_t pixels = pixels_of(ret);
    PDESSM_TRY(pdessm_cli_check_host(
        e->c, (double)count * (double)pixels * sizeof *ret->images,
        pdessm_cli_text(e->c, "%s: %lld images as floats", ret->name, (long long)count),
        "take fewer with --limit"));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, pixels * sizeof *ret->images, &ret->images));
    if (info->has_labels)
        PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, sizeof *ret->labels, &ret->labels));
    for (int64_t i = 0; i < count; i++) {
        pdessm_dataset_image(data, order[i], ret->images + (size_t)i * pixels);
        if (ret->labels)
            ret->labels[i] = pdessm_dataset_label(data, order[i]);
    }
out:
    return status;
}

/* All images, or a seeded choice of as many as the limit. */
static pdessm_status take_limited(cli_eval *e, const pdessm_dataset *data, cli_eval_set *ret) {
    const int64_t all = pdessm_dataset_get_info(data)->count;
    const int64_t count = e->limit && e->limit < all ? e->limit : all;
    int64_t *order = NULL;
    pdessm_status status;
    PDESSM_TRY(pdessm_alloc(e->c->ctx, (size_t)count, sizeof *order, &order));
    PDESSM_TRY(pdessm_metric_choose(e->c->ctx, (uint64_t)e->c->seed, all, count, order));
    PDESSM_TRY(take(e, data, order, count, ret));
out:
    free(order);
    return status;
}

/* The test split where there is one; a file, or a folder that is one set, as a whole. */
static pdessm_status open_split(cli_eval *e, pdessm_dataset **ret) {
    const char *path = e->reference_path;
    const pdessm_split split = e->split == SPLIT_TRAIN ? PDESSM_SPLIT_TRAIN : PDESSM_SPLIT_TEST;
    pdessm_dataset_options options = data_options(e, split);
    pdessm_status status = pdessm_dataset_open(e->c->ctx, path, &options, ret);
    if (status != PDESSM_ERROR_ARGUMENT || e->split != SPLIT_AUTO)
        return status;
    options.split = PDESSM_SPLIT_TRAIN;
    status = pdessm_dataset_open(e->c->ctx, path, &options, ret);
    if (status == PDESSM_OK)
        pdessm_cli_note(e->c, "%s has no test split: all of it is the reference", path);
    return status;
}

pdessm_status pdessm_cli_eval_open_reference(cli_eval *e) {
    pdessm_status status;
    pdessm_dataset *data = NULL;
    e->reference.name = e->reference_path;
    PDESSM_TRY(open_split(e, &data));
    PDESSM_TRY(take_limited(e, data, &e->reference));
out:
    pdessm_dataset_destroy(&data);
    return status;
}

static pdessm_status check_size(const cli_eval *e, const char *name, int64_t channels,
                                int64_t height, int64_t width) {
    const cli_eval_set *r = &e->reference;
    pdessm_status status = PDESSM_OK;
    const char *size = "", *depth = "";
    if (height != r->height || width != r->width)
        size = pdessm_cli_text(e->c, " --image-size %lldx%lld --fit resize", (long long)height,
                               (long long)width);
    if (channels != r->channels)
        depth = pdessm_cli_text(e->c, " --channels %lld", (long long)channels);
    PDESSM_REQUIRE(e->c->ctx, !*size && !*depth, PDESSM_ERROR_SHAPE,
                   "%s has images of %lld x %lld with %lld channels, %s of %lld x %lld with %lld: "
                   "expected the same; give%s%s",
                   name, (long long)height, (long long)width, (long long)channels, r->name,
                   (long long)r->height, (long long)r->width, (long long)r->channels, size, depth);
out:
    return status;
}

pdessm_status pdessm_cli_eval_open_samples(cli_eval *e) {
    const pdessm_dataset_options options = data_options(e, PDESSM_SPLIT_TRAIN);
    pdessm_status status;
    pdessm_dataset *data = NULL;
    cli_eval_set *s = &e->samples;
    s->name = e->samples_path;
    PDESSM_TRY(pdessm_dataset_open(e->c->ctx, e->samples_path, &options, &data));
    PDESSM_TRY(take_limited(e, data, s));
    PDESSM_TRY(check_size(e, s->name, s->channels, s->height, s->width));
out:
    pdessm_dataset_destroy(&data);
    return status;
}

/* ------------------------------------------------------------------ drawn */

/* All classes in turn, in blocks if each gets as many: as `sample --class all` has it, so that
 * both ways give the same images. A model of one class was trained on data without labels. */
static void choose_labels(cli_eval_set *s) {
    const int64_t classes = s->num_classes, n = s->count;
    for (int64_t i = 0; i < n; i++)
        s->labels[i] = (int32_t)(classes == 1       ? classes
                                 : n % classes == 0 ? i / (n / classes)
                                                    : i % classes);
}

pdessm_status pdessm_cli_eval_check_model(cli_eval *e) {
    const pdessm_config *c = pdessm_model_get_config(e->model);
    return check_size(e, e->model_file, c->channels, c->image_size[0], c->image_size[1]);
}

pdessm_status pdessm_cli_eval_draw(cli_eval *e) {
    pdessm_context *ctx = e->c->ctx;
    const pdessm_config *config = pdessm_model_get_config(e->model);
    cli_eval_set *s = &e->samples;
    pdessm_status status;
    *s = (cli_eval_set){.name = e->model_file,
                        .count = e->n,
                        .channels = config->channels,
                        .height = config->image_size[0],
                        .width = config->image_size[1],
                        .is_float = e->reference.is_float,
                        .num_classes = config->num_classes};
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)s->count, pixels_of(s) * sizeof *s->images, &s->images));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)s->count, sizeof *s->labels, &s->labels));
    choose_labels(s);
    e->sampling.progress = pdessm_cli_eval_progress;
    e->sampling.user = e;
    pdessm_cli_eval_begin(e, "draw", pdessm_cli_text(e->c, "%lld images", (long long)s->count));
    status = e->keep ? pdessm_sample_kept(e->model, &e->sampling, s->count, s->labels, e->keep,
                                          s->images, &e->evaluations)
                     : pdessm_sample(e->model, &e->sampling, s->count, s->labels, s->images,
                                     &e->evaluations);
    pdessm_cli_progress_end(&e->bar);
    if (status == PDESSM_ERROR_CANCELLED)
        status = pdessm_fail(
            ctx, status,
            e->keep
                ? "interrupted; the images drawn so far are kept in %s; the same command resumes"
                : "interrupted; nothing was kept (--keep FOLDER does)",
            e->keep);
    if (status == PDESSM_OK && !s->is_float)
        status = pdessm_images_round(ctx, s->name, s->count * (int64_t)pixels_of(s), s->images);
out:
    return status;
}
