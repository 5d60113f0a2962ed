/* SPDX-License-Identifier: MIT */
/* diagnostics.h: why a training stalls: spectra of data, and a velocity's error by direction.
 * RESEARCH: what is measured, and how, may change between versions. */
#ifndef PDESSM_DIAGNOSTICS_H
#define PDESSM_DIAGNOSTICS_H

#include <pdessm/data.h>
#include <pdessm/model.h>

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif
#endif
