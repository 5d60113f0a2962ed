/* SPDX-License-Identifier: MIT */
/* chart.c: axes, and what is drawn over them. */
#include "chart.h"

#include <math.h>

#include "page.h"

/* Pixels of the drawing's own coordinates; the page scales it. */
enum { LEFT = 52, RIGHT = 14, TOP = 22, BOTTOM = 36, MOST_TICKS = 64 };

/* One axis: value -> pixel is place + scale * (log10 of) value. */
typedef struct axis {
    int log, ticks;
    double least, most; /* of what is shown; logarithms for a logarithmic axis */
    double from, to;    /* pixels */
    double tick[MOST_TICKS];
} axis;

typedef struct drawing {
    const cli_chart *chart;
    FILE *f;
    axis x, y;
    int width, height;
} drawing;

static double position(const axis *a, double value) {
    double v = a->log ? log10(value) : value;
    return a->from + (v - a->least) / (a->most - a->least) * (a->to - a->from);
}

static int shows(const axis *a, double value) {
    return isfinite(value) && (!a->log || value > 0);
}

/* ------------------------------------------------------------------ ranges and ticks */

static void widen(axis *a, double value) {
    if (!shows(a, value))
        return;
    double v = a->log ? log10(value) : value;
    a->least = fmin(a->least, v);
    a->most = fmax(a->most, v);
}

/* A range of no width becomes one; data keep off the frame, except where lines begin and end. */
static void finish_range(axis *a, chart_axis kind, int tight) {
    if (kind == CHART_FROM_ZERO)
        a->least = fmin(a->least, 0);
    if (kind == CHART_SYMMETRIC) {
        a->most = fmax(fabs(a->least), fabs(a->most));
        a->least = -a->most;
    }
    double margin = 0.04 * (a->most - a->least);
    if (!(margin > 0))
        margin = a->log ? 0.1 : fmax(0.05 * fabs(a->most), 1e-12);
    else if (tight)
        return;
    a->least -= kind == CHART_FROM_ZERO && a->least >= 0 ? 0 : margin;
    a->most += margin;
}

static void add_tick(axis *a, double value) {
    double v = a->log ? log10(value) : value;
    if (a->ticks < MOST_TICKS && v >= a->least - 1e-9 && v <= a->most + 1e-9)
        a->tick[a->ticks++] = value;
}

/* Multiples of 1, 2 or 5 times a power of ten, about `wanted` of them. */
static void linear_ticks(axis *a, int wanted) {
    double step = (a->most - a->least) / wanted, power = pow(10, floor(log10(step)));
    double share = step / power;
    step = power * (share > 7 ? 10 : share > 3.5 ? 5 : share > 1.5 ? 2 : 1);
    for (double i = ceil(a->least / step); i * step <= a->most; i++)
        add_tick(a, i * step + 0.0); /* no -0 */
}

static void log_ticks(axis *a, int wanted) {
    double decades = a->most - a->least;
    int stride = 1 + (int)(decades / wanted);
    if (decades < 0.3) { /* hardly curved: as on a linear axis */
        axis plain = {.least = pow(10, a->least), .most = pow(10, a->most)};
        linear_ticks(&plain, wanted);
        for (int i = 0; i < plain.ticks; i++)
            add_tick(a, plain.tick[i]);
        return;
    }
    for (int e = (int)floor(a->least); e <= (int)ceil(a->most); e += stride) {
        add_tick(a, pow(10, e));
        if (3 * decades <= 2.4 * wanted) {
            add_tick(a, 2 * pow(10, e));
            add_tick(a, 5 * pow(10, e));
        }
    }
}

/* 0 when there is nothing to show. */
static int measure(drawing *d) {
    const cli_chart *c = d->chart;
    d->x = (axis){.log = c->x_axis == CHART_LOG, .least = INFINITY, .most = -INFINITY};
    d->y = (axis){.log = c->y_axis == CHART_LOG, .least = INFINITY, .most = -INFINITY};
    for (int s = 0; s < c->series; s++)
        for (int64_t i = 0; i < c->one[s].count; i++) {
            const chart_series *o = &c->one[s];
            if (!shows(&d->x, o->x[i]) || !shows(&d->y, o->y[i]))
                continue;
            widen(&d->x, o->x[i]);
            widen(&d->y, o->y[i]);
            if (o->form == CHART_BARS)
                widen(&d->x, o->x[i + 1]);
        }
    if (!(d->x.least <= d->x.most) || !(d->y.least <= d->y.most))
        return 0;
    if (c->square) {
        d->x.least = d->y.least = fmin(d->x.least, d->y.least);
        d->x.most = d->y.most = fmax(d->x.most, d->y.most);
    }
    finish_range(&d->x, c->x_axis, c->one[0].form != CHART_DOTS);
    finish_range(&d->y, c->y_axis, 0);
    d->x.from = LEFT;
    d->x.to = d->width - RIGHT;
    d->y.from = d->height - BOTTOM;
    d->y.to = TOP;
    int across = d->width / 90, up = d->height / 45;
    (d->x.log ? log_ticks : linear_ticks)(&d->x, across);
    (d->y.log ? log_ticks : linear_ticks)(&d->y, up);
    return 1;
}

/* ------------------------------------------------------------------ drawing */

static void print_axes(const drawing *d) {
    const axis *x = &d->x, *y = &d->y;
    for (int i = 0; i < x->ticks; i++)
        fprintf(d->f,
                "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/><text class=\"tick\" x=\"%.1f\" "
                "y=\"%.1f\">%g</text>\n",
                position(x, x->tick[i]), y->from, y->to, position(x, x->tick[i]), y->from + 15,
                x->tick[i]);
    for (int i = 0; i < y->ticks; i++)
        fprintf(d->f,
                "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/><text class=\"side\" x=\"%.1f\" "
                "y=\"%.1f\">%g</text>\n",
                x->from, position(y, y->tick[i]), x->to, x->from - 6, position(y, y->tick[i]) + 4,
                y->tick[i]);
    fprintf(d->f, "<text class=\"axis\" x=\"%d\" y=\"12\">", 4);
    pdessm_cli_page_escape(d->f, d->chart->y_title);
    fprintf(d->f, "</text><text class=\"axis\" text-anchor=\"end\" x=\"%.1f\" y=\"%d\">", x->to,
            d->height - 4);
    pdessm_cli_page_escape(d->f, d->chart->x_title);
    fputs("</text>\n", d->f);
}

/* A line of a thousand points a pixel would make the page large and look the same, so each column
 * of pixels keeps its first, least, largest and last point, in their order. */
static void print_column(const drawing *d, const chart_series *s, int64_t begin, int64_t end,
                         int *pen_down) {
    int64_t low = begin, high = begin;
    for (int64_t i = begin; i < end; i++) {
        low = s->y[i] < s->y[low] ? i : low;
        high = s->y[i] > s->y[high] ? i : high;
    }
    const int64_t order[] = {begin, low < high ? low : high, low < high ? high : low, end - 1};
    for (int k = 0; k < 4; k++) {
        if (k > 0 && order[k] == order[k - 1])
            continue;
        fprintf(d->f, "%c%.1f %.1f", *pen_down ? 'L' : 'M', position(&d->x, s->x[order[k]]),
                position(&d->y, s->y[order[k]]));
        *pen_down = 1;
    }
}

static int visible(const drawing *d, const chart_series *s, int64_t i) {
    return shows(&d->x, s->x[i]) && shows(&d->y, s->y[i]);
}

static void print_path(const drawing *d, const chart_series *s) {
    int pen_down = 0;
    fprintf(d->f, "<path class=\"%s s%d\" d=\"", s->form == CHART_THIN ? "thin" : "line",
            s->colour);
    for (int64_t begin = 0, end; begin < s->count; begin = end) {
        end = begin + 1;
        if (!visible(d, s, begin)) {
            pen_down = 0;
            continue;
        }
        double column = floor(position(&d->x, s->x[begin]));
        while (end < s->count && visible(d, s, end) && floor(position(&d->x, s->x[end])) <= column)
            end++;
        print_column(d, s, begin, end, &pen_down);
    }
    fputs("\"/>\n", d->f);
}

static void print_dots(const drawing *d, const chart_series *s) {
    double radius = s->count > 2000 ? 1.3 : s->count > 300 ? 1.8 : 2.8;
    fprintf(d->f, "<g class=\"dot s%d\">", s->colour);
    for (int64_t i = 0; i < s->count; i++)
        if (visible(d, s, i))
            fprintf(d->f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>", position(&d->x, s->x[i]),
                    position(&d->y, s->y[i]), radius);
    fputs("</g>\n", d->f);
}

static void print_bars(const drawing *d, const chart_series *s) {
    fprintf(d->f, "<g class=\"bars s%d\">", s->colour);
    for (int64_t i = 0; i < s->count; i++) {
        double left = position(&d->x, s->x[i]), right = position(&d->x, s->x[i + 1]);
        double top = position(&d->y, s->y[i]);
        if (s->y[i] > 0)
            fprintf(d->f,
                    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">"
                    "<title>%.3g to %.3g: %g</title></rect>",
                    left, top, fmax(right - left - 1, 1), d->y.from - top, s->x[i], s->x[i + 1],
                    s->y[i]);
    }
    fputs("</g>\n", d->f);
}

static void print_legend(const cli_chart *c, FILE *f) {
    fputs("<p class=\"legend\">", f);
    for (int i = 0; i < c->series; i++)
        if (c->one[i].name) {
            fprintf(f, "<span><i class=\"s%d%s\"></i>", c->one[i].colour,
                    c->one[i].form == CHART_THIN ? " faint" : "");
            pdessm_cli_page_escape(f, c->one[i].name);
            fputs("</span>", f);
        }
    fputs("</p>\n", f);
}

static void print_series(const drawing *d, const chart_series *s) {
    if (s->form == CHART_DOTS || (s->form != CHART_BARS && s->count == 1))
        print_dots(d, s); /* a line of one point would be invisible */
    else if (s->form == CHART_BARS)
        print_bars(d, s);
    else
        print_path(d, s);
}

int pdessm_cli_chart_print(const cli_chart *c, FILE *f) {
    drawing d = {.chart = c,
                 .f = f,
                 .width = c->width ? c->width : 640,
                 .height = c->height ? c->height : 260};
    int named = 0;
    if (!measure(&d))
        return 0;
    for (int i = 0; i < c->series; i++)
        named += c->one[i].name != NULL;
    fputs("<section class=\"chart\">", f);
    pdessm_cli_page_element(f, "h3", NULL, c->title);
    if (c->note)
        pdessm_cli_page_element(f, "p", "note", c->note);
    if (named > 1)
        print_legend(c, f);
    fprintf(f, "\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", d.width, d.height);
    pdessm_cli_page_escape(f, c->title);
    fputs("\">\n", f);
    print_axes(&d);
    for (int i = 0; i < c->series; i++)
        print_series(&d, &c->one[i]);
    fputs("</svg></section>\n", f);
    return 1;
}
