/* SPDX-License-Identifier: MIT */
/* curves.c: how the training went: log.csv and accuracy.csv as curves with their tables. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "shared/print.h"

enum { TABLE_ROWS = 9 };

/* One column of a file over the steps. */
typedef struct curve {
    const char *column, *title, *note;
    chart_axis axis;
    const char *format; /* of a number in the table */
    int smooth;
} curve;

/* ------------------------------------------------------------------ averages */

/* Exponential average over steps with time constant `span`; steps may be uneven, and values that
 * are not finite (skipped steps) do not count. Dividing by the weights so far takes the pull
 * towards zero out of the beginning. */
static void average(const double *step, const double *value, int64_t count, double span,
                    double *ret) {
    double sum = 0, weight = 0;
    for (int64_t i = 0; i < count; i++) {
        double since = i > 0 ? step[i] - step[i - 1] : count > 1 ? step[1] - step[0] : 1;
        double keep = exp(-fmax(since, 0) / span);
        if (isfinite(value[i])) {
            sum = keep * sum + (1 - keep) * value[i];
            weight = keep * weight + (1 - keep);
        }
        ret[i] = weight > 0 ? sum / weight : NAN;
    }
}

/* A fiftieth of the run, but never less than five lines: else the average would be the line. */
static double span_of(const double *step, int64_t count) {
    double length = step[count - 1] - step[0];
    return fmax(fmax(length / 50, 5 * length / (double)(count > 1 ? count - 1 : 1)), 1);
}

/* A loss that falls by much shows its end on a logarithmic axis only. */
static chart_axis axis_of(const curve *k, const double *value, int64_t count) {
    double least = INFINITY, most = 0;
    for (int64_t i = 0; i < count; i++)
        if (isfinite(value[i])) {
            least = fmin(least, value[i]);
            most = fmax(most, value[i]);
        }
    return k->axis == CHART_LOG && !(least > 0 && most > 4 * least) ? CHART_LINEAR : k->axis;
}

/* ------------------------------------------------------------------ one curve */

static void print_number(FILE *f, const char *format, double value) {
    char text[64];
    if (isfinite(value))
        snprintf(text, sizeof text, format, value);
    else
        snprintf(text, sizeof text, "skipped");
    pdessm_cli_page_cell(f, "n", text);
}

static void print_table(FILE *f, const curve *k, const double *step, const double *value,
                        const double *smooth, int64_t count) {
    int64_t rows = count < TABLE_ROWS ? count : TABLE_ROWS;
    fputs("<div class=\"scroll\"><table><thead><tr><th class=\"n\">step</th>", f);
    pdessm_cli_page_element(f, "th", "n", k->title);
    fputs(smooth ? "<th class=\"n\">average</th></tr></thead><tbody>\n" : "</tr></thead><tbody>\n",
          f);
    for (int64_t r = 0; r < rows; r++) {
        int64_t i = rows > 1 ? (count - 1) * r / (rows - 1) : 0;
        fputs("<tr>", f);
        print_number(f, "%.0f", step[i]);
        print_number(f, k->format, value[i]);
        if (smooth)
            print_number(f, k->format, smooth[i]);
        fputs("</tr>\n", f);
    }
    fputs("</tbody></table></div>\n", f);
}

static pdessm_status print_curve(report *r, const pdessm_run_log *log, const curve *k) {
    const double *step = pdessm_run_log_column(log, "step");
    const double *value = pdessm_run_log_column(log, k->column);
    FILE *f = r->page.f;
    double *smooth = NULL;
    pdessm_status status = PDESSM_OK;
    if (!step || !value)
        return PDESSM_OK;
    cli_chart chart = {.title = k->title,
                       .note = k->note,
                       .x_title = "step",
                       .y_title = k->title,
                       .y_axis = axis_of(k, value, log->rows),
                       .series = 1};
    chart.one[0] = (chart_series){NULL, 0, CHART_LINE, log->rows, step, value};
    if (k->smooth && log->rows > 10) {
        double span = span_of(step, log->rows);
        PDESSM_TRY(pdessm_alloc(r->c->ctx, (size_t)log->rows, sizeof *smooth, &smooth));
        average(step, value, log->rows, span, smooth);
        chart.one[0].form = CHART_THIN;
        chart.one[0].name = "each line of the log";
        chart.one[chart.series++] =
            (chart_series){pdessm_cli_text(r->c, "average over about %.0f steps", span),
                           0,
                           CHART_LINE,
                           log->rows,
                           step,
                           smooth};
    }
    fputs("<div class=\"beside\">", f);
    if (pdessm_cli_chart_print(&chart, f))
        print_table(f, k, step, value, smooth, log->rows);
    fputs("</div>\n", f);
out:
    free(smooth);
    return status;
}

/* ------------------------------------------------------------------ all of them */

/* Whatever else a file has by step is drawn under its own name. */
static pdessm_status print_others(report *r, const pdessm_run_log *log, const curve *known,
                                  int count) {
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < log->columns; i++) {
        curve k = {log->name[i], log->name[i], NULL, CHART_LINEAR, "%.5g", 0};
        int listed = strcmp(log->name[i], "step") == 0;
        for (int j = 0; j < count; j++)
            listed |= strcmp(log->name[i], known[j].column) == 0;
        if (!listed)
            PDESSM_TRY(print_curve(r, log, &k));
    }
out:
    return status;
}

pdessm_status pdessm_cli_report_curves(report *r) {
    static const curve curves[] = {
        {"loss", "loss", "The mean over the steps of each line of the log.", CHART_LOG, "%.4f", 1},
        {"gradient_norm", "gradient norm", "Before clipping.", CHART_LOG, "%.4g", 1},
        {"learning_rate", "learning rate", NULL, CHART_FROM_ZERO, "%.3g", 0},
        {"images_per_second", "images per second", "Training alone, without saving and drawing.",
         CHART_FROM_ZERO, "%.0f", 1},
        {"wall_seconds", "wall seconds", NULL, CHART_FROM_ZERO, "%.1f", 0},
        {"memory_bytes", "memory, bytes at the peak", NULL, CHART_FROM_ZERO, "%.4g", 0},
    };
    enum { SHOWN = 4 }; /* the others are in the head of the page */
    pdessm_status status = PDESSM_OK;
    fputs("<h2>Training</h2>\n", r->page.f);
    if (r->log.cut_off)
        fputs("<p class=\"warn\">The last line of log.csv is half written and left out: the run "
              "was killed, or is writing it just now.</p>\n",
              r->page.f);
    for (int i = 0; i < SHOWN; i++)
        PDESSM_TRY(print_curve(r, &r->log, &curves[i]));
    PDESSM_TRY(print_others(r, &r->log, curves, CLI_COUNT(curves)));
    if (r->accuracy.rows) {
        fputs("<h2>Accuracy</h2>\n", r->page.f);
        PDESSM_TRY(print_others(r, &r->accuracy, NULL, 0));
    }
out:
    return status;
}
