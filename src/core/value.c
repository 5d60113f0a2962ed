/* SPDX-License-Identifier: MIT */
/* value.c: typed values from text and back. */
#include "core/value.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char no_yes[] = "no yes";

/* ------------------------------------------------------------------ reading */

pdessm_value_text pdessm_value_expected(const pdessm_value_rule *r) {
    pdessm_value_text t;
    const char *what = r->kind == PDESSM_VALUE_WHOLE ? "a whole number" : "a number";
    if (r->kind == PDESSM_VALUE_SIZE)
        snprintf(t.text, sizeof t.text, "HEIGHTxWIDTH such as 28x28, each from %g to %g", r->least,
                 r->most);
    else if (r->kind == PDESSM_VALUE_FLAG || r->kind == PDESSM_VALUE_CHOICE)
        snprintf(t.text, sizeof t.text, "one of: %s",
                 r->kind == PDESSM_VALUE_FLAG ? no_yes : r->words);
    else if (r->kind == PDESSM_VALUE_TEXT)
        snprintf(t.text, sizeof t.text, "%s", r->words);
    else if (r->most > 0)
        snprintf(t.text, sizeof t.text, "%s from %.12g to %.12g", what, r->least, r->most);
    else
        snprintf(t.text, sizeof t.text, "%s of at least %.12g", what, r->least);
    return t;
}

static int in_range(const pdessm_value_rule *r, double value) {
    return value >= r->least && (r->most <= 0 || value <= r->most);
}

static int take_whole(const char **text, int64_t *ret) {
    char *end;
    errno = 0;
    long long value = strtoll(*text, &end, 10);
    if (end == *text || errno)
        return 0;
    *text = end;
    *ret = value;
    return 1;
}

static int read_whole(const pdessm_value_rule *r, const char *text, int64_t *target) {
    int64_t value = 0;
    if (!take_whole(&text, &value) || *text || !in_range(r, (double)value))
        return 0;
    *target = value;
    return 1;
}

static int read_real(const pdessm_value_rule *r, const char *text, double *target) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || !in_range(r, value))
        return 0;
    *target = value;
    return 1;
}

static int read_size(const pdessm_value_rule *r, const char *text, int64_t target[2]) {
    int64_t extent[2] = {0};
    int good = take_whole(&text, &extent[0]) && (*text == 'x' || *text == 'X');
    good = good && take_whole((text++, &text), &extent[1]) && !*text;
    if (!good || !in_range(r, (double)extent[0]) || !in_range(r, (double)extent[1]))
        return 0;
    memcpy(target, extent, sizeof extent);
    return 1;
}

static int word_count(const char *words) {
    int count = 1;
    for (; *words; words++)
        count += *words == ' ';
    return count;
}

int pdessm_word_at(const char *words, int n, const char **ret) {
    while (n-- > 0 && *words) {
        words += strcspn(words, " ");
        words += strspn(words, " ");
    }
    *ret = words;
    return (int)strcspn(words, " ");
}

/* The place of text in a list of words, or -1. */
static int find_word(const char *words, const char *text) {
    size_t length = strlen(text);
    for (int i = 0; *words; i++) {
        size_t word = strcspn(words, " ");
        if (word == length && strncmp(words, text, length) == 0)
            return i;
        words += word + (words[word] == ' ');
    }
    return -1;
}

static int read_choice(const pdessm_value_rule *r, const char *text, int *target) {
    const int is_zero = r->zero_word && strcmp(text, r->zero_word) == 0;
    const int found = is_zero ? 0 : find_word(r->words, text);
    if (found >= 0)
        *target = found;
    return found >= 0;
}

static int read_value(const pdessm_value_rule *rule, const char *text, void *target) {
    const pdessm_value_rule flag = {.words = no_yes};
    switch (rule->kind) {
    case PDESSM_VALUE_FLAG:
        return read_choice(&flag, text, target);
    case PDESSM_VALUE_WHOLE:
        return read_whole(rule, text, target);
    case PDESSM_VALUE_REAL:
        return read_real(rule, text, target);
    case PDESSM_VALUE_SIZE:
        return read_size(rule, text, target);
    case PDESSM_VALUE_CHOICE:
        return read_choice(rule, text, target);
    case PDESSM_VALUE_TEXT:
        if (*text)
            *(const char **)target = text;
        return *text != '\0';
    }
    return 0;
}

int pdessm_value_read(const pdessm_value_rule *rule, const char *text, void *target, char *why,
                      size_t size) {
    const int good = read_value(rule, text, target);
    if (!good)
        snprintf(why, size, "expected %s%s", pdessm_value_expected(rule).text,
                 rule->kind == PDESSM_VALUE_TEXT ? ", found nothing" : "");
    return good;
}

/* ------------------------------------------------------------------ checking */

int pdessm_value_fits(const pdessm_value_rule *rule, const void *value) {
    const int64_t *whole = value;
    const int *word = value;
    switch (rule->kind) {
    case PDESSM_VALUE_FLAG:
        return *word == 0 || *word == 1;
    case PDESSM_VALUE_WHOLE:
        return in_range(rule, (double)*whole) || (rule->zero_is_unset && *whole == 0);
    case PDESSM_VALUE_REAL:
        return in_range(rule, *(const double *)value);
    case PDESSM_VALUE_SIZE:
        return (!whole[0] && !whole[1]) ||
               (in_range(rule, (double)whole[0]) && in_range(rule, (double)whole[1]));
    case PDESSM_VALUE_CHOICE:
        return *word >= 0 && *word < word_count(rule->words);
    case PDESSM_VALUE_TEXT:
        break;
    }
    return 1;
}

/* ------------------------------------------------------------------ writing */

static void write_word(const char *words, int index, pdessm_value_text *room) {
    const char *word;
    if (index < 0 || index >= word_count(words)) {
        snprintf(room->text, sizeof room->text, "%d", index);
        return;
    }
    const int length = pdessm_word_at(words, index, &word);
    snprintf(room->text, sizeof room->text, "%.*s", length, word);
}

static void write_real(double value, pdessm_value_text *room) {
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(room->text, sizeof room->text, "%.*g", digits, value);
        if (strtod(room->text, NULL) == value)
            break;
    }
}

const char *pdessm_value_write(const pdessm_value_rule *rule, const void *value,
                               pdessm_value_text *room) {
    const int64_t *whole = value;
    const int *word = value;
    switch (rule->kind) {
    case PDESSM_VALUE_WHOLE:
        if (rule->zero_is_unset && *whole == 0)
            return NULL;
        snprintf(room->text, sizeof room->text, "%" PRId64, *whole);
        return room->text;
    case PDESSM_VALUE_REAL:
        write_real(*(const double *)value, room);
        return room->text;
    case PDESSM_VALUE_SIZE:
        if (!whole[0] && !whole[1])
            return NULL;
        snprintf(room->text, sizeof room->text, "%" PRId64 "x%" PRId64, whole[0], whole[1]);
        return room->text;
    case PDESSM_VALUE_CHOICE:
        if (rule->zero_is_unset && *word == 0)
            return NULL;
        write_word(rule->words, *word, room);
        return room->text;
    case PDESSM_VALUE_FLAG:
        return *word ? "yes" : "no";
    case PDESSM_VALUE_TEXT:
        return *(const char *const *)value;
    }
    return NULL;
}
