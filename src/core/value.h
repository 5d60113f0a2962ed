/* SPDX-License-Identifier: MIT */
/* value.h: typed values as text: options of the command line and keys of files follow one set of
 * rules and messages. */
#ifndef PDESSM_CORE_VALUE_H
#define PDESSM_CORE_VALUE_H

#include <stddef.h>
#include <stdint.h>

typedef enum pdessm_value_kind {
    PDESSM_VALUE_FLAG,   /* int, 0 or 1: "no", "yes" */
    PDESSM_VALUE_WHOLE,  /* int64_t */
    PDESSM_VALUE_REAL,   /* double */
    PDESSM_VALUE_TEXT,   /* const char *, not empty */
    PDESSM_VALUE_CHOICE, /* an enum: the place in `words` */
    PDESSM_VALUE_SIZE,   /* int64_t[2]: height, width, written HxW */
} pdessm_value_kind;

typedef struct pdessm_value_rule {
    pdessm_value_kind kind;
    double least, most;    /* of numbers and extents; most = 0: no upper bound */
    const char *words;     /* of a choice: "text json"; of a text: what it is, for messages */
    const char *zero_word; /* of a choice: another word for the first one, or NULL */
    int zero_is_unset;     /* 0 stands for "not set" and has no text */
} pdessm_value_rule;

/* The names of a list macro as `words`: PDESSM_WORDS(PDESSM_SCHEDULES). */
#define PDESSM_WORD(id, name, ...) " " name
#define PDESSM_WORDS(LIST) (&LIST(PDESSM_WORD)[1])

/* Turns text into a value. 0 when it is none, and `why` then says what was expected: "expected a
 * whole number of at least 1". A text (const char **) then points to the text that was given. */
int pdessm_value_read(const pdessm_value_rule *rule, const char *text, void *target, char *why,
                      size_t size);

/* Long enough for every value but a text. */
typedef struct pdessm_value_text {
    char text[128];
} pdessm_value_text;

/* The value as text that read() takes back: NULL when it is not set, else room->text, or the text
 * itself. Numbers are the shortest decimals that read back the same. */
const char *pdessm_value_write(const pdessm_value_rule *rule, const void *value,
                               pdessm_value_text *room);

/* Is a number, an extent or a place within the bounds? */
int pdessm_value_fits(const pdessm_value_rule *rule, const void *value);
/* "a whole number from 1 to 64", "one of: text json"; of a text: what it is. */
pdessm_value_text pdessm_value_expected(const pdessm_value_rule *rule);

/* Word number n of a list of words parted by blanks: where it begins; returns its length, 0 beyond
 * the end. */
int pdessm_word_at(const char *words, int n, const char **ret);

#endif
