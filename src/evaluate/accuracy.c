/* SPDX-License-Identifier: MIT */
/* accuracy.c: the share of images that a classifier gives their label. */
#include <stdlib.h>

#include <pdessm/evaluate.h>

#include "model/model.h"

enum { PIECE = 2048 }; /* images decoded at a time */

typedef struct share {
    const pdessm_metric_options *asked;
    int64_t done, piece, count;
} share;

static int tell(void *user, double part) {
    const share *s = user;
    double done = (double)s->done + part * (double)s->piece;
    return s->asked->progress(s->asked->user, done / (double)s->count);
}

static pdessm_status check(pdessm_model *model, const pdessm_dataset_info *d) {
    const pdessm_config *c = &model->config;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(model->ctx, c->task == PDESSM_TASK_CLASSIFY, PDESSM_ERROR_ARGUMENT,
                   "accuracy: the model is no classifier; expected one made by `train --task "
                   "classify`");
    PDESSM_REQUIRE(model->ctx, d->has_labels, PDESSM_ERROR_FILE,
                   "accuracy: the test images have no labels; give a set that has");
    PDESSM_REQUIRE(
        model->ctx,
        d->channels == c->channels && d->height == c->image_size[0] &&
            d->width == c->image_size[1] && d->num_classes <= c->num_classes,
        PDESSM_ERROR_SHAPE,
        "accuracy: the test images are %lld x %lld x %lld (height, width, channels) of %lld "
        "classes, the classifier is made for %d x %d x %d of %d",
        (long long)d->height, (long long)d->width, (long long)d->channels,
        (long long)d->num_classes, c->image_size[0], c->image_size[1], c->channels, c->num_classes);
out:
    return status;
}

/* Images s->done .. s->done + s->piece - 1. */
static pdessm_status count_right(pdessm_model *model, const pdessm_dataset *data, int batch,
                                 const share *s, const pdessm_metric_options *options,
                                 float *images, int64_t *right) {
    const pdessm_dataset_info *d = pdessm_dataset_get_info(data);
    const int64_t pixels = d->channels * d->height * d->width;
    int32_t classes[PIECE];
    for (int64_t i = 0; i < s->piece; i++)
        pdessm_dataset_image(data, s->done + i, images + i * pixels);
    pdessm_status status = pdessm_classify(model, s->piece, images, batch, options, NULL, classes);
    for (int64_t i = 0; status == PDESSM_OK && i < s->piece; i++)
        *right += classes[i] == pdessm_dataset_label(data, s->done + i);
    return status;
}

pdessm_status pdessm_accuracy(pdessm_model *model, const pdessm_dataset *data, int batch,
                              const pdessm_metric_options *options, double *ret) {
    const pdessm_dataset_info *d = pdessm_dataset_get_info(data);
    pdessm_metric_options inner = options ? *options : pdessm_metric_defaults();
    share s = {.asked = options, .count = d->count};
    pdessm_status status = PDESSM_OK;
    float *images = NULL;
    int64_t right = 0;
    inner.progress = inner.progress ? tell : NULL;
    inner.user = &s;
    PDESSM_TRY(check(model, d));
    PDESSM_TRY(pdessm_alloc(
        model->ctx, PIECE, (size_t)(d->channels * d->height * d->width) * sizeof *images, &images));
    for (s.done = 0; s.done < s.count; s.done += s.piece) {
        s.piece = s.count - s.done < PIECE ? s.count - s.done : PIECE;
        PDESSM_TRY(count_right(model, data, batch, &s, &inner, images, &right));
    }
    *ret = (double)right / (double)s.count;
out:
    free(images);
    return status;
}
