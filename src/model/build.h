/* SPDX-License-Identifier: MIT */
/* build.h: the block of the paper and its parts, forward only. */
#ifndef PDESSM_MODEL_BUILD_H
#define PDESSM_MODEL_BUILD_H

#include "model/model.h"

/* A model on a tape. */
typedef struct pdessm_builder {
    pdessm_model *model;
    pdessm_tape *tape;
    int64_t batch, height, width; /* of the token grid */
} pdessm_builder;

pdessm_tensor *pdessm_build_weight(const pdessm_builder *b, const char *format, ...)
    PDESSM_PRINTF(2, 3);
pdessm_tensor *pdessm_build_linear(const pdessm_builder *b, pdessm_tensor *x, int parts,
                                   const char *format, ...) PDESSM_PRINTF(4, 5);
/* h [B, N, C] -> [B, N, C]: what the configuration has in slot `block` (mixer.c). */
pdessm_tensor *pdessm_build_mixer(const pdessm_builder *b, int block, pdessm_tensor *h);
/* The physical coefficients of a block's equation in units of a domain of `extent` images; what the
 * configuration leaves out is zero (symbol.c). */
typedef struct pdessm_coefficients {
    pdessm_tensor *diffusion, *convection, *reaction, *weight, *skip;
} pdessm_coefficients;
pdessm_coefficients pdessm_build_coefficients(const pdessm_builder *b, int block, double extent);
/* The multiplier of a spectral mixer on the periodic domain of `extent` by `extent` images, with as
 * many of the builder's grids: extent 1: [H, W/2 + 1, E, 2], 2: [2H, W + 1, E, 2]. A free filter
 * has extent 1 only (symbol.c). */
pdessm_tensor *pdessm_build_symbol(const pdessm_builder *b, int block, int64_t extent);
/* A tensor of one value, without gradient (constants.c). */
pdessm_tensor *pdessm_build_constant(const pdessm_builder *b, float number, int rank,
                                     const int64_t *dims);
/* The position table of the builder's grid, as a constant of the tape (position.c). */
pdessm_tensor *pdessm_build_position(const pdessm_builder *b);

#endif
