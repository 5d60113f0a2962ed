/* SPDX-License-Identifier: MIT */
/* csv.h: the numbers of a CSV file that a run keeps. */
#ifndef PDESSM_CLI_REPORT_CSV_H
#define PDESSM_CLI_REPORT_CSV_H

#include "shared/cli.h"

typedef struct cli_csv {
    int columns;
    char **name;
    int64_t rows;
    double **value; /* [columns][rows]; "nan" is a number here */
    int cut_off;    /* the last line was half written and is left out: the run was killed */
} cli_csv;

/* The first line names the columns, every other line holds a number for each of them. Anything
 * else is ERROR_FILE with its line. */
pdessm_status pdessm_cli_csv_read(cli *c, const char *path, cli_csv *ret);
void pdessm_cli_csv_release(cli_csv *csv);

/* The numbers of a column; NULL when there is none of that name. */
const double *pdessm_cli_csv_column(const cli_csv *csv, const char *name);

#endif
