/* SPDX-License-Identifier: MIT */
/* landscape.h: what the operator landscape in plain C is asked for. */
#ifndef PDESSM_FALLBACK_LANDSCAPE_H
#define PDESSM_FALLBACK_LANDSCAPE_H

#include <pdessm/ops.h>

typedef struct pdessm_landscape_job {
    int64_t rows, columns;
    pdessm_landscape_function function;
    double weight, width;
} pdessm_landscape_job;

#endif
