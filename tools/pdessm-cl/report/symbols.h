/* SPDX-License-Identifier: MIT */
/* symbols.h: what the mixers of a network have learnt, in physical units and as impulse responses.
 */
#ifndef PDESSM_CLI_REPORT_SYMBOLS_H
#define PDESSM_CLI_REPORT_SYMBOLS_H

#include <pdessm/model.h>

#include "shared/cli.h"

typedef enum cli_kernel_kind {
    CLI_KERNEL_NONE,   /* attention: no kernel of its own */
    CLI_KERNEL_PDE,    /* everything below but the window */
    CLI_KERNEL_SYMBOL, /* a free filter: the symbol alone */
    CLI_KERNEL_WINDOW, /* a convolution: the window alone; height and width are its own, 3 */
} cli_kernel_kind;

/* One block, from the operators that the network itself runs, on the periodic image also where the
 * network pads. Lengths are in image sides. What its mixer has not is NULL; what a configuration
 * leaves out of the equation is zero. */
typedef struct cli_kernels {
    cli_kernel_kind kind;
    int64_t channels, terms;
    int64_t height, width; /* of the token grid */
    float *diffusion;      /* [channels, terms, 3]: kyy, kxy, kxx */
    float *convection;     /* [channels, terms, 2]: by, bx */
    float *reaction;       /* [channels, terms] */
    float *weight;         /* [channels, terms] */
    float *skip;           /* [channels] */
    float *symbol;         /* [height, width/2 + 1, channels, 2] */
    float *window;         /* [channels, 3, 3] */
} cli_kernels;

pdessm_status pdessm_cli_kernels_read(cli *c, pdessm_model *model, int block, cli_kernels *ret);
void pdessm_cli_kernels_release(cli_kernels *k);

/* Blur widths sqrt(2 K) along both principal axes of one term, smaller one first. */
void pdessm_cli_kernel_widths(const float diffusion[3], double ret[2]);

/* Least, median and largest over all terms of a block. */
typedef struct cli_range {
    double least, median, most;
} cli_range;

typedef struct cli_kernel_ranges {
    cli_range width;  /* sqrt(2 K) along both principal axes, in image sides */
    cli_range shift;  /* |b|, in image sides */
    cli_range decay;  /* e^r: what is left of the mean */
    cli_range weight; /* |w| */
} cli_kernel_ranges;

/* Of a block of kind CLI_KERNEL_PDE. */
pdessm_status pdessm_cli_kernel_measure(cli *c, const cli_kernels *k, cli_kernel_ranges *ret);

/* How much one channel mixes: the sum of the squares of what it gathers, below. */
double pdessm_cli_kernel_energy(const cli_kernels *k, int64_t channel);

/* What one channel gathers: y(p) = sum over shifts d of ret[d] u(p + d), without the skip;
 * [height, width], shifts wrap around. `scratch` has room for 2 height (width/2 + 1) numbers. */
void pdessm_cli_kernel_gather(const cli_kernels *k, int64_t channel, double *scratch, double *ret);

#endif
