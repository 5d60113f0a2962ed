/* SPDX-License-Identifier: MIT */
/* chart.c: horizontal bars as inline SVG. Colours come from the page's style sheet. */
#include "chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/page.h"
#include "shared/print.h"

/* Pixels of the drawing's own coordinates; the page scales it. */
enum { WIDTH = 860, LABELS = 210, VALUES = 90, BAR = 13, BETWEEN = 3, GROUP = 11, TOP = 6 };

void pdessm_cli_bench_chart_add(bench_chart *chart, const bench_bar *bar) {
    if (!isfinite(bar->value))
        return;
    size_t bytes = ((size_t)chart->bars + 1) * sizeof *chart->bar;
    chart->bar = pdessm_cli_need(realloc(chart->bar, bytes));
    chart->bar[chart->bars++] = *bar;
}

/* 1, 2 or 5 times a power of ten: about five lines of the grid. */
static double tick_of(double most) {
    double power = pow(10, floor(log10(most / 5)));
    double share = most / 5 / power;
    return power * (share > 5 ? 10 : share > 2 ? 5 : share > 1 ? 2 : 1);
}

static int begins_group(const bench_chart *c, int i) {
    return i == 0 || strcmp(c->bar[i].label, c->bar[i - 1].label) != 0;
}

static int height_of(const bench_chart *c) {
    int height = TOP;
    for (int i = 0; i < c->bars; i++)
        height += BAR + BETWEEN + (i > 0 && begins_group(c, i) ? GROUP - BETWEEN : 0);
    return height;
}

static void print_legend(const bench_chart *c, FILE *stream) {
    if (c->series < 2)
        return;
    fputs("<p class=\"legend\">", stream);
    for (int i = 0; i < c->series; i++) {
        fprintf(stream, "<span><i class=\"s%d\"></i>", i);
        pdessm_cli_page_escape(stream, c->name[i]);
        fputs("</span>", stream);
    }
    fputs("</p>\n", stream);
}

static void print_grid(const bench_chart *c, FILE *stream, double most, double scale, int bottom) {
    double tick = tick_of(most);
    for (int i = 0; i * tick <= most * 1.0001; i++)
        fprintf(stream,
                "<path class=\"grid\" d=\"M%.1f %dV%d\"/>"
                "<text class=\"tick\" x=\"%.1f\" y=\"%d\">%s</text>\n",
                LABELS + i * tick * scale, TOP, bottom, LABELS + i * tick * scale, bottom + 14,
                c->unit == BENCH_SHARE ? pdessm_cli_bench_format(BENCH_SHARE, i * tick).text
                                       : pdessm_cli_bench_words_cell("%g", i * tick).text);
    if (c->reference > 0)
        fprintf(stream, "<path class=\"reference\" d=\"M%.1f %dV%d\"/>\n",
                LABELS + c->reference * scale, TOP, bottom);
}

static void print_bar(const bench_chart *c, FILE *stream, const bench_bar *b, double scale, int y,
                      int labelled) {
    double end = LABELS + b->value * scale, after = end;
    if (labelled) {
        fprintf(stream, "<text class=\"label\" x=\"%d\" y=\"%d\">", LABELS - 8, y + BAR - 3);
        pdessm_cli_page_escape(stream, b->label);
        fputs("</text>", stream);
    }
    fprintf(stream, "<rect class=\"s%d\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"><title>",
            b->series, LABELS, y, fmax(end - LABELS, 1), BAR);
    pdessm_cli_page_escape(stream, b->label);
    fputs(" ", stream);
    pdessm_cli_page_escape(stream, c->name[b->series] ? c->name[b->series] : "");
    fprintf(stream, ": %s</title></rect>", pdessm_cli_bench_format(c->unit, b->value).text);
    if (isfinite(b->low) && isfinite(b->high)) {
        after = fmax(end, LABELS + b->high * scale);
        fprintf(stream, "<path class=\"spread\" d=\"M%.1f %dH%.1f\"/>", LABELS + b->low * scale,
                y + BAR / 2, LABELS + b->high * scale);
    }
    fprintf(stream, "<text class=\"value\" x=\"%.1f\" y=\"%d\">%s</text>\n", after + 5, y + BAR - 3,
            pdessm_cli_bench_format(c->unit, b->value).text);
}

void pdessm_cli_bench_chart_print(bench_chart *c, FILE *stream) {
    double most = c->reference;
    int bottom = height_of(c), y = TOP;
    for (int i = 0; i < c->bars; i++)
        most = fmax(most, fmax(c->bar[i].value, isfinite(c->bar[i].high) ? c->bar[i].high : 0));
    if (c->bars == 0 || !(most > 0))
        goto out;
    double scale = (WIDTH - LABELS - VALUES) / most;
    fputs("<section class=\"chart\"><h2>", stream);
    pdessm_cli_page_escape(stream, c->title);
    fputs("</h2>\n<p class=\"note\">", stream);
    pdessm_cli_page_escape(stream, c->note);
    fputs("</p>\n", stream);
    print_legend(c, stream);
    fprintf(stream, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, bottom + 20);
    pdessm_cli_page_escape(stream, c->title);
    fputs("\">\n", stream);
    print_grid(c, stream, most, scale, bottom);
    for (int i = 0; i < c->bars; i++) {
        int first = begins_group(c, i);
        y += i == 0 ? 0 : BAR + (first ? GROUP : BETWEEN);
        print_bar(c, stream, &c->bar[i], scale, y, first);
    }
    fputs("</svg></section>\n", stream);
out:
    free(c->bar);
    c->bar = NULL;
    c->bars = 0;
}
