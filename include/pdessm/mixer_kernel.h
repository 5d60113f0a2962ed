/* SPDX-License-Identifier: MIT */
/* mixer_kernel.h: what the mixers of a network have learned, in physical units and as impulse
 * responses. RESEARCH: what is measured, and how, may change between versions. */
#ifndef PDESSM_MIXER_KERNEL_H
#define PDESSM_MIXER_KERNEL_H

#include <pdessm/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pdessm_mixer_kernel_kind {
    PDESSM_MIXER_KERNEL_NONE,     /* attention: it has none */
    PDESSM_MIXER_KERNEL_EQUATION, /* everything below but the window */
    PDESSM_MIXER_KERNEL_SYMBOL,   /* a free filter: the symbol alone */
    PDESSM_MIXER_KERNEL_WINDOW,   /* a convolution: the window alone; height and width are 3 */
} pdessm_mixer_kernel_kind;

/* One block, from the operators that the network itself runs, on the periodic image also where the
 * network pads. Lengths are in image sides. What its mixer has not is NULL; what a configuration
 * leaves out of the equation is zero. */
typedef struct pdessm_mixer_kernel {
    pdessm_mixer_kernel_kind kind;
    int64_t channels, terms;
    int64_t height, width; /* of the token grid */
    float *diffusion;      /* [channels, terms, 3]: kyy, kxy, kxx */
    float *convection;     /* [channels, terms, 2]: by, bx */
    float *reaction;       /* [channels, terms] */
    float *weight;         /* [channels, terms] */
    float *skip;           /* [channels] */
    float *symbol;         /* [height, width/2 + 1, channels, 2] */
    float *window;         /* [channels, 3, 3] */
} pdessm_mixer_kernel;

/* Arrays belong to *ret until pdessm_mixer_kernel_release(). ERROR_ARGUMENT: no such block. */
PDESSM_API pdessm_status pdessm_mixer_kernel_read(pdessm_model *model, int block,
                                                  pdessm_mixer_kernel *ret);
PDESSM_API void pdessm_mixer_kernel_release(pdessm_mixer_kernel *k);

/* Blur widths sqrt(2 K) along both principal axes of one term, smaller one first. */
PDESSM_API void pdessm_mixer_kernel_widths(const float diffusion[3], double ret[2]);

/* Least, median and largest over all terms of a block. */
typedef struct pdessm_range {
    double least, median, most;
} pdessm_range;

typedef struct pdessm_mixer_kernel_ranges {
    pdessm_range width;  /* sqrt(2 K) along both principal axes, in image sides */
    pdessm_range shift;  /* |b|, in image sides */
    pdessm_range decay;  /* e^r: what is left of the mean */
    pdessm_range weight; /* |w| */
} pdessm_mixer_kernel_ranges;

/* Of a block of kind PDESSM_MIXER_KERNEL_EQUATION. */
PDESSM_API pdessm_status pdessm_mixer_kernel_measure(pdessm_context *ctx,
                                                     const pdessm_mixer_kernel *k,
                                                     pdessm_mixer_kernel_ranges *ret);

/* How much one channel mixes: the sum of the squares of what it gathers, below. */
PDESSM_API double pdessm_mixer_kernel_energy(const pdessm_mixer_kernel *k, int64_t channel);

/* What one channel gathers: y(p) = sum over shifts d of ret[d] u(p + d), without the skip;
 * [height, width], shifts wrap around. `scratch` has room for 2 height (width/2 + 1) numbers. */
PDESSM_API void pdessm_mixer_kernel_gather(const pdessm_mixer_kernel *k, int64_t channel,
                                           double *scratch, double *ret);

#ifdef __cplusplus
}
#endif
#endif
