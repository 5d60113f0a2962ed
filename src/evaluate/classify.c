/* SPDX-License-Identifier: MIT */
/* classify.c: features and classes of images, by a classifier trained with this library. */
#include <stdlib.h>
#include <string.h>

#include "evaluate/metrics.h"
#include "model/runner.h"

typedef struct run {
    pdessm_runner runner;
    const float *images;
    int64_t classes, dimension;
    float *host, *logits, *features; /* of one batch */
} run;

static int32_t largest(const float *value, int64_t n) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        best = value[i] > value[best] ? i : best;
    return (int32_t)best;
}

/* Images first .. first + n - 1; the last batch is filled up with whatever was there before. */
static pdessm_status run_batch(run *r, int64_t first, int64_t n, float *ret_features,
                               int32_t *ret_classes) {
    pdessm_status status;
    const int64_t pixels = r->runner.pixels;
    memcpy(r->host, r->images + first * pixels, (size_t)(n * pixels) * sizeof *r->host);
    PDESSM_TRY(pdessm_runner_run(&r->runner, r->host, NULL, NULL, ret_classes ? r->logits : NULL,
                                 ret_features ? r->features : NULL));
    for (int64_t i = 0; ret_classes && i < n; i++)
        ret_classes[first + i] = largest(r->logits + i * r->classes, r->classes);
    if (ret_features)
        memcpy(ret_features + first * r->dimension, r->features,
               (size_t)(n * r->dimension) * sizeof *ret_features);
out:
    return status;
}

pdessm_status pdessm_classify(pdessm_model *model, int64_t count, const float *images, int batch,
                              const pdessm_metric_options *options, float *ret_features,
                              int32_t *ret_classes) {
    const pdessm_config *c = &model->config;
    const pdessm_watch watch = pdessm_metric_watch(options);
    pdessm_context *ctx = model->ctx;
    pdessm_status status = PDESSM_OK;
    run r = {.images = images, .classes = c->num_classes, .dimension = c->width};
    PDESSM_REQUIRE(ctx, count >= 1 && batch >= 1, PDESSM_ERROR_ARGUMENT,
                   "classifier: %lld images in batches of %d, expected 1 or more of both",
                   (long long)count, batch);
    PDESSM_TRY(pdessm_runner_logits(model, batch < count ? batch : count, &r.runner));
    const int64_t b = r.runner.batch;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(b * r.runner.pixels), sizeof *r.host, &r.host));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(b * r.classes), sizeof *r.logits, &r.logits));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)(b * r.dimension), sizeof *r.features, &r.features));
    for (int64_t first = 0; first < count; first += b) {
        const int64_t n = count - first < b ? count - first : b;
        PDESSM_TRY(run_batch(&r, first, n, ret_features, ret_classes));
        PDESSM_TRY(pdessm_watch_tell(ctx, &watch, (double)(first + n) / (double)count));
    }
out:
    pdessm_runner_release(&r.runner);
    free(r.host);
    free(r.logits);
    free(r.features);
    return status;
}
