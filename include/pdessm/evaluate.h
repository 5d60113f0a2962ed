/* SPDX-License-Identifier: MIT */
/* evaluate.h: how far a set of samples is from a set of real images. The metrics are plain
 * functions of arrays and need no model; docs/guide/metrics.md has the formulas and their sources.
 * Everything is computed in float64, on all threads of the context, bit for bit the same on any
 * number of them; what is drawn is drawn from the seed. ERROR_NUMERIC: a value is not finite. */
#ifndef PDESSM_EVALUATE_H
#define PDESSM_EVALUATE_H

#include <pdessm/data.h>
#include <pdessm/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What all metrics share. Called with the share done in [0, 1]; nonzero cancels (ERROR_CANCELLED).
 */
typedef struct pdessm_metric_options {
    uint64_t seed;
    int neighbours;   /* k of precision and recall */
    int directions;   /* of the sliced Wasserstein distance */
    double low_share; /* which eigenvalues count as low */
    int (*progress)(void *user, double share);
    void *user;
} pdessm_metric_options;

/* 5 neighbours, 512 directions, the lowest quarter. */
PDESSM_API pdessm_metric_options pdessm_metric_defaults(void);

/* Vectors: features or the pixels of images, row-major [count, dimension]. Not owned. */
typedef struct pdessm_points {
    int64_t count, dimension;
    const float *values;
} pdessm_points;

/* Which `count` of `all` items to take, to ret [count]: a seeded choice, so that files sorted by
 * class do not matter; all of them in their order when count is all. count <= all. */
PDESSM_API pdessm_status pdessm_metric_choose(pdessm_context *ctx, uint64_t seed, int64_t all,
                                              int64_t count, int64_t *ret);

/* Rounds drawn images in [-1, 1] to what a file of 8-bit images would hold of them, as the real
 * ones were. ERROR_NUMERIC, naming `name`: a value is not finite. */
PDESSM_API pdessm_status pdessm_images_round(pdessm_context *ctx, const char *name, int64_t numbers,
                                             float *images);

/* Squared Frechet distance of the Gaussians with the same means m and covariances S (over count -
 * 1): |m1 - m2|^2 + tr(S1 + S2 - 2 (S2^1/2 S1 S2^1/2)^1/2). Singular covariances are fine; at least
 * 2 points each. */
PDESSM_API pdessm_status pdessm_metric_frechet(pdessm_context *ctx, const pdessm_points *samples,
                                               const pdessm_points *reference,
                                               const pdessm_metric_options *options, double *ret);

/* What the distances between all pairs say.
 * mmd: unbiased estimate of the squared maximum mean discrepancy (may be below 0) with the kernel
 * exp(-d^2 / (2 bandwidth^2)); bandwidth^2 is the median of d^2 over all pairs of a seeded choice
 * of at most 1,000 points of the reference.
 * precision: share of samples that lie in the ball around at least one point of the reference that
 * reaches to its k-th neighbour in the reference; recall: the same with the roles exchanged. At
 * least k + 1 points each. */
typedef struct pdessm_pair_metrics {
    double mmd, bandwidth, precision, recall;
} pdessm_pair_metrics;
PDESSM_API pdessm_status pdessm_metric_pairs(pdessm_context *ctx, const pdessm_points *samples,
                                             const pdessm_points *reference,
                                             const pdessm_metric_options *options,
                                             pdessm_pair_metrics *ret);

/* Square root of the mean over seeded directions, uniform on the sphere, of the squared 2-
 * Wasserstein distance between the projections; counts may differ. */
PDESSM_API pdessm_status pdessm_metric_sliced_wasserstein(pdessm_context *ctx,
                                                          const pdessm_points *samples,
                                                          const pdessm_points *reference,
                                                          const pdessm_metric_options *options,
                                                          double *ret);

/* Variance of the samples over that of the reference along the eigenvectors of the covariance of
 * `directions` that belong to the lowest low_share of its eigenvalues: 1 is recovered, 0 lost. Only
 * when `directions` and `reference` are different points is the expectation 1 for a perfect
 * sampler, because eigenvectors of small eigenvalues fit the noise of the points they come from.
 * ratio: of the variances summed over these eigenvectors; median: of the single ratios, those with
 * no variance in the reference left out. Not a number when the reference has none at all. */
typedef struct pdessm_recovery {
    double ratio, median;
    int64_t eigenvectors;
} pdessm_recovery;
PDESSM_API pdessm_status pdessm_metric_recovery(
    pdessm_context *ctx, const pdessm_points *directions, const pdessm_points *samples,
    const pdessm_points *reference, const pdessm_metric_options *options, pdessm_recovery *ret);

/* Images [count, channels, height, width] with what a classifier says about them. */
typedef struct pdessm_image_set {
    int64_t count, channels, height, width;
    const float *images;
    int64_t feature_dimension;
    const float *features; /* [count, feature_dimension]; NULL: the pixels are the features */
} pdessm_image_set;

/* Rings 0 .. min(height, width) / 2 of the spectrum: wavenumbers (my, mx), in periods an image,
 * with hypot(my, mx) rounded to the number of the ring; the corners beyond are left out. */
PDESSM_API int64_t pdessm_spectrum_rings(int64_t height, int64_t width);

/* ret[ring] = mean of |U(my, mx)|^2 / (height width)^2 over ring, channels and images, U the
 * unnormalised discrete Fourier transform. A cosine of amplitude a has a^2 / 4 at each of its two
 * wavenumbers. */
PDESSM_API pdessm_status pdessm_metric_spectrum(pdessm_context *ctx, const pdessm_image_set *set,
                                                const pdessm_metric_options *options, double *ret);

/* One set against another. spectrum_error: root mean square over the rings from 1 on of
 * log10(power of the samples / power of the reference), rings without power in both left out;
 * infinite when a ring has power on one side only. */
typedef struct pdessm_comparison {
    int64_t count, reference_count;
    double frechet, sliced_wasserstein, spectrum_error;
    pdessm_pair_metrics pairs;
} pdessm_comparison;

/* The samples against all of the reference, and the floor: what real images get. For the floor the
 * reference is halved by the seed into A and B; both `matched` and `floor` compare `half` images
 * with `half` images of A, once chosen from the samples, once from B. The same count matters,
 * because every metric but the kernel distance depends on it. half is half of the reference, or the
 * count of the samples if that is less. recovery: eigenvectors from A, variance of real images from
 * B. */
typedef struct pdessm_evaluation {
    pdessm_comparison all, matched, floor;
    pdessm_recovery recovery;
    int64_t rings;
    double *spectrum, *reference_spectrum; /* [rings]; of all images */
} pdessm_evaluation;
PDESSM_API pdessm_status pdessm_evaluate(pdessm_context *ctx, const pdessm_image_set *samples,
                                         const pdessm_image_set *reference,
                                         const pdessm_metric_options *options,
                                         pdessm_evaluation *ret);
/* Bytes that it takes at most beside the sets themselves and with them, from their counts and sizes
 * alone (pointers are not looked at); feature_dimension 0: the pixels are the features. */
PDESSM_API double pdessm_evaluation_bytes(const pdessm_image_set *samples,
                                          const pdessm_image_set *reference,
                                          const pdessm_metric_options *options);
/* Accepts a zeroed one. */
PDESSM_API void pdessm_evaluation_release(pdessm_evaluation *evaluation);

/* The loss of flow matching, mean (v_theta(x_t, t, y) - (x - z))^2, over given images, one t each:
 * t = (p(i) + u_i) / count with a seeded permutation p, so that the times cover [0, 1] evenly; z
 * and u from the seed. labels: [count], NULL: the null class. batch: images of one run. Images
 * have the model's size. Behind a map (precondition.h) x is what the map makes of them, so that
 * losses behind different maps do not compare; a map of several classes needs labels. */
PDESSM_API pdessm_status pdessm_velocity_loss(pdessm_model *model, int64_t count,
                                              const float *images, const int32_t *labels, int batch,
                                              const pdessm_metric_options *options, double *ret);

/* What a classifier (a model whose task is PDESSM_TASK_CLASSIFY) says about images of its size
 * [count, channels, height, width], `batch` at a time: features [count, width of the model], its
 * input of the last layer, and the class of the largest score [count]. Either may be NULL. */
PDESSM_API pdessm_status pdessm_classify(pdessm_model *model, int64_t count, const float *images,
                                         int batch, const pdessm_metric_options *options,
                                         float *ret_features, int32_t *ret_classes);

/* The share of images to which a classifier gives their label; `batch` images at a time. options
 * (progress) may be NULL. */
PDESSM_API pdessm_status pdessm_accuracy(pdessm_model *model, const pdessm_dataset *data, int batch,
                                         const pdessm_metric_options *options, double *ret);

#ifdef __cplusplus
}
#endif
#endif
