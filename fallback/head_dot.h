/* SPDX-License-Identifier: MIT */
/* head_dot.h: what head_dot works on. */
#ifndef PDESSM_FALLBACK_HEAD_DOT_H
#define PDESSM_FALLBACK_HEAD_DOT_H

#include <stdint.h>

typedef struct pdessm_head_dot_job {
    int64_t rows, heads, width; /* heads * width channels */
} pdessm_head_dot_job;

#endif
