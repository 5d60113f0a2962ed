/* SPDX-License-Identifier: MIT */
/* columns.c: the columns of the tables of `bench`. */
#include "columns.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "shared/print.h"

/* ------------------------------------------------------------------ numbers as text */

bench_cell pdessm_cli_bench_words_cell(const char *format, ...) {
    bench_cell c;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c.text, sizeof c.text, format, arguments);
    va_end(arguments);
    return c;
}

#define words pdessm_cli_bench_words_cell

/* Three digits. */
static bench_cell duration(double seconds) {
    const char *unit = seconds < 1e-3 ? "us" : seconds < 1 ? "ms" : "s";
    double value = seconds * (seconds < 1e-3 ? 1e6 : seconds < 1 ? 1e3 : 1);
    return words("%.*f %s", value < 10 ? 2 : value < 100 ? 1 : 0, value, unit);
}

bench_cell pdessm_cli_bench_format(bench_unit unit, double value) {
    if (!isfinite(value))
        return words("%s", "");
    switch (unit) {
    case BENCH_SECONDS:
        return duration(value);
    case BENCH_RATE:
        return words("%.1f", value);
    case BENCH_RATIO:
        return words("%.2f", value);
    case BENCH_SHARE:
        return words("%.0f%%", 100 * value);
    case BENCH_BYTES:
        return words("%s", pdessm_text_of_bytes((int64_t)value).text);
    case BENCH_COUNT:
    case BENCH_WORDS:
        break;
    }
    return words("%.0f", value);
}

/* ------------------------------------------------------------------ words */

#define WORDS(name) static bench_cell name##_words(const bench_job *j, const bench_row *row)

WORDS(name) {
    (void)j;
    return words("%s", row->name);
}

WORDS(pass) {
    (void)j;
    return words("%s", pdessm_cli_bench_pass_name(row));
}

WORDS(device) {
    return words("%s", j->device[row->device].label);
}

WORDS(shape) {
    return words("%s", pdessm_cli_bench_shape_text(j->c, &row->point));
}

WORDS(spread) {
    const bench_spread *s = &row->seconds;
    (void)j;
    return isfinite(s->median) ? words("-%.0f%% +%.0f%%", 100 * (1 - s->low / s->median),
                                       100 * (s->high / s->median - 1))
                               : words("%s", "");
}

WORDS(accuracy) {
    (void)j;
    return isfinite(row->error) ? words("%.1e of %.1e", row->error, row->tolerance)
                                : words("%s", "");
}

WORDS(change) {
    static const char *const names[] = {"faster", "same", "SLOWER"};
    (void)j;
    if (!isfinite(row->old_median) || row->status != BENCH_OK)
        return words("%s", "");
    return words("%.3f %s", row->seconds.median / row->old_median,
                 names[1 + pdessm_cli_bench_change(row)]);
}

WORDS(status) {
    (void)j;
    return words("%s", pdessm_cli_bench_status_name(row->status));
}

WORDS(reason) {
    (void)j;
    return words("%s", row->reason ? row->reason : "");
}

WORDS(outcome) {
    (void)j;
    return words("%s%s%s", pdessm_cli_bench_status_name(row->status), row->reason ? ": " : "",
                 row->reason ? row->reason : "");
}

/* ------------------------------------------------------------------ values */

#define VALUE(name, expression)                                                                    \
    static double name##_value(const bench_job *j, const bench_row *row) {                         \
        (void)j;                                                                                   \
        return expression;                                                                         \
    }

VALUE(batch, (double)row->point.batch)
VALUE(height, (double)row->point.height)
VALUE(width, (double)row->point.width)
VALUE(channels, (double)row->point.channels)
VALUE(outputs, row->point.outputs ? (double)row->point.outputs : NAN)
VALUE(first, row->first)
VALUE(median, row->seconds.median)
VALUE(low, row->seconds.low)
VALUE(high, row->seconds.high)
VALUE(least, row->seconds.least)
VALUE(most, row->seconds.most)
VALUE(repetitions, (double)row->count)
VALUE(ratio, row->ratio.median)
VALUE(images, row->images / row->seconds.median)
VALUE(flops, row->flops / row->seconds.median * 1e-9)
VALUE(bytes, row->bytes / row->seconds.median * 1e-9)
VALUE(roofline, pdessm_cli_bench_roofline(&j->device[row->device], row->flops, row->bytes,
                                          row->seconds.median))
VALUE(peak, row->peak_bytes)
VALUE(process, row->process_peak)
VALUE(error, row->error)
VALUE(tolerance, row->tolerance)
VALUE(old, row->old_median)

static int several_devices(const bench_job *j) {
    return j->devices > 1;
}

static int validates(const bench_job *j) {
    return j->o.validate;
}

static int compares(const bench_job *j) {
    return j->o.compare != NULL;
}

/* ------------------------------------------------------------------ the columns */

enum { OPS = BENCH_IN_OPS, NETWORKS = BENCH_IN_NETWORKS, CSV = BENCH_IN_CSV, ALL = BENCH_IN_ALL };

static const bench_column columns[] = {
    {"case", "case", ALL, NULL, BENCH_WORDS, name_words, NULL},
    {"pass", "pass", OPS | CSV, NULL, BENCH_WORDS, pass_words, NULL},
    {"device", "device", ALL, several_devices, BENCH_WORDS, device_words, NULL},
    {"B x H x W x C", "", OPS | NETWORKS, NULL, BENCH_WORDS, shape_words, NULL},
    {"B", "B", CSV, NULL, BENCH_COUNT, NULL, batch_value},
    {"H", "H", CSV, NULL, BENCH_COUNT, NULL, height_value},
    {"W", "W", CSV, NULL, BENCH_COUNT, NULL, width_value},
    {"C", "C", CSV, NULL, BENCH_COUNT, NULL, channels_value},
    {"N", "N", CSV, NULL, BENCH_COUNT, NULL, outputs_value},
    {"status", "status", CSV, NULL, BENCH_WORDS, status_words, NULL},
    {"reason", "reason", CSV, NULL, BENCH_WORDS, reason_words, NULL},
    {"first", "first_seconds", ALL, NULL, BENCH_SECONDS, NULL, first_value},
    {"median", "seconds", ALL, NULL, BENCH_SECONDS, NULL, median_value},
    {"20..80%", "", OPS | NETWORKS, NULL, BENCH_WORDS, spread_words, NULL},
    {"low", "seconds_low", CSV, NULL, BENCH_SECONDS, NULL, low_value},
    {"high", "seconds_high", CSV, NULL, BENCH_SECONDS, NULL, high_value},
    {"min", "seconds_min", CSV, NULL, BENCH_SECONDS, NULL, least_value},
    {"max", "seconds_max", CSV, NULL, BENCH_SECONDS, NULL, most_value},
    {"repetitions", "repetitions", CSV, NULL, BENCH_COUNT, NULL, repetitions_value},
    {"x copy", "memcpy_ratio", OPS | CSV, NULL, BENCH_RATIO, NULL, ratio_value},
    {"images/s", "images_per_s", NETWORKS | CSV, NULL, BENCH_RATE, NULL, images_value},
    {"GFLOP/s", "gflops", ALL, NULL, BENCH_RATE, NULL, flops_value},
    {"GB/s", "gbytes_per_s", ALL, NULL, BENCH_RATE, NULL, bytes_value},
    {"roofline", "roofline_share", ALL, NULL, BENCH_SHARE, NULL, roofline_value},
    {"peak", "peak_bytes", ALL, NULL, BENCH_BYTES, NULL, peak_value},
    {"process", "process_peak_bytes", NETWORKS | CSV, NULL, BENCH_BYTES, NULL, process_value},
    {"error", "", OPS | NETWORKS, validates, BENCH_WORDS, accuracy_words, NULL},
    {"error", "error", CSV, NULL, BENCH_RATIO, NULL, error_value},
    {"tolerance", "tolerance", CSV, NULL, BENCH_RATIO, NULL, tolerance_value},
    {"new/old", "", OPS | NETWORKS, compares, BENCH_WORDS, change_words, NULL},
    {"old", "old_seconds", CSV, NULL, BENCH_SECONDS, NULL, old_value},
    {"status", "", OPS | NETWORKS, NULL, BENCH_WORDS, outcome_words, NULL},
};

const bench_column *pdessm_cli_bench_column(int index) {
    return index < (int)(sizeof columns / sizeof *columns) ? &columns[index] : NULL;
}

int pdessm_cli_bench_column_shows(const bench_job *j, const bench_column *c, int table) {
    return (c->tables & table) && (table == CSV || !c->wanted || c->wanted(j));
}

bench_cell pdessm_cli_bench_cell(const bench_job *j, const bench_column *c, const bench_row *row) {
    return c->unit == BENCH_WORDS ? c->text(j, row)
                                  : pdessm_cli_bench_format(c->unit, c->value(j, row));
}

bench_cell pdessm_cli_bench_raw_cell(const bench_job *j, const bench_column *c,
                                     const bench_row *row) {
    if (c->unit == BENCH_WORDS)
        return c->text(j, row);
    double value = c->value(j, row);
    return isfinite(value) ? words("%.9g", value) : words("%s", "");
}
