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
                           "%s: line %lld: more numbers than the limit of %lld bytes allows",
                           r->name, (long long)r->line, (long long)r->max_bytes);
    double *value = realloc(r->table.value, (size_t)room * sizeof *value);
    if (!value)
        return pdessm_fail(r->ctx, PDESSM_ERROR_MEMORY, "out of memory: %s: %lld numbers", r->name,
                           (long long)room);
    r->table.value = value;
    r->room = room;
    return PDESSM_OK;
}

static pdessm_status read_number(reader *r) {
    char word[LONGEST + 1], *end;
    int length = 0;
    for (; !ends_line(r) && !is_blank(*r->at) && length < LONGEST; r->at++)
        word[length++] = *r->at;
    word[length] = '\0';
    const double value = strtod(word, &end);
    if (end != word + length || length == LONGEST)
        return pdessm_fail(r->ctx, PDESSM_ERROR_FILE, "%s: line %lld: '%.20s' is not a number",
                           r->name, (long long)r->line, word);
    pdessm_status status = make_room(r);
    if (status == PDESSM_OK)
        r->table.value[r->count++] = value;
    return status;
}

static pdessm_status read_line(reader *r) {
    pdessm_status status = PDESSM_OK;
    const int64_t before = r->count;
    for (skip_blanks(r); !ends_line(r); skip_blanks(r))
        PDESSM_TRY(read_number(r));
    const int64_t columns = r->count - before;
    if (columns > 0) {
        if (r->table.rows++ == 0)
            r->table.columns = columns;
        PDESSM_REQUIRE(r->ctx, columns == r->table.columns, PDESSM_ERROR_FILE,
                       "%s: line %lld has %lld numbers, expected %lld as before", r->name,
                       (long long)r->line, (long long)columns, (long long)r->table.columns);
    }
out:
    return status;
}

/* Names of columns. */
static int is_title(const reader *r) {
    return r->at < r->end && !strchr("0123456789+-.#\n\r", *r->at) && !is_blank(*r->at);
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
        skip_line(&r);
        r.line++;
    }
    for (; r.at < r.end; r.line++) {
        PDESSM_TRY(read_line(&r));
        skip_line(&r);
    }
    PDESSM_REQUIRE(ctx, r.table.rows > 0, PDESSM_ERROR_FILE, "%s: holds no numbers", name);
    *ret = r.table;
    r.table = (pdessm_table){0};
out:
    pdessm_table_release(&r.table);
    return status;
}

void pdessm_table_release(pdessm_table *table) {
    free(table->value);
    *table = (pdessm_table){0};
}
