/* SPDX-License-Identifier: MIT */
/* bench_text.c: the rows as tables: text, Markdown, comma-separated values. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "report.h"

typedef struct cell {
    char text[1024];
} cell;

/* A column of the tables: for which suites, and under which condition. */
typedef struct column {
    const char *title;
    char alignment;
    int operators, networks;
    int (*wanted)(const bench_job *j); /* NULL: always */
    cell (*text)(const bench_job *j, const bench_row *row);
} column;

/* ------------------------------------------------------------------ cells */

static cell words(const char *format, ...) PDESSM_PRINTF(1, 2);

static cell words(const char *format, ...) {
    cell c;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c.text, sizeof c.text, format, arguments);
    va_end(arguments);
    return c;
}

/* A number that was not measured is an empty cell. */
static cell number(const char *format, double value) __attribute__((format(printf, 1, 0)));

static cell number(const char *format, double value) {
    cell c = {""};
    if (isfinite(value))
        snprintf(c.text, sizeof c.text, format, value);
    return c;
}

/* Three digits with a unit of time. */
static cell duration(double seconds) {
    const char *unit = seconds < 1e-3 ? "us" : seconds < 1 ? "ms" : "s";
    double value = seconds * (seconds < 1e-3 ? 1e6 : seconds < 1 ? 1e3 : 1);
    return isfinite(seconds) ? words("%.*f %s",
                                     value < 10    ? 2
                                     : value < 100 ? 1
                                                   : 0,
                                     value, unit)
                             : words("%s", "");
}

static double median(const bench_row *row) {
    return row->seconds.median;
}

static cell name_cell(const bench_job *j, const bench_row *row) {
    (void)j;
    return words("%s", row->name);
}

static cell pass_cell(const bench_job *j, const bench_row *row) {
    (void)j;
    return words("%s", pdessm_cli_bench_pass_name(row));
}

static cell shape_cell(const bench_job *j, const bench_row *row) {
    return words("%s", pdessm_cli_bench_shape_text(j->c, &row->point));
}

static cell device_cell(const bench_job *j, const bench_row *row) {
    return words("%s", j->device[row->device].label);
}

static cell first_cell(const bench_job *j, const bench_row *row) {
    (void)j;
    return duration(row->first);
}

static cell median_cell(const bench_job *j, const bench_row *row) {
    (void)j;
    return duration(median(row));
}

static cell spread_cell(const bench_job *j, const bench_row *row) {
    const bench_spread *s = &row->seconds;
    (void)j;
    return isfinite(s->median) ? words("-%.0f%% +%.0f%%", 100 * (1 - s->low / s->median),
                                       100 * (s->high / s->median - 1))
                               : words("%s", "");
}

static cell ratio_cell(const bench_job *j, const bench_row *row) {
    (void)j;
    return number("%.2f", row->ratio.median);
}

static cell flops_cell(const bench_job *j, const bench_row *row) {
    (void)j;
    return number("%.1f", row->flops / median(row) * 1e-9);
}

static cell bytes_cell(const bench_job *j, const bench_row *row) {
    (void)j;
    return number("%.1f", row->bytes / median(row) * 1e-9);
}

static cell roofline_cell(const bench_job *j, const bench_row *row) {
    return number("%.0f%%", 100 * pdessm_cli_bench_roofline(&j->device[row->device], row->flops,
                                                            row->bytes, median(row)));
}

static cell images_cell(const bench_job *j, const bench_row *row) {
    (void)j;
    return number("%.1f", row->images / median(row));
}

static cell memory(double bytes) {
    return isfinite(bytes) ? words("%s", pdessm_cli_bytes((int64_t)bytes).text) : words("%s", "");
}

static cell peak_cell(const bench_job *j, const bench_row *row) {
    (void)j;
    return memory(row->peak_bytes);
}

static cell process_cell(const bench_job *j, const bench_row *row) {
    (void)j;
    return memory(row->process_peak);
}

static cell error_cell(const bench_job *j, const bench_row *row) {
    (void)j;
    return isfinite(row->error) ? words("%.1e of %.1e", row->error, row->tolerance)
                                : words("%s", "");
}

static cell change_cell(const bench_job *j, const bench_row *row) {
    static const char *const names[] = {"faster", "within spread", "SLOWER"};
    (void)j;
    if (!isfinite(row->old_median) || row->status != BENCH_OK)
        return words("%s", "");
    return words("%.3f %s", median(row) / row->old_median, names[1 + pdessm_cli_bench_change(row)]);
}

static cell status_cell(const bench_job *j, const bench_row *row) {
    (void)j;
    return words("%s%s%s", pdessm_cli_bench_status_name(row->status), row->reason ? ": " : "",
                 row->reason ? row->reason : "");
}

static int several_devices(const bench_job *j) {
    return j->devices > 1;
}

static int validates(const bench_job *j) {
    return j->o.validate;
}

static int compares(const bench_job *j) {
    return j->o.compare != NULL;
}

static const column columns[] = {
    {"case", 'L', 1, 1, NULL, name_cell},
    {"pass", 'L', 1, 0, NULL, pass_cell},
    {"device", 'L', 1, 1, several_devices, device_cell},
    {"B x H x W x C", 'L', 1, 1, NULL, shape_cell},
    {"first", 'R', 1, 1, NULL, first_cell},
    {"median", 'R', 1, 1, NULL, median_cell},
    {"20..80%", 'R', 1, 1, NULL, spread_cell},
    {"x copy", 'R', 1, 0, NULL, ratio_cell},
    {"images/s", 'R', 0, 1, NULL, images_cell},
    {"GFLOP/s", 'R', 1, 1, NULL, flops_cell},
    {"GB/s", 'R', 1, 1, NULL, bytes_cell},
    {"roofline", 'R', 1, 1, NULL, roofline_cell},
    {"peak", 'R', 1, 1, NULL, peak_cell},
    {"process", 'R', 0, 1, NULL, process_cell},
    {"error", 'R', 1, 1, validates, error_cell},
    {"new/old", 'L', 1, 1, compares, change_cell},
    {"status", 'L', 1, 1, NULL, status_cell},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

/* ------------------------------------------------------------------ text and Markdown */

/* The table that is being printed: which columns, and what Markdown puts around them. */
typedef struct layout {
    const bench_job *j;
    FILE *stream;
    int networks, markdown;
    cli_table *table;
} layout;

static int shows(const layout *l, const column *c) {
    return (l->networks ? c->networks : c->operators) && (!c->wanted || c->wanted(l->j));
}

/* One line of cells; row NULL: the titles. */
static void put_line(const layout *l, const bench_row *row) {
    char line[4096] = "";
    size_t used = 0;
    for (int i = 0; i < COLUMNS && used < sizeof line; i++) {
        if (!shows(l, &columns[i]))
            continue;
        cell c = row ? columns[i].text(l->j, row) : words("%s", columns[i].title);
        for (char *p = c.text; *p; p++)
            *p = *p == '\t' || *p == '\n' || (*p == '|' && l->markdown) ? ' ' : *p;
        used += (size_t)snprintf(line + used, sizeof line - used,
                                 l->markdown ? "| %s " : (used ? "\t%s" : "%s"), c.text);
    }
    if (l->markdown)
        fprintf(l->stream, "%s|\n", line);
    else
        pdessm_cli_table_row(l->table, "%s", line);
}

static void put_rule(const layout *l) {
    for (int i = 0; i < COLUMNS; i++)
        if (shows(l, &columns[i]))
            fputs(columns[i].alignment == 'R' ? "|---:" : "|---", l->stream);
    fputs("|\n", l->stream);
}

static void print_rows(layout *l) {
    char alignment[COLUMNS + 1] = "";
    size_t used = 0;
    for (int i = 0; i < COLUMNS; i++)
        if (shows(l, &columns[i]))
            alignment[used++] = columns[i].alignment;
    alignment[used] = '\0';
    l->table = l->markdown ? NULL : pdessm_cli_table_create(alignment);
    put_line(l, NULL);
    if (l->markdown)
        put_rule(l);
    for (int i = 0; i < l->j->rows; i++)
        if ((l->j->row[i].point.suite != BENCH_OPS) == l->networks)
            put_line(l, &l->j->row[i]);
    if (l->table)
        pdessm_cli_table_print(l->table, l->stream);
    fputc('\n', l->stream);
}

/* --detail: the operators inside one run. */
static void print_operators(const layout *l, const bench_row *row) {
    const bench_device *d = &l->j->device[row->device];
    cli_table *table = l->markdown ? NULL : pdessm_cli_table_create("LLLRRRRRR");
    fprintf(l->stream, "%s %s on %s: %s a run with clocks at every operator\n%s", row->name,
            pdessm_cli_bench_shape_text(l->j->c, &row->point), d->label,
            duration(row->profiled_seconds).text, l->markdown ? "\n" : "");
    const char *titles = "operator\tpass\tplace\tcalls\tms\tshare\tGFLOP/s\tGB/s\troofline";
    if (table)
        pdessm_cli_table_row(table, "%s", titles);
    else
        fputs("| operator | pass | place | calls | ms | share | GFLOP/s | GB/s | roofline |\n"
              "|---|---|---|---:|---:|---:|---:|---:|---:|\n",
              l->stream);
    for (int i = 0; i < row->operators; i++) {
        const pdessm_profile_row *o = &row->operator_row[i];
        double seconds = fmax(o->seconds, 1e-9);
        const char *form = table ? "%s\t%s\t%s\t%lld\t%.3f\t%.1f%%\t%.1f\t%.1f\t%s"
                                 : "| %s | %s | %s | %lld | %.3f | %.1f%% | %.1f | %.1f | %s |";
        cell share =
            number("%.0f%%", 100 * pdessm_cli_bench_roofline(d, o->flops, o->bytes, seconds));
        cell line;
        snprintf(line.text, sizeof line.text, form, o->name, o->pass, o->place, (long long)o->calls,
                 o->seconds * 1e3, 100 * o->seconds / row->profiled_seconds,
                 o->flops / seconds * 1e-9, o->bytes / seconds * 1e-9, share.text);
        if (table)
            pdessm_cli_table_row(table, "%s", line.text);
        else
            fprintf(l->stream, "%s\n", line.text);
    }
    if (table)
        pdessm_cli_table_print(table, l->stream);
    fputc('\n', l->stream);
}

static void print_head(const layout *l) {
    for (int i = 0; i < l->j->devices; i++) {
        const bench_device *d = &l->j->device[i];
        const pdessm_device_info *info = pdessm_device_get_info(d->device);
        fprintf(l->stream, "%s%s: %s, %s; copies %.1f GB/s (%s), products %.1f GFLOP/s%s\n",
                l->markdown ? "- " : "", d->label, info->name, info->driver, d->copy_rate * 1e-9,
                d->copy_way ? d->copy_way : "-", d->gemm_rate * 1e-9,
                info->kind == PDESSM_DEVICE_PLAIN_C
                    ? pdessm_cli_text(l->j->c, ", %d threads", pdessm_context_threads(l->j->c->ctx))
                    : "");
    }
    fputc('\n', l->stream);
}

/* ------------------------------------------------------------------ CSV */

static void put_field(FILE *stream, const char *text) {
    fputc('"', stream);
    for (const char *p = text ? text : ""; *p; p++) {
        if (*p == '"')
            fputc('"', stream);
        fputc(*p, stream);
    }
    fputc('"', stream);
}

static void put_numbers(FILE *stream, const double *values, int count) {
    for (int i = 0; i < count; i++)
        fprintf(stream, ",%s", number("%.9g", values[i]).text);
}

/* Names and units of the JSON rows; times in seconds. */
static void print_csv(const bench_job *j, FILE *stream) {
    fputs("case,pass,device,B,H,W,C,N,status,reason,first_seconds,seconds,seconds_low,seconds_high,"
          "seconds_min,seconds_max,repetitions,gflops,gbytes_per_s,memcpy_ratio,roofline_share,"
          "peak_bytes,process_peak_bytes,images_per_s,error,tolerance,old_seconds\n",
          stream);
    for (int i = 0; i < j->rows; i++) {
        const bench_row *r = &j->row[i];
        const bench_spread *s = &r->seconds;
        const bench_device *d = &j->device[r->device];
        const bench_point *p = &r->point;
        put_field(stream, r->name);
        fprintf(stream, ",%s,", pdessm_cli_bench_pass_name(r));
        put_field(stream, d->label);
        fprintf(stream, ",%lld,%lld,%lld,%lld,%s,%s,", (long long)p->batch, (long long)p->height,
                (long long)p->width, (long long)p->channels,
                p->outputs ? words("%lld", (long long)p->outputs).text : "",
                pdessm_cli_bench_status_name(r->status));
        put_field(stream, r->reason);
        put_numbers(stream, (double[]){r->first, s->median, s->low, s->high, s->least, s->most}, 6);
        fprintf(stream, ",%d", r->count);
        put_numbers(stream,
                    (double[]){r->flops / s->median * 1e-9, r->bytes / s->median * 1e-9,
                               r->ratio.median,
                               pdessm_cli_bench_roofline(d, r->flops, r->bytes, s->median),
                               r->peak_bytes, r->process_peak, r->images / s->median, r->error,
                               r->tolerance, r->old_median},
                    10);
        fputc('\n', stream);
    }
}

/* ------------------------------------------------------------------ all of it */

void pdessm_cli_bench_print_table(bench_job *j, FILE *stream) {
    layout l = {.j = j, .stream = stream, .markdown = j->o.format == BENCH_MD};
    int seen[2] = {0, 0};
    if (j->o.format == BENCH_CSV) {
        print_csv(j, stream);
        return;
    }
    for (int i = 0; i < j->rows; i++)
        seen[j->row[i].point.suite != BENCH_OPS] = 1;
    print_head(&l);
    for (l.networks = 0; l.networks < 2; l.networks++)
        if (seen[l.networks])
            print_rows(&l);
    for (int i = 0; i < j->rows; i++)
        if (j->row[i].operators > 0)
            print_operators(&l, &j->row[i]);
}
