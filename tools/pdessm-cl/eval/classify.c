/* SPDX-License-Identifier: MIT */
/* classify.c: what a classifier sees in both sets: features, and whether the classes are
 * right. */
#include <math.h>
#include <stdlib.h>

#include "eval.h"
#include "shared/paths.h"

/* Labels are classes of the classifier; its number of classes stands for none, as in files that
 * `sample --class none` writes. */
static pdessm_status check_labels(const cli_eval *e, const cli_eval_set *s) {
    const int classes = pdessm_model_get_config(e->classifier)->num_classes;
    pdessm_status status = PDESSM_OK;
    for (int64_t i = 0; s->labels && i < s->count; i++)
        PDESSM_REQUIRE(e->c->ctx, s->labels[i] <= classes, PDESSM_ERROR_ARGUMENT,
                       "%s has an image of class %d, the classifier %s knows 0 to %d: expected a "
                       "classifier of the same classes",
                       s->name, s->labels[i], e->classifier_file, classes - 1);
out:
    return status;
}

pdessm_status pdessm_cli_eval_open_classifier(cli_eval *e) {
    cli *c = e->c;
    const cli_eval_set *r = &e->reference;
    pdessm_status status;
    PDESSM_TRY(pdessm_cli_load_model(c, e->classifier_path, PDESSM_TASK_CLASSIFY,
                                     &e->classifier_file, &e->classifier));
    const pdessm_config *config = pdessm_model_get_config(e->classifier);
    PDESSM_REQUIRE(c->ctx,
                   config->channels == r->channels && config->image_size[0] == r->height &&
                       config->image_size[1] == r->width,
                   PDESSM_ERROR_SHAPE,
                   "%s sees images of %d x %d with %d channels, %s has %lld x %lld with %lld: "
                   "expected the same; give --image-size %dx%d --fit resize, or --channels",
                   e->classifier_file, config->image_size[0], config->image_size[1],
                   config->channels, r->name, (long long)r->height, (long long)r->width,
                   (long long)r->channels, config->image_size[0], config->image_size[1]);
    PDESSM_TRY(check_labels(e, r));
    PDESSM_TRY(check_labels(e, &e->samples));
    e->feature_dimension = config->width;
out:
    return status;
}

/* Share of the images with a class that are seen as what they are. */
static double accuracy(const cli_eval_set *s, int64_t classes) {
    int64_t known = 0, right = 0;
    for (int64_t i = 0; s->labels && i < s->count; i++) {
        known += s->labels[i] < classes;
        right += s->labels[i] == s->classes[i];
    }
    return known ? (double)right / (double)known : (double)NAN;
}

static pdessm_status classify(cli_eval *e, cli_eval_set *s) {
    pdessm_context *ctx = e->c->ctx;
    const size_t count = (size_t)s->count, dimension = (size_t)e->feature_dimension;
    pdessm_status status;
    PDESSM_TRY(pdessm_alloc(ctx, count, dimension * sizeof *s->features, &s->features));
    PDESSM_TRY(pdessm_alloc(ctx, count, sizeof *s->classes, &s->classes));
    pdessm_cli_eval_begin(e, "classify", s->name);
    status = pdessm_classify(e->classifier, s->count, s->images, e->sampling.batch, &e->metrics,
                             s->features, s->classes);
    pdessm_cli_progress_end(&e->bar);
out:
    return status;
}

pdessm_status pdessm_cli_eval_classify(cli_eval *e) {
    const int classes = pdessm_model_get_config(e->classifier)->num_classes;
    pdessm_status status;
    PDESSM_TRY(classify(e, &e->reference));
    PDESSM_TRY(classify(e, &e->samples));
    e->reference_accuracy = accuracy(&e->reference, classes);
    e->label_accuracy = accuracy(&e->samples, classes);
    if (isnan(e->label_accuracy))
        pdessm_cli_note(e->c, "%s has no labels: no label accuracy", e->samples.name);
out:
    return status;
}
