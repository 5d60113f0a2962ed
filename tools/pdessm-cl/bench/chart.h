/* SPDX-License-Identifier: MIT */
/* chart.h: horizontal bars as inline SVG. */
#ifndef PDESSM_CLI_BENCH_CHART_H
#define PDESSM_CLI_BENCH_CHART_H

#include "columns.h"

enum { BENCH_MOST_SERIES = 6 };

/* One bar; consecutive bars with the same label stand together. */
typedef struct bench_bar {
    const char *label;
    int series;
    double value, low, high; /* low, high: NAN when there is no spread */
} bench_bar;

typedef struct bench_chart {
    const char *title, *note;
    bench_unit unit;
    double reference; /* a dashed line; 0: none */
    int series;
    const char *name[BENCH_MOST_SERIES];
    int bars;
    bench_bar *bar; /* grown by add, released by print */
} bench_chart;

/* Bars without a finite value are left out. */
void pdessm_cli_bench_chart_add(bench_chart *chart, const bench_bar *bar);
/* Nothing at all for a chart without bars. */
void pdessm_cli_bench_chart_print(bench_chart *chart, FILE *stream);

#endif
