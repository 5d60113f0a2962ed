/* SPDX-License-Identifier: MIT */
/* symbol.c: what a mixer multiplies with in Fourier space: the solution operator of a learnable
 * convection-diffusion-reaction equation, the paper's mixer, or a free filter. */
#include "model/model.h"

static pdessm_tensor *raw(const pdessm_builder *b, int block, const char *name) {
    return pdessm_build_weight(b, "blocks.%d.mixer.pde.%s", block, name);
}

/* Parameters of their own, or what takes the term out of the equation. */
static pdessm_tensor *raw_or(const pdessm_builder *b, int block, const char *name, int given,
                             float otherwise, int rank, const int64_t *dims) {
    return given ? raw(b, block, name) : pdessm_build_constant(b, otherwise, rank, dims);
}

/* G of the solution operator. */
static pdessm_tensor *solution(const pdessm_builder *b, int block) {
    const pdessm_config *c = &b->model->config;
    const int64_t terms[] = {(int64_t)c->expand * c->width, c->states, 2};
    const float no_reaction = -80; /* softplus(-80) is 0 beside any number of use */
    int64_t extent = c->padding == PDESSM_PADDING_ZERO ? 2 : 1;
    pdessm_tensor *diffusion, *convection, *reaction;
    pdessm_cdr_coefficients_on(b->graph, (double)extent, raw(b, block, "diffusion"),
                               raw_or(b, block, "convection", c->convection, 0, 3, terms),
                               raw_or(b, block, "reaction", c->reaction, no_reaction, 2, terms),
                               c->b_max, &diffusion, &convection, &reaction);
    return pdessm_cdr_symbol(b->graph, diffusion, convection, reaction, raw(b, block, "weight"),
                             raw_or(b, block, "skip", c->skip, 0, 1, terms), extent * b->height,
                             extent * b->width, c->solution);
}

pdessm_tensor *pdessm_build_symbol(const pdessm_builder *b, int block) {
    return b->model->config.mixer == PDESSM_MIXER_FILTER
               ? pdessm_build_weight(b, "blocks.%d.mixer.filter.symbol", block)
               : solution(b, block);
}
