/* SPDX-License-Identifier: MIT */
/* dropout.h: what dropout works on. */
#ifndef PDESSM_FALLBACK_DROPOUT_H
#define PDESSM_FALLBACK_DROPOUT_H

#include <stdint.h>

typedef struct pdessm_dropout_job {
    int64_t rows, channels;
    float rate;
    int rectify;          /* ReLU too */
    uint32_t first_block; /* of the layer's numbers */
    const int32_t *node;  /* [rows] names */
    const int32_t *clock; /* [3] seed (low, high half) and step */
} pdessm_dropout_job;

#endif
