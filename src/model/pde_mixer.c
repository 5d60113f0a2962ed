/* SPDX-License-Identifier: MIT */
/* pde_mixer.c: the operator of the paper's mixer: a learnable convection-diffusion-reaction
 * equation, solved exactly in Fourier space. */
#include "model/model.h"

static pdessm_tensor *raw(const pdessm_builder *b, int block, const char *name) {
    return pdessm_build_weight(b, "blocks.%d.mixer.pde.%s", block, name);
}

/* G, the multiplier of the solution operator. */
pdessm_tensor *pdessm_build_symbol(const pdessm_builder *b, int block) {
    const pdessm_config *c = &b->model->config;
    pdessm_tensor *diffusion, *convection, *reaction;
    pdessm_cdr_coefficients(b->graph, raw(b, block, "diffusion"), raw(b, block, "convection"),
                            raw(b, block, "reaction"), c->b_max, &diffusion, &convection,
                            &reaction);
    return pdessm_cdr_symbol(b->graph, diffusion, convection, reaction, raw(b, block, "weight"),
                             raw(b, block, "skip"), b->height, b->width, c->solution);
}

/* u [B, H, W, E] -> the solution at time 1, of the same shape. */
pdessm_tensor *pdessm_build_pde(const pdessm_builder *b, int block, pdessm_tensor *u) {
    return pdessm_spectral_filter(b->graph, u, symbol(b, block));
}
