/* SPDX-License-Identifier: MIT */
/* evaluate.c: all metrics of a set of samples, and the floor that real images set for them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/metrics.h"

typedef struct evaluator {
    pdessm_context *ctx;
    const pdessm_metric_options *options;
} evaluator;

static int64_t pixel_count(const pdessm_image_set *s) {
    return s->channels * s->height * s->width;
}

static pdessm_points pixels_of(const pdessm_image_set *s) {
    return (pdessm_points){s->count, pixel_count(s), s->images};
}

static pdessm_points features_of(const pdessm_image_set *s) {
    return s->features ? (pdessm_points){s->count, s->feature_dimension, s->features}
                       : pixels_of(s);
}

/* ------------------------------------------------------------------ subsets */

/* Images order[0] .. order[count - 1]; what is copied hangs on *ret and is released below. */
static pdessm_status choose(pdessm_context *ctx, const pdessm_image_set *from, const int64_t *order,
                            int64_t count, pdessm_image_set *ret) {
    pdessm_status status;
    const int64_t pixels = pixel_count(from), dimension = from->feature_dimension;
    float *images = NULL, *features = NULL;
    PDESSM_TRY(pdessm_alloc(ctx, (size_t)count, (size_t)pixels * sizeof *images, &images));
    if (from->features)
        PDESSM_TRY(
            pdessm_alloc(ctx, (size_t)count, (size_t)dimension * sizeof *features, &features));
    for (int64_t i = 0; i < count; i++) {
        memcpy(images + i * pixels, from->images + order[i] * pixels,
               (size_t)pixels * sizeof *images);
        if (features)
            memcpy(features + i * dimension, from->features + order[i] * dimension,
                   (size_t)dimension * sizeof *features);
    }
    *ret = *from;
    ret->count = count;
    ret->images = images;
    ret->features = features;
    images = features = NULL;
out:
    free(images);
    free(features);
    return status;
}

static void release_choice(pdessm_image_set *set) {
    free((float *)(uintptr_t)set->images);
    free((float *)(uintptr_t)set->features);
}

/* Two halves of the reference and as many samples. */
typedef struct halves {
    pdessm_image_set a, b, samples;
} halves;

static pdessm_status halve(const evaluator *e, const pdessm_image_set *samples,
                           const pdessm_image_set *reference, halves *ret) {
    pdessm_status status;
    const uint64_t seed = e->options->seed;
    int64_t half = reference->count / 2, *order = NULL, *choice = NULL;
    half = samples->count < half ? samples->count : half;
    PDESSM_TRY(pdessm_metric_order(e->ctx, seed, PDESSM_METRIC_HALVES, reference->count, &order));
    PDESSM_TRY(pdessm_metric_order(e->ctx, seed, PDESSM_METRIC_CHOICE, samples->count, &choice));
    PDESSM_TRY(choose(e->ctx, reference, order, half, &ret->a));
    PDESSM_TRY(choose(e->ctx, reference, order + half, half, &ret->b));
    PDESSM_TRY(choose(e->ctx, samples, choice, half, &ret->samples));
out:
    free(order);
    free(choice);
    return status;
}

/* ------------------------------------------------------------------ one comparison */

static double spectrum_error(const double *x, const double *r, int64_t rings) {
    double sum = 0;
    int64_t used = 0;
    for (int64_t i = 1; i < rings; i++) {
        if (x[i] <= 0 && r[i] <= 0)
            continue;
        const double error = log10(x[i] / r[i]);
        sum += error * error;
        used++;
    }
    return used ? sqrt(sum / (double)used) : 0;
}

/* spectra: [2][rings], of samples and reference. */
static pdessm_status compare(const evaluator *e, const pdessm_image_set *samples,
                             const pdessm_image_set *reference, const pdessm_watch *watch,
                             double *spectra, pdessm_comparison *ret) {
    pdessm_status status;
    const int64_t rings = pdessm_spectrum_rings(samples->height, samples->width);
    const pdessm_points x = features_of(samples), r = features_of(reference);
    const pdessm_points x_pixels = pixels_of(samples), r_pixels = pixels_of(reference);
    pdessm_comparison c = {.count = samples->count, .reference_count = reference->count};
    const pdessm_watch parts[5] = {
        pdessm_watch_part(watch, 0, 0.2), pdessm_watch_part(watch, 0.2, 0.7),
        pdessm_watch_part(watch, 0.7, 0.9), pdessm_watch_part(watch, 0.9, 0.95),
        pdessm_watch_part(watch, 0.95, 1)};
    PDESSM_TRY(pdessm_frechet_watched(e->ctx, &x, &r, &parts[0], &c.frechet));
    PDESSM_TRY(pdessm_pairs_watched(e->ctx, &x, &r, e->options, &parts[1], &c.pairs));
    PDESSM_TRY(pdessm_sliced_watched(e->ctx, &x_pixels, &r_pixels, e->options, &parts[2],
                                     &c.sliced_wasserstein));
    PDESSM_TRY(pdessm_spectrum_watched(e->ctx, samples, &parts[3], spectra));
    PDESSM_TRY(pdessm_spectrum_watched(e->ctx, reference, &parts[4], spectra + rings));
    c.spectrum_error = spectrum_error(spectra, spectra + rings, rings);
    *ret = c;
out:
    return status;
}

/* ------------------------------------------------------------------ all of it */

static pdessm_status check(const evaluator *e, const pdessm_image_set *samples,
                           const pdessm_image_set *reference) {
    pdessm_context *ctx = e->ctx;
    const int64_t least = e->options->neighbours + 1;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(ctx,
                   samples->channels == reference->channels &&
                       samples->height == reference->height && samples->width == reference->width,
                   PDESSM_ERROR_SHAPE,
                   "samples of %lld x %lld x %lld, reference of %lld x %lld x %lld (channels x "
                   "height x width): expected the same",
                   (long long)samples->channels, (long long)samples->height,
                   (long long)samples->width, (long long)reference->channels,
                   (long long)reference->height, (long long)reference->width);
    PDESSM_REQUIRE(ctx, e->options->neighbours >= 1 && e->options->directions >= 1,
                   PDESSM_ERROR_ARGUMENT, "%d neighbours and %d directions, expected 1 or more",
                   e->options->neighbours, e->options->directions);
    PDESSM_REQUIRE(ctx, e->options->low_share > 0 && e->options->low_share <= 1,
                   PDESSM_ERROR_ARGUMENT, "low share %g, expected more than 0 and at most 1",
                   e->options->low_share);
    PDESSM_REQUIRE(ctx, samples->count >= least && reference->count >= 2 * least,
                   PDESSM_ERROR_ARGUMENT,
                   "%lld samples and %lld real images: expected at least %lld and %lld, for %d "
                   "neighbours in each half of the real ones",
                   (long long)samples->count, (long long)reference->count, (long long)least,
                   (long long)(2 * least), e->options->neighbours);
    const pdessm_points x = pixels_of(samples), r = pixels_of(reference);
    const pdessm_points xf = features_of(samples), rf = features_of(reference);
    PDESSM_TRY(pdessm_points_check_pair(ctx, "pixels", &x, &r, least));
    PDESSM_TRY(pdessm_points_check_pair(ctx, "features", &xf, &rf, least));
out:
    return status;
}

static pdessm_status evaluate(const evaluator *e, const pdessm_image_set *samples,
                              const pdessm_image_set *reference, const halves *h, double *spectra,
                              pdessm_evaluation *ret) {
    pdessm_status status;
    const pdessm_watch watch = pdessm_metric_watch(e->options);
    const pdessm_watch parts[4] = {
        pdessm_watch_part(&watch, 0, 0.6), pdessm_watch_part(&watch, 0.6, 0.75),
        pdessm_watch_part(&watch, 0.75, 0.9), pdessm_watch_part(&watch, 0.9, 1)};
    const pdessm_points a = pixels_of(&h->a), b = pixels_of(&h->b), x = pixels_of(samples);
    const size_t bytes = (size_t)ret->rings * sizeof *spectra;
    PDESSM_TRY(compare(e, samples, reference, &parts[0], spectra, &ret->all));
    memcpy(ret->spectrum, spectra, bytes);
    memcpy(ret->reference_spectrum, spectra + ret->rings, bytes);
    PDESSM_TRY(compare(e, &h->samples, &h->a, &parts[1], spectra, &ret->matched));
    PDESSM_TRY(compare(e, &h->b, &h->a, &parts[2], spectra, &ret->floor));
    ret->recovery = (pdessm_recovery){(double)NAN, (double)NAN, 0};
    if (a.count > a.dimension)
        PDESSM_TRY(pdessm_recovery_watched(e->ctx, &a, &x, &b, e->options->low_share, &parts[3],
                                           &ret->recovery));
out:
    return status;
}

pdessm_status pdessm_evaluate(pdessm_context *ctx, const pdessm_image_set *samples,
                              const pdessm_image_set *reference,
                              const pdessm_metric_options *options, pdessm_evaluation *ret) {
    pdessm_status status;
    const evaluator e = {ctx, options};
    halves h = {{0}, {0}, {0}};
    pdessm_evaluation found = {.rings = pdessm_spectrum_rings(reference->height, reference->width)};
    const size_t rings = (size_t)found.rings;
    double *spectra = NULL;
    PDESSM_TRY(check(&e, samples, reference));
    PDESSM_TRY(pdessm_alloc(ctx, 2 * rings, sizeof *spectra, &spectra));
    PDESSM_TRY(pdessm_alloc(ctx, rings, sizeof *spectra, &found.spectrum));
    PDESSM_TRY(pdessm_alloc(ctx, rings, sizeof *spectra, &found.reference_spectrum));
    PDESSM_TRY(halve(&e, samples, reference, &h));
    PDESSM_TRY(evaluate(&e, samples, reference, &h, spectra, &found));
    *ret = found;
    found = (pdessm_evaluation){0};
out:
    release_choice(&h.a);
    release_choice(&h.b);
    release_choice(&h.samples);
    free(spectra);
    pdessm_evaluation_release(&found);
    return status;
}

double pdessm_evaluation_bytes(const pdessm_image_set *samples, const pdessm_image_set *reference,
                               const pdessm_metric_options *options) {
    const double pixels = (double)pixel_count(reference);
    const double features = (double)reference->feature_dimension;
    const double widest = pixels > features ? pixels : features;
    const double both = (double)(samples->count + reference->count);
    const double half = fmin((double)reference->count / 2, (double)samples->count);
    /* The sets, two halves and as many samples as one; then a float64 copy for products, three
     * matrices of second moments and one on the way to eigenvectors, projections. */
    return 4 * (pixels + features) * (both + 3 * half) + 8 * widest * both +
           4 * 8 * widest * widest + 8 * (double)options->directions * both;
}

void pdessm_evaluation_release(pdessm_evaluation *evaluation) {
    free(evaluation->spectrum);
    free(evaluation->reference_spectrum);
    *evaluation = (pdessm_evaluation){0};
}
