/* SPDX-License-Identifier: MIT */
/* terms.c: the terms of a block: where they read from, and how much they blur. */
#include <math.h>
#include <stdlib.h>

#include "kernels.h"

enum { MOST_DOTS = 500, BINS = 24, SMALL_WIDTH = 290, SMALL_HEIGHT = 282 };

typedef struct term {
    double weight, narrow, wide, shift[2]; /* lengths in tokens */
} term;

static int by_weight(const void *a, const void *b) {
    double x = ((const term *)a)->weight, y = ((const term *)b)->weight;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* All terms of a block, heaviest first. */
static pdessm_status list_terms(report *r, const pdessm_mixer_kernel *k, term **ret) {
    int64_t count = k->channels * k->terms;
    term *terms = NULL;
    pdessm_status status = pdessm_alloc(r->c->ctx, (size_t)count, sizeof *terms, &terms);
    if (status != PDESSM_OK)
        return status;
    for (int64_t i = 0; i < count; i++) {
        double widths[2];
        pdessm_mixer_kernel_widths(k->diffusion + 3 * i, widths);
        terms[i] = (term){fabs((double)k->weight[i]),
                          widths[0] * (double)k->height,
                          widths[1] * (double)k->height,
                          {(double)k->convection[2 * i] * (double)k->height,
                           (double)k->convection[2 * i + 1] * (double)k->width}};
    }
    qsort(terms, (size_t)count, sizeof *terms, by_weight);
    *ret = terms;
    return PDESSM_OK;
}

static void print_shifts(report *r, const term *terms, int64_t count, double *x, double *y) {
    for (int64_t i = 0; i < count; i++) {
        x[i] = terms[i].shift[1];
        y[i] = -terms[i].shift[0]; /* up on paper is towards row 0 */
    }
    pdessm_cli_chart_print(&(cli_chart){.title = "Shifts b",
                                        .x_title = "tokens to the right",
                                        .y_title = "tokens up",
                                        .x_axis = CHART_SYMMETRIC,
                                        .y_axis = CHART_SYMMETRIC,
                                        .square = 1,
                                        .width = SMALL_WIDTH,
                                        .height = SMALL_HEIGHT,
                                        .series = 1,
                                        .one = {{NULL, 0, CHART_DOTS, count, x, y}}},
                           r->page.f);
}

static void print_widths(report *r, const term *terms, int64_t count, double *x, double *y) {
    for (int64_t i = 0; i < count; i++) {
        x[i] = terms[i].narrow;
        y[i] = terms[i].wide;
    }
    pdessm_cli_chart_print(&(cli_chart){.title = "Blur widths sqrt(2K)",
                                        .x_title = "narrow axis, tokens",
                                        .y_title = "wide axis, tokens",
                                        .x_axis = CHART_LOG,
                                        .y_axis = CHART_LOG,
                                        .square = 1,
                                        .width = SMALL_WIDTH,
                                        .height = SMALL_HEIGHT,
                                        .series = 1,
                                        .one = {{NULL, 1, CHART_DOTS, count, x, y}}},
                           r->page.f);
}

/* Shares of the terms by the mean width of their two axes, over bins of equal ratio. */
static void count_widths(const term *terms, int64_t count, const double *edge, double *ret) {
    double ratio = log(edge[BINS] / edge[0]);
    for (int i = 0; i < BINS; i++)
        ret[i] = 0;
    for (int64_t i = 0; i < count; i++) {
        double width = sqrt(terms[i].narrow * terms[i].wide);
        int bin = (int)(BINS * log(width / edge[0]) / ratio);
        ret[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin] += 100.0 / (double)count;
    }
}

static void widen_edges(const term *terms, int64_t count, double range[2]) {
    for (int64_t i = 0; i < count; i++) {
        double width = sqrt(terms[i].narrow * terms[i].wide);
        range[0] = fmin(range[0], width);
        range[1] = fmax(range[1], width * 1.0001);
    }
}

static void print_histogram(report *r, const term *now, const term *start, int64_t count) {
    double edge[BINS + 1], share[2][BINS], range[2] = {INFINITY, 0}, middle[BINS];
    widen_edges(now, count, range);
    if (start)
        widen_edges(start, count, range);
    for (int i = 0; i <= BINS; i++)
        edge[i] = range[0] * pow(range[1] / range[0], (double)i / BINS);
    for (int i = 0; i < BINS; i++)
        middle[i] = sqrt(edge[i] * edge[i + 1]);
    cli_chart chart = {.title = "Blur widths of all terms",
                       .x_title = "width, tokens",
                       .y_title = "% of terms",
                       .x_axis = CHART_LOG,
                       .y_axis = CHART_FROM_ZERO,
                       .width = SMALL_WIDTH,
                       .height = SMALL_HEIGHT,
                       .series = 1,
                       .one = {{"now", 0, CHART_BARS, BINS, edge, share[0]}}};
    count_widths(now, count, edge, share[0]);
    if (start) {
        count_widths(start, count, edge, share[1]);
        chart.one[chart.series++] =
            (chart_series){"at the start", 1, CHART_LINE, BINS, middle, share[1]};
    }
    pdessm_cli_chart_print(&chart, r->page.f);
}

pdessm_status pdessm_cli_report_terms(report *r, const pdessm_mixer_kernel *now,
                                      const pdessm_mixer_kernel *start) {
    int64_t count = now->channels * now->terms, dots = count < MOST_DOTS ? count : MOST_DOTS;
    term *terms = NULL, *earlier = NULL;
    double *x = NULL, *y = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(list_terms(r, now, &terms));
    if (start)
        PDESSM_TRY(list_terms(r, start, &earlier));
    PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)dots, sizeof *x, &x));
    PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)dots, sizeof *y, &y));
    print_shifts(r, terms, dots, x, y);
    print_widths(r, terms, dots, x, y);
    print_histogram(r, terms, earlier, count);
out:
    free(terms);
    free(earlier);
    free(x);
    free(y);
    return status;
}
