/* SPDX-License-Identifier: MIT */
/* csv.h: tables of numbers as text. */
#ifndef PDESSM_FILES_CSV_H
#define PDESSM_FILES_CSV_H

#include "core/context.h"

/* Row-major; all zero is empty and releasable. */
typedef struct pdessm_table {
    int64_t rows, columns;
    double *value; /* [rows, columns] */
    char **name;   /* [columns]; NULL unless the first line names each column */
} pdessm_table;

/* Lines of equally many numbers with a comma, a semicolon or blanks between them. A first line that
 * does not begin like a number is a title: names with commas or semicolons, else blanks, between
 * them. Empty lines and what follows a # are passed over. Anything else is ERROR_FILE and names its
 * line; so are a table that takes more than max_bytes and one with neither title nor number. */
pdessm_status pdessm_csv_decode(pdessm_context *ctx, const char *name, const char *text,
                                size_t size, int64_t max_bytes, pdessm_table *ret);
void pdessm_table_release(pdessm_table *table);

#endif
