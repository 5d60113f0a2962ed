/* SPDX-License-Identifier: MIT */
/* spectral_filter_plan.h: how the one-pass kernels of spectral_filter are built and cut. */
#ifndef PDESSM_OPS_SPECTRAL_FILTER_PLAN_H
#define PDESSM_OPS_SPECTRAL_FILTER_PLAN_H

#include "device/tuning.h"

/* Operands, and extents of u [batch, height, width, channels]; half = width/2 + 1. */
enum { PDESSM_FILTER_U, PDESSM_FILTER_SYMBOL, PDESSM_FILTER_Y };

typedef struct pdessm_filter_extents {
    int64_t batch, height, width, channels, half;
} pdessm_filter_extents;

pdessm_filter_extents pdessm_filter_extents_of(const pdessm_call *call);

typedef struct pdessm_filter_plan {
    char options[320];    /* build options; see cl/spectral_filter.cl */
    int64_t tiles, group; /* work-groups for all channels of an image, work-items of a group */
    int64_t parts;        /* backward: pieces of the batch, each with its own partial sums */
    size_t scratch_bytes;
} pdessm_filter_plan;

/* 0 if no plane of the image fits one work-group, or a side has a long prime. */
int pdessm_filter_plan_make(const pdessm_site *site, pdessm_filter_plan *ret);

extern const pdessm_tunable pdessm_filter_tunable;

#endif
