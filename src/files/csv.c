/* SPDX-License-Identifier: MIT */
/* csv.c: tables of numbers as text. */
#include "files/csv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 63 }; /* characters of a number */

typedef struct reader {
    pdessm_context *ctx;
    const char *name, *at, *end;
    int64_t line, max_bytes, room, count; /* count: numbers so far */
    int64_t names;
    pdessm_table table;
} reader;

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == ',' || c == ';';
}

static int ends_line(const reader *r) {
    return r->at == r->end || *r->at == '\n' || *r->at == '#';
}

static void skip_blanks(reader *r) {
    while (r->at < r->end && is_blank(*r->at))
        r->at++;
}

static void skip_line(reader *r) {
    while (r->at < r->end && *r->at++ != '\n')
        ;
}

static pdessm_status make_room(reader *r) {
    if (r->count < r->room)
        return PDESSM_OK;
    const int64_t room = r->room ? 2 * r->room : 1024;
    if (r->count * (int64_t)sizeof(double) >= r->max_bytes)
        return pdessm_fail(r->ctx, PDESSM_ERROR_FILE,
                           "%s:%lld: more numbers than the limit of %lld bytes allows", r->name,
                           (long long)r->line, (long long)r->max_bytes);
    double *value = realloc(r->table.value, (size_t)room * sizeof *value);
    if (!value)
        return pdessm_fail(r->ctx, PDESSM_ERROR_MEMORY, "out of memory: %s: %lld numbers", r->name,
                           (long long)room);
    r->table.value = value;
    r->room = room;
    return PDESSM_OK;
}

static pdessm_status read_number(reader *r, int64_t column) {
    char word[LONGEST + 1], *end;
    int length = 0;
    for (; !ends_line(r) && !is_blank(*r->at) && length < LONGEST; r->at++)
        word[length++] = *r->at;
    word[length] = '\0';
    const double value = strtod(word, &end);
    if (end != word + length || length == LONGEST)
        return pdessm_fail(
            r->ctx, PDESSM_ERROR_FILE, "%s:%lld: '%.20s' is not a number (column %lld%s%s)",
            r->name, (long long)r->line, word, (long long)column + 1, column < r->names ? ", " : "",
            column < r->names ? r->table.name[column] : "");
    pdessm_status status = make_room(r);
    if (status == PDESSM_OK)
        r->table.value[r->count++] = value;
    return status;
}

static pdessm_status read_line(reader *r) {
    pdessm_status status = PDESSM_OK;
    const int64_t before = r->count;
    for (skip_blanks(r); !ends_line(r); skip_blanks(r))
        PDESSM_TRY(read_number(r, r->count - before));
    const int64_t columns = r->count - before;
    if (columns > 0) {
        if (r->table.rows++ == 0)
            r->table.columns = columns;
        PDESSM_REQUIRE(r->ctx, columns == r->table.columns, PDESSM_ERROR_FILE,
                       "%s:%lld: %lld numbers, expected %lld as before", r->name,
                       (long long)r->line, (long long)columns, (long long)r->table.columns);
    }
out:
    return status;
}

/* ------------------------------------------------------------------ the title */

static int is_title(const reader *r) {
    return r->at < r->end && !strchr("0123456789+-.#\n\r", *r->at) && !is_blank(*r->at);
}

/* The names and the pointers to them are one block. */
static pdessm_status read_title(reader *r) {
    const char *line_end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    const size_t size = (size_t)((line_end ? line_end : r->end) - r->at);
    const char *parts = memchr(r->at, ',', size) || memchr(r->at, ';', size) ? ",;\r" : " \t\r";
    char *text, *rest = NULL;
    const size_t pointers = (size / 2 + 1) * sizeof *r->table.name;
    pdessm_status status = pdessm_alloc(r->ctx, pointers + size + 1, 1, &r->table.name);
    if (status != PDESSM_OK)
        return status;
    text = (char *)r->table.name + pointers;
    memcpy(text, r->at, size);
    for (char *word = strtok_r(text, parts, &rest); word; word = strtok_r(NULL, parts, &rest))
        r->table.name[r->names++] = word;
    return PDESSM_OK;
}

/* Without a row the names alone are the columns. */
static void match_names(reader *r) {
    if (r->table.rows == 0)
        r->table.columns = r->names;
    if (r->names == r->table.columns)
        return;
    free(r->table.name);
    r->table.name = NULL;
}

pdessm_status pdessm_csv_decode(pdessm_context *ctx, const char *name, const char *text,
                                size_t size, int64_t max_bytes, pdessm_table *ret) {
    pdessm_status status = PDESSM_OK;
    reader r = {.ctx = ctx,
                .name = name,
                .at = text,
                .end = text + size,
                .line = 1,
                .max_bytes = max_bytes};
    if (is_title(&r)) {
        PDESSM_TRY(read_title(&r));
        skip_line(&r);
        r.line++;
    }
    for (; r.at < r.end; r.line++) {
        PDESSM_TRY(read_line(&r));
        skip_line(&r);
    }
    PDESSM_REQUIRE(ctx, r.table.rows > 0 || r.names > 0, PDESSM_ERROR_FILE, "%s: holds no numbers",
                   name);
    match_names(&r);
    *ret = r.table;
    r.table = (pdessm_table){0};
out:
    pdessm_table_release(&r.table);
    return status;
}

void pdessm_table_release(pdessm_table *table) {
    free(table->value);
    free(table->name);
    *table = (pdessm_table){0};
}
