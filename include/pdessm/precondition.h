/* SPDX-License-Identifier: MIT */
/* precondition.h: preconditioned flow matching. An invertible map T_y, fitted to the data first and
 * then frozen, evens out the variances of its directions; the flow is trained on T_y(x), and a
 * sample is T_y^-1 of the integrated flow ("Preconditioned Flow Matching", arXiv 2603.02337).
 *
 * Why: with data of covariance Sigma the path x_t = (1 - t) z + t x has the covariance
 * Sigma_t = (1 - t)^2 I + t^2 Sigma, and gradient descent on a linear model shrinks the error along
 * an eigenvector of eigenvalue s by (1 - 2 eta s) a step: directions of low variance stall. */
#ifndef PDESSM_PRECONDITION_H
#define PDESSM_PRECONDITION_H

#include <pdessm/data.h>
#include <pdessm/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A fitted map. It is immutable and counted: whoever holds a reference destroys it once. */
typedef struct pdessm_precondition pdessm_precondition;

typedef enum pdessm_precondition_kind {
    /* y = W (x - m), W = (Sigma + e I)^(-1/2): ZCA. Sigma = (1 - a) S_y + a S, where S_y is the
     * covariance of class y and S the mean of all S_y, weighted by their images; e = epsilon times
     * the mean eigenvalue of Sigma. Keeps D x D numbers a class, D = channels height width. */
    PDESSM_PRECONDITION_WHITEN,
    /* y = irfft2(g rfft2(x - m)) for each channel, g = min(1 / sqrt(P + e), max_gain / sqrt(mean
     * P)) with the mean power P_y(k) = mean |rfft2(x - m)|^2 / (H W) and e = epsilon mean P. Images
     * of another size than the fitted one take g and m at the same waves per image side; beyond the
     * fitted Nyquist frequency the nearest fitted g stands, and m has nothing. */
    PDESSM_PRECONDITION_SPECTRAL,
    /* The whitening map above, then coupling layers that even out what second moments do not show,
     * trained by maximum likelihood. The whitened numbers are two halves, the fields of a chess
     * board (channel + row + column even or odd); layer l = 0, 1, .. changes half l mod 2, seeing
     * the other one, u, and the label:
     *     y = x exp(s) + t,  s = tanh(r),  (r, t) = W3 gelu(W2 gelu(W1 u + E_label) + b2) + b3.
     * W3 and b3 begin at zero, so training begins at the whitening map. Loss: the mean of
     * (|y|^2 / 2 - sum s) / D, the negative log-likelihood but for a constant. Images are noisy in
     * training: uniform noise as wide as a step of 8 bits where data have 8 bits, and normal noise
     * of the variance e that whitening adds; without it the likelihood of pixels that never change
     * would have no bound. ("Density estimation using Real NVP", arXiv 1605.08803.) */
    PDESSM_PRECONDITION_REALNVP,
    /* y = phi_(1 -> 0)(x), the flow of a small network (pde-nano) that is trained first, by flow
     * matching on the unmapped images. Classical Runge-Kutta steps of fixed size there and back:
     * the inverse is not exact, measure it (pdessm_precondition_round_trip). Has a null class. */
    PDESSM_PRECONDITION_FLOW,
    PDESSM_PRECONDITION_KINDS,
    PDESSM_PRECONDITION_NONE = PDESSM_PRECONDITION_KINDS /* of a run: train on images */
} pdessm_precondition_kind;

/* Their names, in the order of the enum. */
#define PDESSM_PRECONDITIONS(X)                                                                    \
    X(WHITEN, "whiten") X(SPECTRAL, "spectral") X(REALNVP, "realnvp") X(FLOW, "flow")
#define PDESSM_PRECONDITIONS_OR_NONE(X) PDESSM_PRECONDITIONS(X) X(NONE, "none")

/* "whiten", ..; ERROR_ARGUMENT lists the names. */
PDESSM_API pdessm_status pdessm_precondition_find(pdessm_context *ctx, const char *name,
                                                  pdessm_precondition_kind *ret);
PDESSM_API const char *pdessm_precondition_name(pdessm_precondition_kind kind);

/* Gives a reference back; accepts NULL, nulls the handle. A map dies before its device. */
PDESSM_API void pdessm_precondition_destroy(pdessm_precondition **map);

typedef struct pdessm_precondition_info {
    pdessm_precondition_kind kind;
    int64_t channels, height, width; /* of the images that it was fitted to */
    int64_t classes;                 /* maps held; 1: the same for every label */
    int any_size;                    /* works on other heights and widths too */
    int has_null;                    /* takes images without a class too */
    int64_t layers, hidden;          /* realnvp */
    int64_t solver_steps;            /* flow */
    double epsilon, shrinkage, max_gain;
    int64_t numbers; /* float32 numbers kept */
} pdessm_precondition_info;
PDESSM_API const pdessm_precondition_info *
pdessm_precondition_get_info(const pdessm_precondition *map);

/* Are these the same map, to the bit? */
PDESSM_API int pdessm_precondition_equal(const pdessm_precondition *a,
                                         const pdessm_precondition *b);

/* T_y and T_y^-1 of images [n, channels, height, width] with labels in [0, classes); images and ret
 * may be the same. labels may be NULL where classes is 1 or has_null is set; a label below 0 or of
 * classes is the null class. Without has_null a map of several classes has none for the null class:
 * ERROR_ARGUMENT. */
PDESSM_API pdessm_status pdessm_precondition_apply(pdessm_precondition *map, int64_t n,
                                                   int64_t height, int64_t width,
                                                   const int32_t *labels, const float *images,
                                                   float *ret);
PDESSM_API pdessm_status pdessm_precondition_invert(pdessm_precondition *map, int64_t n,
                                                    int64_t height, int64_t width,
                                                    const int32_t *labels, const float *images,
                                                    float *ret);

/* Both of them for many images: progress (or NULL) is called with the share done in [0, 1]; nonzero
 * cancels (ERROR_CANCELLED), and ret is undefined then. */
PDESSM_API pdessm_status pdessm_precondition_convert(pdessm_precondition *map, int inverse,
                                                     int64_t n, int64_t height, int64_t width,
                                                     const int32_t *labels, const float *images,
                                                     int (*progress)(void *user, double share),
                                                     void *user, float *ret);

/* ln |det dT_y/dx| at each image, [n]: with it T is a density, ln p(x | y) = -|T_y(x)|^2 / 2 -
 * (D / 2) ln(2 pi) + ln |det|. For whiten and realnvp; ERROR_ARGUMENT for other kinds. */
PDESSM_API pdessm_status pdessm_precondition_log_det(pdessm_precondition *map, int64_t n,
                                                     int64_t height, int64_t width,
                                                     const int32_t *labels, const float *images,
                                                     double *ret);

/* As a separate safetensors file: tensors precondition.*, metadata pdessm.precondition. */
PDESSM_API pdessm_status pdessm_precondition_save(pdessm_precondition *map, const char *path);
PDESSM_API pdessm_status pdessm_precondition_load(pdessm_device *device, const char *path,
                                                  pdessm_precondition **ret);

/* The map that a model was trained behind. Its files carry it, so that a model file alone is enough
 * to sample: pdessm_sample() ends with T_y^-1, while pdessm_model_velocity() stays in mapped space.
 * The model takes a reference; map NULL removes the old one. ERROR_SHAPE: a map for
 * images of other channels, size or classes. */
PDESSM_API pdessm_status pdessm_model_set_precondition(pdessm_model *model,
                                                       pdessm_precondition *map);
/* Borrowed; NULL: none. */
PDESSM_API pdessm_precondition *pdessm_model_get_precondition(const pdessm_model *model);

#ifdef __cplusplus
}
#endif
#endif
