/* SPDX-License-Identifier: MIT */
/* classify.c: features and classes of images, by a classifier of our own. */
#include <stdlib.h>
#include <string.h>

#include "drivers/metrics.h"
#include "model/model.h"

typedef struct run {
    pdessm_model *model;
    const float *images;
    int64_t count, batch, pixels, classes, dimension;
    pdessm_graph *graph;
    pdessm_tensor *x, *logits, *features;
    float *host, *found; /* one batch of images; of logits or features */
} run;

static pdessm_status prepare(run *r) {
    pdessm_status status;
    pdessm_context *ctx = r->model->ctx;
    const pdessm_config *c = &r->model->config;
    const int64_t dims[4] = {r->batch, c->channels, c->image_size[0], c->image_size[1]};
    const int64_t widest = r->classes > r->dimension ? r->classes : r->dimension;
    PDESSM_TRY(pdessm_graph_create(r->model->device, &r->graph));
    r->x = pdessm_graph_input(r->graph, PDESSM_FLOAT32, 4, dims);
    r->logits = pdessm_model_logits(r->model, r->graph, r->x, &r->features);
    r->logits = pdessm_graph_output(r->graph, r->logits);
    r->features = pdessm_graph_output(r->graph, r->features);
    PDESSM_TRY(pdessm_graph_plan(r->graph, NULL));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)r->batch, (size_t)r->pixels * sizeof *r->host, &r->host));
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)r->batch, (size_t)widest * sizeof *r->found, &r->found));
out:
    return status;
}

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
    memcpy(r->host, r->images + first * r->pixels, (size_t)(n * r->pixels) * sizeof *r->host);
    PDESSM_TRY(pdessm_tensor_write(r->x, r->host));
    PDESSM_TRY(pdessm_graph_forward(r->graph));
    PDESSM_TRY(pdessm_tensor_read(r->logits, r->found));
    for (int64_t i = 0; ret_classes && i < n; i++)
        ret_classes[first + i] = largest(r->found + i * r->classes, r->classes);
    PDESSM_TRY(pdessm_tensor_read(r->features, r->found));
    if (ret_features)
        memcpy(ret_features + first * r->dimension, r->found,
               (size_t)(n * r->dimension) * sizeof *ret_features);
out:
    return status;
}

pdessm_status pdessm_classify(pdessm_model *model, int64_t count, const float *images, int batch,
                              const pdessm_metric_options *options, float *ret_features,
                              int32_t *ret_classes) {
    const pdessm_config *c = &model->config;
    const pdessm_watch watch = pdessm_metric_watch(options);
    pdessm_status status = PDESSM_OK;
    run r = {.model = model,
             .images = images,
             .count = count,
             .batch = batch < count ? batch : count,
             .pixels = (int64_t)c->channels * c->image_size[0] * c->image_size[1],
             .classes = c->num_classes,
             .dimension = c->width};
    PDESSM_REQUIRE(model->ctx, count >= 1 && batch >= 1, PDESSM_ERROR_ARGUMENT,
                   "classifier: %lld images in batches of %d, expected 1 or more of both",
                   (long long)count, batch);
    PDESSM_TRY(prepare(&r));
    for (int64_t first = 0; first < count; first += r.batch) {
        const int64_t n = count - first < r.batch ? count - first : r.batch;
        PDESSM_TRY(run_batch(&r, first, n, ret_features, ret_classes));
        PDESSM_TRY(pdessm_watch_tell(model->ctx, &watch, (double)(first + n) / (double)count));
    }
out:
    pdessm_graph_destroy(&r.graph);
    free(r.host);
    free(r.found);
    return status;
}
