/* SPDX-License-Identifier: MIT */
/* symbol.c: what a mixer multiplies with in Fourier space: the solution operator of a learnable
 * convection-diffusion-reaction equation, the paper's mixer, or a free filter. */
#include "model/build.h"

static pdessm_tensor *raw(const pdessm_builder *b, int block, const char *name) {
    return pdessm_build_weight(b, "blocks.%d.mixer.pde.%s", block, name);
}

/* Separate parameters, or what takes the term out of the equation. */
static pdessm_tensor *raw_or(const pdessm_builder *b, int block, const char *name, int left_out,
                             float otherwise, int rank, const int64_t *dims) {
    return left_out ? pdessm_build_constant(b, otherwise, rank, dims) : raw(b, block, name);
}

pdessm_coefficients pdessm_build_coefficients(const pdessm_builder *b, int block, double extent) {
    const pdessm_config *c = &b->model->config;
    const int64_t terms[] = {(int64_t)c->expand * c->width, c->states, 2};
    const float no_reaction = -80; /* softplus(-80) is 0 beside any number of use */
    pdessm_coefficients k = {.weight = raw(b, block, "weight"),
                             .skip = raw_or(b, block, "skip", c->no_skip, 0, 1, terms)};
    pdessm_cdr_coefficients(b->tape, extent, raw(b, block, "diffusion"),
                            raw_or(b, block, "convection", c->no_convection, 0, 3, terms),
                            raw_or(b, block, "reaction", c->no_reaction, no_reaction, 2, terms),
                            c->b_max, &k.diffusion, &k.convection, &k.reaction);
    return k;
}

pdessm_tensor *pdessm_build_symbol(const pdessm_builder *b, int block, int64_t extent) {
    if (b->model->config.mixer == PDESSM_MIXER_FILTER)
        return pdessm_build_weight(b, "blocks.%d.mixer.filter.symbol", block);
    pdessm_coefficients k = pdessm_build_coefficients(b, block, (double)extent);
    return pdessm_cdr_symbol(b->tape, k.diffusion, k.convection, k.reaction, k.weight, k.skip,
                             extent * b->height, extent * b->width, b->model->config.solution);
}
