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
     * matching on the images as they are. Classical Runge-Kutta steps of fixed size there and back:
     * the inverse is not exact, measure it (pdessm_precondition_round_trip). Has a null class. */
    PDESSM_PRECONDITION_FLOW,
    PDESSM_PRECONDITION_KINDS
} pdessm_precondition_kind;

/* "whiten", ..; ERROR_ARGUMENT lists the names. */
PDESSM_API pdessm_status pdessm_precondition_find(pdessm_context *ctx, const char *name,
                                                  pdessm_precondition_kind *ret);
PDESSM_API const char *pdessm_precondition_name(pdessm_precondition_kind kind);

typedef struct pdessm_precondition_options {
    pdessm_precondition_kind kind;
    int pooled;       /* one map for all classes; data without labels always gets that */
    double epsilon;   /* share of the mean eigenvalue, or mean power, that is added to all */
    double shrinkage; /* whiten, realnvp: a above, in [0, 1] */
    double max_gain;  /* spectral: cap, over the gain of a wave of mean power */
    int batch;        /* images that the device works on at once */
    int64_t steps;    /* realnvp, flow: of training */
    int64_t layers;   /* realnvp: at least 2, so that both halves are changed */
    int64_t hidden;   /* realnvp: numbers in each hidden layer of a coupling's network */
    int solver_steps; /* flow: Runge-Kutta steps between the ends */
    uint64_t seed;    /* realnvp, flow */
    /* realnvp, flow: a folder, made when needed, that keeps the training every 200 steps and when
     * it is cancelled. The same fit goes on from there, to the same bits; another one is refused
     * (ERROR_FILE). The caller removes it once the map is safe. NULL: none. */
    const char *state;
    /* Called now and then with the share done in [0, 1]; nonzero cancels (ERROR_CANCELLED). */
    int (*progress)(void *user, double share);
    void *user;
} pdessm_precondition_options;

/* epsilon 1e-3, shrinkage 0.1, max_gain 30, batch 64, 1000 steps, 8 layers of 256, 10 solver steps.
 */
PDESSM_API pdessm_precondition_options pdessm_precondition_defaults(pdessm_precondition_kind kind);

/* Fits a map to all images of a set. ERROR_ARGUMENT: a map that would not fit into memory (whiten
 * with many pixels), a class with too few images, images that are all alike. */
PDESSM_API pdessm_status pdessm_precondition_fit(pdessm_device *device, pdessm_dataset *data,
                                                 const pdessm_precondition_options *options,
                                                 pdessm_precondition **ret);

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

/* ln |det dT_y/dx| at each image, [n]: with it T is a density, ln p(x | y) = -|T_y(x)|^2 / 2 -
 * (D / 2) ln(2 pi) + ln |det|. For whiten and realnvp; ERROR_ARGUMENT for other kinds. */
PDESSM_API pdessm_status pdessm_precondition_log_det(pdessm_precondition *map, int64_t n,
                                                     int64_t height, int64_t width,
                                                     const int32_t *labels, const float *images,
                                                     double *ret);

/* The set T_y(x), as float32 in memory: 4 bytes for each number of the data. It outlives data and
 * map. Training draws from it as from any other. */
PDESSM_API pdessm_status pdessm_precondition_dataset(pdessm_precondition *map, pdessm_dataset *data,
                                                     int (*progress)(void *user, double share),
                                                     void *user, pdessm_dataset **ret);

/* The same for a map that takes long (a flow): what is done is kept in files below `folder`, which
 * is made, and the same call goes on from there. ERROR_FILE: they are of another map or set. */
PDESSM_API pdessm_status pdessm_precondition_dataset_kept(pdessm_precondition *map,
                                                          pdessm_dataset *data, const char *folder,
                                                          int (*progress)(void *user, double share),
                                                          void *user, pdessm_dataset **ret);

/* Error of T_y^-1(T_y(x)) over the first n images of a set (0: all): root mean square and largest,
 * in the images' units, where an 8-bit step is 2/255. */
PDESSM_API pdessm_status pdessm_precondition_round_trip(pdessm_precondition *map,
                                                        pdessm_dataset *data, int64_t n,
                                                        double *ret_rms, double *ret_most);

/* ------------------------------------------------------------------------------ diagnostics */

/* Eigenvalues, ascending, and orthonormal eigenvectors (rows; may be NULL) of the covariance of a
 * set around its mean, or of one class of it (label >= 0): [D] and [D, D] with D = channels height
 * width, at most 4,096. */
PDESSM_API pdessm_status pdessm_data_spectrum(pdessm_device *device, pdessm_dataset *data,
                                              int64_t label, double *ret_values,
                                              double *ret_vectors);

/* Condition number of Sigma_t = (1 - t)^2 I + t^2 Sigma: ((1-t)^2 + t^2 lmax) / ((1-t)^2 + t^2
 * lmin), from eigenvalues of Sigma in ascending order. Values below 0, which rounding makes, count
 * as 0; infinite at t = 1 when the least is. */
PDESSM_API double pdessm_path_condition(const double *values, int64_t n, double t);

/* exp of the entropy of the eigenvalues' shares: n when all are equal, 1 when one has it all. */
PDESSM_API double pdessm_effective_rank(const double *values, int64_t n);

/* Error of a model's velocity at one time along the eigenvectors of the covariance of what it was
 * trained on (mapped images, behind a map), over count images of a set drawn by the seed. */
typedef struct pdessm_band {
    double least, most; /* eigenvalues */
    double error;       /* mean of (u . (v_theta - (x - z)))^2 over images and eigenvectors u */
    double linear;      /* the same for the best affine velocity: mean of l / ((1-t)^2 + t^2 l) */
} pdessm_band;

typedef struct pdessm_band_options {
    double t;
    int64_t count; /* images */
    int batch, bands;
    uint64_t seed;
} pdessm_band_options;

/* t 0.95, 512 images, batch 64, 8 bands. */
PDESSM_API pdessm_band_options pdessm_band_defaults(void);

/* data: as the model saw it, taken through its map; values and vectors: its spectrum. Band 0 has
 * the lowest eigenvalues; all have as many, to within one. */
PDESSM_API pdessm_status pdessm_velocity_bands(pdessm_model *model, pdessm_dataset *data,
                                               const double *values, const double *vectors,
                                               const pdessm_band_options *options,
                                               pdessm_band *ret);

/* As a safetensors file of its own: tensors precondition.*, metadata pdessm.precondition. */
PDESSM_API pdessm_status pdessm_precondition_save(pdessm_precondition *map, const char *path);
PDESSM_API pdessm_status pdessm_precondition_load(pdessm_device *device, const char *path,
                                                  pdessm_precondition **ret);

/* The map that a model was trained behind. Its files carry it, so that a model file alone is enough
 * to sample: pdessm_sample() ends with T_y^-1, while pdessm_model_velocity() stays in mapped space.
 * The model takes a reference of its own; map NULL takes the old one away. ERROR_SHAPE: a map for
 * images of other channels, size or classes. */
PDESSM_API pdessm_status pdessm_model_set_precondition(pdessm_model *model,
                                                       pdessm_precondition *map);
/* Borrowed; NULL: none. */
PDESSM_API pdessm_precondition *pdessm_model_get_precondition(const pdessm_model *model);

#ifdef __cplusplus
}
#endif
#endif
