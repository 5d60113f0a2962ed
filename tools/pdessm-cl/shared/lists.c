/* SPDX-License-Identifier: MIT */
/* lists.c: lists as they stand on the command line. */
#include "lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"

enum { MOST_ENTRIES = 256 };

static pdessm_status refuse(cli *c, const char *option, const char *text, const char *why) {
    return pdessm_fail(c->ctx, PDESSM_ERROR_ARGUMENT,
                       "--%s '%s': %s; expected a list such as 16,14x28,16-64+16,16-128*2", option,
                       text, why);
}

/* The part of a list up to the next comma, and *text moved behind that: NULL after the last part.
 */
static const char *next_entry(cli *c, const char **text) {
    size_t length = strcspn(*text, ",");
    const char *entry = pdessm_cli_text(c, "%.*s", (int)length, *text);
    *text = (*text)[length] ? *text + length + 1 : NULL;
    return entry;
}

static int read_number(const char **text, int64_t *ret) {
    char *end;
    errno = 0;
    *ret = strtoll(*text, &end, 10);
    int good = end != *text && !errno && **text >= '0' && **text <= '9';
    *text = end;
    return good;
}

/* A square, a rectangle, or from - to with a step that adds or multiplies. */
typedef struct range {
    int64_t from[2], to, step;
    char kind; /* 0, '+' or '*' */
} range;

static int read_range(const char *text, range *r) {
    *r = (range){.kind = 0};
    if (!read_number(&text, &r->from[0]))
        return 0;
    r->from[1] = r->to = r->from[0];
    if (*text == 'x' || *text == 'X')
        return read_number((text++, &text), &r->from[1]) && !*text;
    if (*text == '-') {
        if (!read_number((text++, &text), &r->to) || (*text != '+' && *text != '*'))
            return 0;
        r->kind = *text++;
        return read_number(&text, &r->step) && !*text;
    }
    return !*text;
}

static void append(cli_sizes *list, int64_t height, int64_t width) {
    size_t bytes = ((size_t)list->count + 1) * sizeof *list->size;
    list->size = pdessm_cli_need(realloc(list->size, bytes));
    list->size[list->count][0] = height;
    list->size[list->count++][1] = width;
}

static pdessm_status append_range(cli *c, const char *option, const char *text, int64_t most,
                                  cli_sizes *list) {
    range r;
    if (!read_range(text, &r))
        return refuse(c, option, text,
                      strchr(text, '-') ? "a range needs two numbers and a step, +N or *N"
                                        : "this is no size");
    if (r.from[0] < 1 || r.from[1] < 1 || r.to < 1 || r.from[1] > most || r.from[0] > most ||
        r.to > most)
        return refuse(c, option, text,
                      pdessm_cli_text(c, "sizes go from 1 to %lld", (long long)most));
    if (r.kind && (r.step < (r.kind == '*' ? 2 : 1) || r.to < r.from[0]))
        return refuse(c, option, text, "this range does not end");
    if (!r.kind)
        append(list, r.from[0], r.from[1]);
    for (int64_t n = r.from[0]; r.kind && n <= r.to; n = r.kind == '+' ? n + r.step : n * r.step) {
        if (list->count == MOST_ENTRIES)
            return refuse(c, option, text, "these are more than 256 sizes");
        append(list, n, n);
    }
    return PDESSM_OK;
}

pdessm_status pdessm_cli_sizes(cli *c, const char *option, const char *text, int64_t most,
                               cli_sizes *ret) {
    pdessm_status status = PDESSM_OK;
    cli_sizes list = {0};
    do
        PDESSM_TRY(append_range(c, option, next_entry(c, &text), most, &list));
    while (text);
    *ret = list;
    list.size = NULL;
out:
    free(list.size);
    return status;
}

pdessm_status pdessm_cli_words(cli *c, const char *option, const char *text, cli_words *ret) {
    cli_words list = {0};
    do {
        const char *word = next_entry(c, &text);
        int bad = !*word || list.count == MOST_ENTRIES;
        for (int i = 0; i < list.count; i++)
            bad |= strcmp(list.word[i], word) == 0;
        if (bad) {
            free(list.word);
            return pdessm_fail(c->ctx, PDESSM_ERROR_ARGUMENT,
                               "--%s: '%s' is empty or there already; expected NAME,NAME,..",
                               option, word);
        }
        size_t bytes = ((size_t)list.count + 1) * sizeof *list.word;
        list.word = pdessm_cli_need(realloc(list.word, bytes));
        list.word[list.count++] = word;
    } while (text);
    *ret = list;
    return PDESSM_OK;
}
