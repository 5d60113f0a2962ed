/* SPDX-License-Identifier: MIT */
/* attention_mixer.c: softmax attention in the mixer's slot, the baseline. */
#include "model/model.h"

pdessm_tensor *pdessm_build_attention_mixer(const pdessm_builder *b, int block, pdessm_tensor *h) {
    pdessm_tensor *qkv = pdessm_build_linear(b, h, 1, "blocks.%d.attn.qkv", block);
    pdessm_tensor *y = pdessm_attention(b->tape, qkv, b->model->config.heads);
    return pdessm_build_linear(b, y, 1, "blocks.%d.attn.proj", block);
}
