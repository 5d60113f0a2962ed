/* SPDX-License-Identifier: MIT */
/* symbol.c: what a mixer multiplies with in Fourier space: the solution operator of a learnable
 * convection-diffusion-reaction equation, the paper's mixer, or a free filter. */
#include "model/model.h"

static pdessm_tensor *raw(const pdessm_builder *b, int block, const char *name) {
    return pdessm_build_weight(b, "blocks.%d.mixer.pde.%s", block, name);
}

/* G of the solution operator. */
static pdessm_tensor *solution(const pdessm_builder *b, int block) {
    const pdessm_config *c = &b->model->config;
    pdessm_tensor *diffusion, *convection, *reaction;
    pdessm_cdr_coefficients(b->graph, raw(b, block, "diffusion"), raw(b, block, "convection"),
                            raw(b, block, "reaction"), c->b_max, &diffusion, &convection,
                            &reaction);
    return pdessm_cdr_symbol(b->graph, diffusion, convection, reaction, raw(b, block, "weight"),
                             raw(b, block, "skip"), b->height, b->width, c->solution);
}

pdessm_tensor *pdessm_build_symbol(const pdessm_builder *b, int block) {
    return b->model->config.mixer == PDESSM_MIXER_FILTER
               ? pdessm_build_weight(b, "blocks.%d.mixer.filter.symbol", block)
               : solution(b, block);
}
