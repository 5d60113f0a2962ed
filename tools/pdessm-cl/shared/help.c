/* SPDX-License-Identifier: MIT */
/* help.c: --help: options by groups in two columns of a terminal, or as JSON. */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "print.h"

enum { WIDTH = 80, LEFT = 28 };

/* ------------------------------------------------------------------ lines */

/* What stays on one line: a word, or a piece of one that is longer than a line, up to a comma;
 * "default:" with its value; of a command an option with its value. */
static int unit_length(const char *text, int is_command, int room) {
    int length = (int)strcspn(text, " ");
    if (!is_command && length >= 8 && strncmp(text + length - 8, "default:", 8) == 0)
        length += 1 + (int)strcspn(text + length + 1, " ");
    while (is_command && text[length] == ' ' && text[length + 1] && text[length + 1] != '-')
        length += 1 + (int)strcspn(text + length + 1, " ");
    for (int i = length; length > room && i > 1; i--)
        if (i <= room && text[i - 1] == ',')
            length = i;
    return length;
}

/* A text from column `at` on, further lines indented by `indent`, within WIDTH columns. A command
 * is continued as the shell wants it. */
static void print_text(const char *text, int at, int indent, int is_command) {
    const char *more = is_command ? " \\" : "";
    const int room = WIDTH - (int)strlen(more);
    int first = 1, gap = 0;
    while (*text) {
        const int length = unit_length(text, is_command, room - indent);
        if (!first && at + gap + length > room) {
            printf("%s\n%*s", more, indent, "");
            at = indent;
            gap = 0;
        }
        at += printf("%*s%.*s", gap, "", length, text);
        first = 0;
        gap = text[length] == ' ';
        text += length + gap;
    }
    putchar('\n');
}

/* ------------------------------------------------------------------ options */

/* "constant, cosine" of "constant cosine". */
static const char *choices_text(cli *c, const char *words) {
    const char *text = "";
    while (*words) {
        const int length = (int)strcspn(words, " ");
        text = pdessm_cli_text(c, "%s%s%.*s", text, *text ? ", " : "", length, words);
        words += length + (words[length] == ' ');
    }
    return text;
}

const char *pdessm_cli_default_text(cli *c, const cli_option *o) {
    pdessm_value_rule rule = pdessm_cli_rule_of(o);
    pdessm_value_text room;
    rule.zero_is_unset &= o->kind != CLI_CHOICE; /* its first word says what that means */
    const double number = o->kind == CLI_WHOLE  ? (double)*(const int64_t *)o->target
                          : o->kind == CLI_REAL ? *(const double *)o->target
                                                : o->least;
    if (o->kind == CLI_FLAG || number < o->least || (o->most > 0 && number > o->most))
        return NULL;
    const char *text = pdessm_value_write(&rule, o->target, &room);
    return text ? pdessm_cli_text(c, "%s", text) : NULL;
}

/* What it means, what can be chosen, what it is unless given. */
static const char *meaning(cli *c, const cli_option *o) {
    const char *choices = o->choices ? choices_text(c, o->choices) : "", *usual = "";
    if (o->usual)
        usual = pdessm_cli_text(c, "default: %s%s%s", o->usual, o->otherwise ? "; " : "",
                                o->otherwise ? o->otherwise : "");
    if (!*choices && !*usual)
        return o->help;
    return pdessm_cli_text(c, "%s (%s%s%s)", o->help, choices, *choices && *usual ? "; " : "",
                           usual);
}

static void print_option(cli *c, const cli_option *o) {
    const char *letter = o->letter ? pdessm_cli_text(c, "-%c,", o->letter) : "";
    const char *argument = o->argument ? o->argument : "WORD";
    const char *value = o->kind == CLI_FLAG ? "" : pdessm_cli_text(c, "=%s", argument);
    const int at = printf("  %-3s --%s%s", letter, o->name, value);
    if (at > LEFT - 2)
        printf("\n%*s", LEFT, "");
    else
        printf("%*s", LEFT - at, "");
    print_text(meaning(c, o), LEFT, LEFT, 0);
}

/* ------------------------------------------------------------------ the whole */

/* Prints what is to be seen of the options that stand under one heading; returns what is not. */
static int print_group(cli *c, const char *heading, cli_option *const *options, int count,
                       int with_rare) {
    int left_out = 0, printed = 0;
    for (int i = 0; i < count; i++) {
        if (strcmp(options[i]->group, heading) != 0)
            continue;
        if (options[i]->rare && !with_rare) {
            left_out++;
            continue;
        }
        if (!printed++)
            printf("\n%s:\n", heading);
        print_option(c, options[i]);
    }
    return left_out;
}

static void print_example(cli *c, const char *example) {
    while (*example) {
        const int length = (int)strcspn(example, "\n");
        const char *line = pdessm_cli_text(c, "%.*s", length, example);
        printf("  ");
        print_text(line + strspn(line, " "), 2, 6, 1);
        example += length + (example[length] == '\n');
    }
}

/* One line for each of several ways to call the command, which are parted by " | ". */
static void print_usage(cli *c, const char *arguments) {
    const char *before = "Usage:";
    do {
        const char *next = strstr(arguments, " | ");
        const int length = next ? (int)(next - arguments) : (int)strlen(arguments);
        const char *command =
            pdessm_cli_text(c, PDESSM_CLI_PROGRAM " %s [OPTION...]%s%.*s", c->command->name,
                            length ? " " : "", length, arguments);
        const int at = printf("%-7s", before);
        print_text(command, at, 2 * at, 0);
        before = "";
        arguments = next ? next + 3 : NULL;
    } while (arguments);
}

void pdessm_cli_print_help(cli *c, cli_option *const *options, int count, int with_rare) {
    int left_out = 0;
    print_usage(c, c->command->arguments);
    print_text(c->command->meaning, 0, 0, 0);
    for (int i = 0; i < count; i++) {
        int seen = 0;
        for (int k = 0; k < i && !seen; k++)
            seen = strcmp(options[k]->group, options[i]->group) == 0;
        if (!seen)
            left_out += print_group(c, options[i]->group, options, count, with_rare);
    }
    printf("\nExample:\n");
    print_example(c, c->command->example);
    if (left_out)
        printf("\n%d more option%s: " PDESSM_CLI_PROGRAM " %s --help all\n", left_out,
               left_out > 1 ? "s" : "", c->command->name);
}

static void add_text(cJSON *row, const char *key, const char *value) {
    if (value)
        pdessm_cli_json_text(row, key, value);
}

void pdessm_cli_print_help_json(cli *c, cli_option *const *options, int count) {
    cJSON *json = pdessm_cli_need(cJSON_CreateObject());
    pdessm_cli_json_text(json, "command", c->command->name);
    cJSON *rows = pdessm_cli_json_array(json, "options");
    for (int i = 0; i < count; i++) {
        const cli_option *o = options[i];
        cJSON *row = pdessm_cli_json_row(rows);
        add_text(row, "name", o->name);
        add_text(row, "group", o->group);
        add_text(row, "argument", o->kind == CLI_FLAG ? NULL : o->argument ? o->argument : "WORD");
        if (o->choices)
            add_text(row, "choices", choices_text(c, o->choices));
        add_text(row, "default", o->usual);
        add_text(row, "otherwise", o->otherwise);
        add_text(row, "help", o->help);
        pdessm_cli_json_bool(row, "rare", o->rare);
        pdessm_cli_json_bool(row, "fixed", o->fixed);
    }
    pdessm_cli_json_print(json);
}
