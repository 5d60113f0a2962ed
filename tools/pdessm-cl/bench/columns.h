/* SPDX-License-Identifier: MIT */
/* columns.h: what a row says, column by column, for every kind of table. */
#ifndef PDESSM_CLI_BENCH_COLUMNS_H
#define PDESSM_CLI_BENCH_COLUMNS_H

#include "bench.h"

typedef struct bench_cell {
    char text[1024];
} bench_cell;

typedef enum bench_unit {
    BENCH_WORDS,
    BENCH_COUNT,
    BENCH_SECONDS,
    BENCH_RATE,  /* one digit behind the point */
    BENCH_RATIO, /* two digits */
    BENCH_SHARE,
    BENCH_BYTES,
} bench_unit;

/* The tables that a column belongs to. */
enum { BENCH_IN_OPS = 1, BENCH_IN_NETWORKS = 2, BENCH_IN_CSV = 4, BENCH_IN_ALL = 7 };

typedef struct bench_column {
    const char *title; /* for people */
    const char *key;   /* for programs: as in JSON */
    int tables;
    int (*wanted)(const bench_job *j); /* NULL: always; CSV has every column always */
    bench_unit unit;
    bench_cell (*text)(const bench_job *j, const bench_row *row); /* of BENCH_WORDS */
    double (*value)(const bench_job *j, const bench_row *row);    /* of all others */
} bench_column;

/* NULL after the last one. */
const bench_column *pdessm_cli_bench_column(int index);
int pdessm_cli_bench_column_shows(const bench_job *j, const bench_column *c, int table);
/* For people, with units; empty where nothing was measured. */
bench_cell pdessm_cli_bench_cell(const bench_job *j, const bench_column *c, const bench_row *row);
/* In base units, to be read by a program. */
bench_cell pdessm_cli_bench_raw_cell(const bench_job *j, const bench_column *c,
                                     const bench_row *row);
bench_cell pdessm_cli_bench_format(bench_unit unit, double value);
bench_cell pdessm_cli_bench_words_cell(const char *format, ...) PDESSM_PRINTF(1, 2);

#endif
