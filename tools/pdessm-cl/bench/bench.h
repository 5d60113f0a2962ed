/* SPDX-License-Identifier: MIT */
/* bench.h: what the parts of `bench` share: the options, the devices, and the plan, which is a list
 * of rows that are measured one after the other. */
#ifndef PDESSM_CLI_BENCH_BENCH_H
#define PDESSM_CLI_BENCH_BENCH_H

#include <pdessm/sample.h>

#include <stdio.h>

#include "shared/cli.h"
#include "shared/lists.h"
#include "shared/progress.h"
#include "verify/verify.h"

typedef enum bench_suite { BENCH_OPS, BENCH_STEP, BENCH_SAMPLE, BENCH_SUITES } bench_suite;
typedef enum bench_status { BENCH_OK, BENCH_UNSUPPORTED, BENCH_SKIPPED, BENCH_ERROR } bench_status;
typedef enum bench_format { BENCH_TEXT, BENCH_MD, BENCH_CSV, BENCH_JSON, BENCH_JSONL } bench_format;

typedef struct bench_options {
    int suite, format, validate, detail; /* suite: a bench_suite, BENCH_SUITES: all */
    const char *ops, *grids, *batches, *models, *image_sizes, *html, *compare;
    pdessm_solver solver;
    int64_t channels, images, steps, repetitions, warmup;
    double max_time, fail_above; /* seconds, 0: no limit; per cent, negative: never fails */
} bench_options;

/* One device of the run. Rates are those of this run: bytes read and written by a copy of 25 MB,
 * and the library's own matrix product; NAN when they could not be measured. */
typedef struct bench_device {
    const char *label; /* how rows name it */
    pdessm_device *device, *reference;
    const char *reference_name;
    double copy_rate, gemm_rate;   /* bytes/s, flop/s */
    double copy_drift, gemm_drift; /* rates at the end over those at the beginning; NAN: unknown */
    const char *copy_way;          /* which copy was the fastest */
    unsigned char routed[PDESSM_OP_COUNT][2]; /* operators that PDESSM_OPS keeps in plain C */
} bench_device;

/* What is measured. Extents are tokens for operators, pixels for networks. */
typedef struct bench_point {
    bench_suite suite;
    pdessm_op op;
    pdessm_pass pass;
    const char *model;
    int64_t batch, height, width, channels;
    int64_t outputs; /* linear: columns of the result; else 0 */
} bench_point;

typedef struct bench_spread {
    double median, low, high, least, most; /* low, high: quantiles 20 % and 80 % */
} bench_spread;

/* Numbers that were not measured are NAN. Times are seconds of one run. */
typedef struct bench_row {
    bench_point point;
    const char *name; /* "gelu", "step pde-nano/4" */
    int device;
    int reached;
    bench_status status;
    const char *reason; /* unless OK */
    double first;       /* the first run of all: compilation, caches, page faults */
    int count;
    double *all;          /* of the repetitions */
    int64_t runs;         /* in each repetition */
    bench_spread seconds; /* over the repetitions */
    bench_spread ratio;   /* time over the time of a copy, taken in pairs */
    double copied_bytes;  /* by that copy */
    double flops, bytes;  /* of one run */
    double peak_bytes;    /* of tensors on the device */
    double process_peak;  /* resident memory of the whole process; networks only */
    double error, tolerance;
    double images, parameters; /* networks: images of one run */
    int operators;             /* --detail: operators inside one run, by falling time */
    pdessm_profile_row *operator_row;
    double profiled_seconds;              /* wall time of one run while its operators were timed */
    double old_median, old_low, old_high; /* --compare */
} bench_row;

typedef struct bench_job {
    cli *c;
    bench_options o;
    int devices, rows;
    bench_device *device;
    bench_row *row;
    double start;
    cli_progress bar;
    int streamed; /* rows that went out already (jsonl) */
} bench_job;

/* plan.c: fills in job->row; every row is `skipped` until it is measured. */
pdessm_status pdessm_cli_bench_plan(bench_job *j);
/* How many rows, from this one on, are measured together: forward and backward of one call. */
int pdessm_cli_bench_group(const bench_job *j, int row);
void pdessm_cli_bench_release_rows(bench_job *j);

/* measure.c: something that is run again and again; it may queue its work. */
typedef struct bench_work {
    pdessm_device *device;
    pdessm_status (*run)(void *user);
    void *user;
} bench_work;

/* Seconds of n runs and of waiting for them. */
pdessm_status pdessm_cli_bench_time(const bench_work *w, int64_t n, double *ret);
/* Runs until it is known how many runs fill a repetition. */
pdessm_status pdessm_cli_bench_fill(const bench_work *w, int64_t *ret_runs);
/* Warm-up, then the repetitions, each followed by one of the copy's (NULL: none). Leaves count = 0
 * when --max-time came first; ERROR_CANCELLED after Ctrl-C. */
pdessm_status pdessm_cli_bench_measure(bench_job *j, const bench_work *w, const bench_work *copy,
                                       bench_row *row);
bench_spread pdessm_cli_bench_spread(const double *all, int count);
int pdessm_cli_bench_time_is_up(const bench_job *j);
/* Settles a row by what stopped it, whose message the context holds. OK unless the whole run has to
 * end. */
pdessm_status pdessm_cli_bench_stop(bench_job *j, bench_row *row, pdessm_status status);
void pdessm_cli_bench_settle(bench_row *row, bench_status status, const char *reason);
/* Whether that much memory is available, judged before it is allocated; else the row is `skipped`.
 */
int pdessm_cli_bench_fits(bench_job *j, bench_row *row, double bytes, double largest);

/* copy.c: copies of a number of bytes on a device, in the plain way or the fastest one. */
typedef struct bench_copy bench_copy;
pdessm_status pdessm_cli_bench_copy_create(pdessm_device *device, size_t bytes, int fastest,
                                           bench_copy **ret);
void pdessm_cli_bench_copy_destroy(bench_copy **copy);
bench_work pdessm_cli_bench_copy_work(bench_copy *copy);
const char *pdessm_cli_bench_copy_way(const bench_copy *copy);

/* rates.c: fills in the rates of a device; a rate that fails is NAN and a note. */
void pdessm_cli_bench_rates(bench_job *j, bench_device *d);
/* Once more, at the end: keeps the better ones, and warns when the machine was not steady. A run
 * that was over at once is not worth the time. */
void pdessm_cli_bench_rates_again(bench_job *j, bench_device *d);
/* A shape that a kernel refused closes the operator on the device; another shape may do. */
void pdessm_cli_bench_forget_refusals(bench_device *d);
/* The share that the device reaches of what its rates allow for these operations and bytes. */
double pdessm_cli_bench_roofline(const bench_device *d, double flops, double bytes, double seconds);

/* op.c, network.c: measure the rows of one group. An error ends the whole run. */
pdessm_status pdessm_cli_bench_operator(bench_job *j, bench_row *row, int rows);
pdessm_status pdessm_cli_bench_network(bench_job *j, bench_row *row);

/* names.c */
const char *pdessm_cli_bench_status_name(bench_status status);
const char *pdessm_cli_bench_pass_name(const bench_row *row);
/* "8x16x16x384", "N 1536" behind it for linear. */
const char *pdessm_cli_bench_shape_text(cli *c, const bench_point *p);

/* json.c */
void pdessm_cli_bench_print_json(bench_job *j);
/* jsonl: the rows before number `upto` that have not gone out yet. */
void pdessm_cli_bench_stream(bench_job *j, int upto);
/* The whole command line, for reports. */
const char *pdessm_cli_bench_command(const cli *c);

/* text.c: tables for people (text, md) and for spreadsheets (csv). */
void pdessm_cli_bench_print_table(bench_job *j, FILE *stream);

/* page.c: one self-contained HTML page. */
pdessm_status pdessm_cli_bench_write_page(bench_job *j, const char *path);

/* compare.c: reads the old file before anything is measured, and judges afterwards. */
typedef struct bench_old bench_old;
pdessm_status pdessm_cli_bench_old_open(bench_job *j, const char *path, bench_old **ret);
void pdessm_cli_bench_old_close(bench_old **old);
/* Gives each row what the old file says of it; ERROR_CHECK when --fail-above says so. */
void pdessm_cli_bench_old_match(bench_job *j, const bench_old *old);
pdessm_status pdessm_cli_bench_old_judge(bench_job *j, const bench_old *old);
/* -1 faster, 1 slower, both beyond both spreads, 0 neither. */
int pdessm_cli_bench_change(const bench_row *row);

#endif
