/* SPDX-License-Identifier: MIT */
/* csv.h: tables of numbers as text. */
#ifndef PDESSM_FILES_CSV_H
#define PDESSM_FILES_CSV_H

#include "core/context.h"

/* Row-major; all zero is empty and releasable. */
typedef struct pdessm_table {
    int64_t rows, columns;
    double *value; /* [rows, columns] */
} pdessm_table;

/* Lines of equally many numbers with a comma, a semicolon or blanks between them. Empty lines, what
 * follows a #, and a first line that does not begin like a number are passed over. Anything else is
 * ERROR_FILE and names its line; so is a table that takes more than max_bytes. */
pdessm_status pdessm_csv_decode(pdessm_context *ctx, const char *name, const char *text,
                                size_t size, int64_t max_bytes, pdessm_table *ret);
void pdessm_table_release(pdessm_table *table);

#endif
