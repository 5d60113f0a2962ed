/* SPDX-License-Identifier: MIT */
/* batch_norm.h: what batch_norm works on. */
#ifndef PDESSM_FALLBACK_BATCH_NORM_H
#define PDESSM_FALLBACK_BATCH_NORM_H

#include <stdint.h>

typedef struct pdessm_batch_norm_job {
    int64_t rows, channels;
    int training; /* 0: mean and variance are given */
    double momentum, epsilon;
} pdessm_batch_norm_job;

#endif
