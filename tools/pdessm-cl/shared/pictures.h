/* SPDX-License-Identifier: MIT */
/* pictures.h: generated images and the forms in which they are kept. */
#ifndef PDESSM_CLI_SHARED_PICTURES_H
#define PDESSM_CLI_SHARED_PICTURES_H

#include <pdessm/pdessm.h>

#include "cli.h"

typedef struct cli_pictures {
    int64_t count, channels, height, width;
    float *images;   /* [count, channels, height, width], about in [-1, 1] */
    int32_t *labels; /* [count]; num_classes is the null class */
    int num_classes;
    const char *const *class_names; /* num_classes of them */
    int rows;  /* > 0: image i belongs to class i / (count / rows), each gets a row of its own */
    int scale; /* each pixel becomes scale x scale in a PNG */
} cli_pictures;

/* Refuses a name that says no form, or a place that cannot be written to. */
pdessm_status pdessm_cli_pictures_check(cli *c, const char *path);

/* Makes room for images and labels. */
pdessm_status pdessm_cli_pictures_allocate(cli *c, cli_pictures *p);
void pdessm_cli_pictures_release(cli_pictures *p);

/* Writes a grid (.png), uint8 NHWC with labels (.npz), float32 NCHW (.npy), or one PNG for each
 * image into a folder. */
pdessm_status pdessm_cli_pictures_write(cli *c, const cli_pictures *p, const char *path);

#endif
