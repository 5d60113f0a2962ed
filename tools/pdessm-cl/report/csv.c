/* SPDX-License-Identifier: MIT */
/* csv.c: log.csv and its like. */
#include "csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/file.h"
#include "shared/print.h"

enum { MOST_COLUMNS = 64 };

typedef struct reader {
    cli *c;
    const char *path;
    char *next; /* the rest of the file, which ends with a null byte */
    int64_t line;
    cli_csv csv;
} reader;

/* The next line without its end, NULL after the last one. A line without an end is half written. */
static char *next_line(reader *r) {
    char *line = r->next, *end = strchr(line, '\n');
    if (!end) {
        r->csv.cut_off = *line != '\0';
        return NULL;
    }
    *end = '\0';
    if (end > line && end[-1] == '\r')
        end[-1] = '\0';
    r->next = end + 1;
    r->line++;
    return line;
}

static pdessm_status read_names(reader *r) {
    char *line = next_line(r), *rest = NULL;
    pdessm_status status = PDESSM_OK;
    PDESSM_REQUIRE(r->c->ctx, line && *line, PDESSM_ERROR_FILE,
                   "%s: empty; expected a line of column names and lines of numbers", r->path);
    PDESSM_TRY(pdessm_alloc(r->c->ctx, MOST_COLUMNS, sizeof *r->csv.name, &r->csv.name));
    PDESSM_TRY(pdessm_alloc(r->c->ctx, MOST_COLUMNS, sizeof *r->csv.value, &r->csv.value));
    for (char *name = strtok_r(line, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        PDESSM_REQUIRE(r->c->ctx, r->csv.columns < MOST_COLUMNS, PDESSM_ERROR_FILE,
                       "%s:1: more than %d columns; is it the log of a run?", r->path,
                       MOST_COLUMNS);
        r->csv.name[r->csv.columns++] = pdessm_cli_need(strdup(name));
    }
out:
    return status;
}

static pdessm_status read_row(reader *r, char *line, int64_t row) {
    char *text = line;
    pdessm_status status = PDESSM_OK;
    for (int i = 0; i < r->csv.columns; i++) {
        char *end;
        double value = strtod(text, &end);
        int last = i == r->csv.columns - 1;
        PDESSM_REQUIRE(r->c->ctx, end != text && *end == (last ? '\0' : ','), PDESSM_ERROR_FILE,
                       "%s:%lld: '%.40s' in column %d (%s); expected %d numbers parted by commas",
                       r->path, (long long)r->line, text, i + 1, r->csv.name[i], r->csv.columns);
        r->csv.value[i][row] = value;
        text = end + 1;
    }
out:
    return status;
}

static pdessm_status read_all(reader *r) {
    int64_t lines = 0;
    char *line;
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(read_names(r));
    for (const char *p = r->next; (p = strchr(p, '\n')); p++)
        lines++;
    for (int i = 0; i < r->csv.columns; i++)
        PDESSM_TRY(
            pdessm_alloc(r->c->ctx, (size_t)lines + 1, sizeof **r->csv.value, &r->csv.value[i]));
    while ((line = next_line(r))) {
        PDESSM_TRY(read_row(r, line, r->csv.rows));
        r->csv.rows++;
    }
out:
    return status;
}

pdessm_status pdessm_cli_csv_read(cli *c, const char *path, cli_csv *ret) {
    reader r = {.c = c, .path = path};
    char *text = NULL;
    pdessm_bytes bytes = {0};
    pdessm_status status = PDESSM_OK;
    PDESSM_TRY(pdessm_bytes_open(c->ctx, path, &bytes));
    PDESSM_TRY(pdessm_alloc(c->ctx, bytes.size + 1, 1, &text));
    if (bytes.size)
        memcpy(text, bytes.data, bytes.size);
    r.next = text;
    PDESSM_TRY(read_all(&r));
    *ret = r.csv;
    r.csv = (cli_csv){0};
out:
    pdessm_cli_csv_release(&r.csv);
    pdessm_bytes_release(&bytes);
    free(text);
    return status;
}

void pdessm_cli_csv_release(cli_csv *csv) {
    for (int i = 0; i < csv->columns; i++) {
        free(csv->name[i]);
        free(csv->value[i]);
    }
    free(csv->name);
    free(csv->value);
    *csv = (cli_csv){0};
}

const double *pdessm_cli_csv_column(const cli_csv *csv, const char *name) {
    for (int i = 0; i < csv->columns; i++)
        if (strcmp(csv->name[i], name) == 0)
            return csv->value[i];
    return NULL;
}
