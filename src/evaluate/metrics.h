/* SPDX-License-Identifier: MIT */
/* metrics.h: what the files of the metrics share.
 *
 * The room `evaluate` measures: distances of two sets of images, spectra, the accuracy of a
 * classifier, the loss of a velocity. Metrics are plain functions of arrays; only the last two know
 * models. */
#ifndef PDESSM_EVALUATE_METRICS_H
#define PDESSM_EVALUATE_METRICS_H

#include <pdessm/evaluate.h>

#include "core/watch.h"
#include "device/panels.h"

/* Streams of PDESSM_RANDOM_METRIC, in the place of the step. Stored results depend on them: append.
 */
enum {
    PDESSM_METRIC_HALVES,     /* of the reference */
    PDESSM_METRIC_CHOICE,     /* of samples, as many as a half */
    PDESSM_METRIC_BANDWIDTH,  /* points whose median distance is taken */
    PDESSM_METRIC_DIRECTIONS, /* of projections */
    PDESSM_METRIC_TIMES,      /* of the velocity loss */
    PDESSM_METRIC_LIMIT,      /* images of a file, as many as a limit allows */
};

/* The watch that a caller's options mean. */
static inline pdessm_watch pdessm_metric_watch(const pdessm_metric_options *o) {
    return (pdessm_watch){o->progress, o->user, 0, 1};
}

/* At least `least` points, all finite, two sets of one dimension; `what` opens the message. */
pdessm_status pdessm_points_check(pdessm_context *ctx, const char *what,
                                  const pdessm_points *points, int64_t least);
pdessm_status pdessm_points_check_pair(pdessm_context *ctx, const char *what,
                                       const pdessm_points *samples, const pdessm_points *reference,
                                       int64_t least);

/* Rows: the points as is. */
pdessm_status pdessm_points_panels(pdessm_context *ctx, const pdessm_points *points,
                                   pdessm_panels **ret);

/* 0 .. n - 1 in an order that the seed decides; released with free(). */
pdessm_status pdessm_metric_order(pdessm_context *ctx, uint64_t seed, int stream, int64_t n,
                                  int64_t **ret);

/* mean [dimension] and covariance [dimension, dimension], over count - 1; all zero is releasable.
 */
typedef struct pdessm_moments {
    int64_t dimension;
    double *mean, *covariance;
} pdessm_moments;
pdessm_status pdessm_moments_compute(pdessm_context *ctx, const pdessm_points *points,
                                     const pdessm_watch *watch, pdessm_moments *ret);
void pdessm_moments_release(pdessm_moments *moments);

/* The metrics with a watch that may be a part of a longer computation. Points are checked. */
pdessm_status pdessm_frechet_watched(pdessm_context *ctx, const pdessm_points *samples,
                                     const pdessm_points *reference, const pdessm_watch *watch,
                                     double *ret);
pdessm_status pdessm_pairs_watched(pdessm_context *ctx, const pdessm_points *samples,
                                   const pdessm_points *reference,
                                   const pdessm_metric_options *options, const pdessm_watch *watch,
                                   pdessm_pair_metrics *ret);
pdessm_status pdessm_sliced_watched(pdessm_context *ctx, const pdessm_points *samples,
                                    const pdessm_points *reference,
                                    const pdessm_metric_options *options, const pdessm_watch *watch,
                                    double *ret);
pdessm_status pdessm_recovery_watched(pdessm_context *ctx, const pdessm_points *directions,
                                      const pdessm_points *samples, const pdessm_points *reference,
                                      double low_share, const pdessm_watch *watch,
                                      pdessm_recovery *ret);
pdessm_status pdessm_spectrum_watched(pdessm_context *ctx, const pdessm_image_set *set,
                                      const pdessm_watch *watch, double *ret);

#endif
