/* SPDX-License-Identifier: MIT */
/* attention.h: what attention works on. */
#ifndef PDESSM_FALLBACK_ATTENTION_H
#define PDESSM_FALLBACK_ATTENTION_H

#include <stdint.h>

/* y = softmax(q k^T / sqrt(width)) v for each head: qkv is [batch, tokens, 3, heads, width],
 * y [batch, tokens, heads, width], lse [batch, heads, tokens] the logarithms of the softmax's
 * denominators. */
typedef struct pdessm_attention_job {
    int64_t batch, tokens, heads, width;
    const float *qkv;
} pdessm_attention_job;

#endif
