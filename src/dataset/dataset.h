/* SPDX-License-Identifier: MIT */
/* dataset.h: inside of a set of images in memory.
 *
 * The room `dataset` finds and reads sets of images, brings them to one size, and changes them for
 * training. It knows the formats by their readers in `files`, and neither devices nor networks. */
#ifndef PDESSM_DATASET_DATASET_H
#define PDESSM_DATASET_DATASET_H

#include <pdessm/data.h>

#include "core/context.h"

struct pdessm_dataset {
    pdessm_dataset_info info;
    void *pixels;    /* [count, channels, height, width] */
    int32_t *labels; /* [count] or NULL */
    char **names;    /* info.class_names */
};

/* Gives back names[0 .. count - 1] and the list; NULL is fine. */
void pdessm_names_release(char **names, int64_t count);

#endif
