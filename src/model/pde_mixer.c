/* SPDX-License-Identifier: MIT */
/* pde_mixer.c: the mixer of the paper: a learnable convection-diffusion-reaction equation, solved
 * exactly in Fourier space, gated. */
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

/* [a, z] = split(h W_in + b_in);  m = ( filter_G(a) silu(z) ) W_out + b_out. */
pdessm_tensor *pdessm_build_pde_mixer(const pdessm_builder *b, int block, pdessm_tensor *h) {
    pdessm_graph *g = b->graph;
    int64_t inner = (int64_t)b->model->config.expand * b->model->config.width;
    int64_t grid[] = {b->batch, b->height, b->width, inner};
    int64_t tokens[] = {b->batch, b->height * b->width, inner};
    pdessm_tensor *az = pdessm_build_linear(b, h, 2, "blocks.%d.mixer.in_proj", block);
    pdessm_tensor *a = pdessm_slice(g, az, 0), *z = pdessm_slice(g, az, 1);
    pdessm_tensor *y =
        pdessm_spectral_filter(g, pdessm_reshape(g, a, 4, grid), pdessm_build_symbol(b, block));
    pdessm_tensor *m = pdessm_gate(g, pdessm_reshape(g, y, 3, tokens), z);
    return pdessm_build_linear(b, m, 1, "blocks.%d.mixer.out_proj", block);
}
