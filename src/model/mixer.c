/* SPDX-License-Identifier: MIT */
/* mixer.c: what stands in the mixer's slot of a block: the gated mixer of the paper around its own
 * operator on the token grid or a baseline's, everything else being the same; or attention. */
#include "model/build.h"

/* A 3 x 3 window over each channel of u. */
static pdessm_tensor *window(const pdessm_builder *b, int block, const char *name,
                             pdessm_tensor *u) {
    return pdessm_depthwise_conv(b->tape, u,
                                 pdessm_build_weight(b, "blocks.%d.mixer.%s.weight", block, name),
                                 pdessm_build_weight(b, "blocks.%d.mixer.%s.bias", block, name));
}

/* u [B, H, W, E] -> [B, H, W, E]. */
static pdessm_tensor *operate(const pdessm_builder *b, int block, pdessm_tensor *u) {
    const pdessm_config *c = &b->model->config;
    pdessm_tape *tape = b->tape;
    if (c->local == PDESSM_LOCAL_CONV3X3)
        u = window(b, block, "local", u);
    if (c->mixer == PDESSM_MIXER_CONV)
        return window(b, block, "conv", u);
    if (c->padding == PDESSM_PADDING_PERIODIC)
        return pdessm_spectral_filter(tape, u, pdessm_build_symbol(b, block, 1));
    pdessm_tensor *wide = pdessm_corner(tape, u, 2 * b->height, 2 * b->width);
    wide = pdessm_spectral_filter(tape, wide, pdessm_build_symbol(b, block, 2));
    return pdessm_corner(tape, wide, b->height, b->width);
}

/* [a, z] = split(h W_in + b_in);  m = ( operator(a) silu(z) ) W_out + b_out. Without the gate there
 * is no z. */
static pdessm_tensor *gated_mixer(const pdessm_builder *b, int block, pdessm_tensor *h) {
    pdessm_tape *tape = b->tape;
    const pdessm_config *c = &b->model->config;
    int64_t inner = (int64_t)c->expand * c->width;
    int64_t grid[] = {b->batch, b->height, b->width, inner};
    int64_t tokens[] = {b->batch, b->height * b->width, inner};
    pdessm_tensor *az =
        pdessm_build_linear(b, h, c->no_gate ? 1 : 2, "blocks.%d.mixer.in_proj", block);
    pdessm_tensor *a = c->no_gate ? az : pdessm_slice(tape, az, 0);
    pdessm_tensor *m = operate(b, block, pdessm_reshape(tape, a, 4, grid));
    m = pdessm_reshape(tape, m, 3, tokens);
    if (!c->no_gate)
        m = pdessm_gate(tape, m, pdessm_slice(tape, az, 1));
    return pdessm_build_linear(b, m, 1, "blocks.%d.mixer.out_proj", block);
}

/* Softmax attention, the baseline. */
static pdessm_tensor *attention_mixer(const pdessm_builder *b, int block, pdessm_tensor *h) {
    pdessm_tensor *qkv = pdessm_build_linear(b, h, 1, "blocks.%d.attn.qkv", block);
    pdessm_tensor *y = pdessm_attention(b->tape, qkv, b->model->config.heads);
    return pdessm_build_linear(b, y, 1, "blocks.%d.attn.proj", block);
}

pdessm_tensor *pdessm_build_mixer(const pdessm_builder *b, int block, pdessm_tensor *h) {
    return pdessm_config_mixer(&b->model->config, block) == PDESSM_MIXER_ATTENTION
               ? attention_mixer(b, block, h)
               : gated_mixer(b, block, h);
}
