/* SPDX-License-Identifier: MIT */
/* chart.h: lines, dots and histograms over two axes as inline SVG; colours are the page's. */
#ifndef PDESSM_CLI_SHARED_CHART_H
#define PDESSM_CLI_SHARED_CHART_H

#include <stdint.h>
#include <stdio.h>

#include "cli.h"

typedef enum chart_form {
    CHART_LINE, /* x rises; a point that is not finite leaves a gap */
    CHART_THIN, /* the same, behind a line that matters more */
    CHART_DOTS,
    CHART_BARS, /* bar i goes from x[i] to x[i + 1] and up to y[i]; x has count + 1 entries */
} chart_form;

typedef struct chart_series {
    const char *name; /* NULL: not in the legend */
    int colour;       /* 0 to 5 */
    chart_form form;
    int64_t count;
    const double *x, *y;
} chart_series;

typedef enum chart_axis {
    CHART_LINEAR,
    CHART_FROM_ZERO,
    CHART_LOG,       /* values that are not positive are left out */
    CHART_SYMMETRIC, /* from -a to a */
} chart_axis;

enum { CHART_MOST_SERIES = 8 };

typedef struct cli_chart {
    const char *title, *note; /* note: NULL for none */
    const char *x_title, *y_title;
    chart_axis x_axis, y_axis;
    int square;        /* both axes have one range and one scale */
    int width, height; /* of the drawing, in pixels of 12-pixel text; 0: 640 x 260 */
    int series;
    chart_series one[CHART_MOST_SERIES];
} cli_chart;

/* Nothing at all for a chart without a point to show; 0 says so. */
int pdessm_cli_chart_print(const cli_chart *chart, FILE *f);

#endif
