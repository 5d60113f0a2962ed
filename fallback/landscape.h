/* SPDX-License-Identifier: MIT */
/* landscape.h: what the operator landscape in plain C is asked for. */
#ifndef PDESSM_FALLBACK_LANDSCAPE_H
#define PDESSM_FALLBACK_LANDSCAPE_H

#include <stdint.h>

/* Numbered as in pdessm/ops.h, which this folder does not know; tests/ops/landscape.c
 * compares. */
enum {
    SHAPE_SQUARE,
    SHAPE_LOG,
    SHAPE_RATIO,
    SHAPE_ACKLEY,
    SHAPE_RASTRIGIN,
    SHAPE_GRIEWANK,
    SHAPE_LEVY,
    SHAPE_ALPINE1,
    SHAPE_STYBLINSKI_TANG,
    SHAPE_SCHWEFEL,
    SHAPE_COUNT
};

typedef struct pdessm_landscape_job {
    int64_t rows, columns;
    int function; /* one of these */
    double weight, width;
} pdessm_landscape_job;

#endif
