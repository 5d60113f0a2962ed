/* SPDX-License-Identifier: MIT */
/* gated_mixer.c: the mixer of the paper around its own operator on the token grid or a baseline's.
 * Everything but the operator is the same. */
#include "model/model.h"

/* u [B, H, W, E] -> [B, H, W, E]. */
static pdessm_tensor *operate(const pdessm_builder *b, int block, pdessm_tensor *u) {
    if (b->model->config.mixer == PDESSM_MIXER_CONV)
        return pdessm_depthwise_conv(b->graph, u,
                                     pdessm_build_weight(b, "blocks.%d.mixer.conv.weight", block),
                                     pdessm_build_weight(b, "blocks.%d.mixer.conv.bias", block));
    return pdessm_spectral_filter(b->graph, u, pdessm_build_symbol(b, block));
}

/* [a, z] = split(h W_in + b_in);  m = ( operator(a) silu(z) ) W_out + b_out. */
pdessm_tensor *pdessm_build_gated_mixer(const pdessm_builder *b, int block, pdessm_tensor *h) {
    pdessm_graph *g = b->graph;
    int64_t inner = (int64_t)b->model->config.expand * b->model->config.width;
    int64_t grid[] = {b->batch, b->height, b->width, inner};
    int64_t tokens[] = {b->batch, b->height * b->width, inner};
    pdessm_tensor *az = pdessm_build_linear(b, h, 2, "blocks.%d.mixer.in_proj", block);
    pdessm_tensor *a = pdessm_slice(g, az, 0), *z = pdessm_slice(g, az, 1);
    pdessm_tensor *y = operate(b, block, pdessm_reshape(g, a, 4, grid));
    pdessm_tensor *m = pdessm_gate(g, pdessm_reshape(g, y, 3, tokens), z);
    return pdessm_build_linear(b, m, 1, "blocks.%d.mixer.out_proj", block);
}
