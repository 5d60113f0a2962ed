/* SPDX-License-Identifier: MIT */
/* options.c: option tables on top of popt, and the conversion of their values. */
#include "options.h"

#include <popt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "print.h"

enum { MAX_OPTIONS = 96 };

/* ------------------------------------------------------------------ values */

static int convert(cli *c, const cli_option *o, const char *text, char *why, size_t size) {
    const pdessm_value_rule rule = pdessm_cli_rule_of(o);
    return pdessm_value_read(&rule, o->kind == CLI_TEXT ? pdessm_cli_text(c, "%s", text) : text,
                             o->target, why, size);
}

/* ------------------------------------------------------------------ the command line */

static void refuse(cli *c, const char *format, ...) PDESSM_PRINTF(2, 3);

/* Wrong usage, said in one line; the first one counts. */
static void refuse(cli *c, const char *format, ...) {
    va_list arguments;
    if (c->ended)
        return;
    fprintf(stderr, PDESSM_CLI_PROGRAM " %s: ", c->command->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, " (see " PDESSM_CLI_PROGRAM " %s --help)\n", c->command->name);
    c->ended = 1;
    c->exit_code = pdessm_status_exit_code(PDESSM_ERROR_ARGUMENT);
}

int pdessm_cli_distance(const char *typed, const char *word) {
    enum { LONGEST = 63 };
    int columns = (int)strlen(word), row[LONGEST + 1];
    if (columns > LONGEST || strlen(typed) > LONGEST)
        return LONGEST;
    for (int j = 0; j <= columns; j++)
        row[j] = j;
    for (int i = 0; typed[i]; i++) {
        int diagonal = row[0]++;
        for (int j = 1; j <= columns; j++) {
            int exchanged = diagonal + (typed[i] != word[j - 1]);
            diagonal = row[j];
            int put_or_left = 1 + (row[j - 1] < row[j] ? row[j - 1] : row[j]);
            row[j] = exchanged < put_or_left ? exchanged : put_or_left;
        }
    }
    return 2 * row[columns] < columns ? row[columns] : LONGEST;
}

/* "; did you mean --guidance?" for --guidence, or nothing. */
static const char *suggest(cli *c, cli_option *const *options, int count, const char *bad) {
    const char *word = bad + strspn(bad, "-"), *best = NULL;
    const char *typed = pdessm_cli_text(c, "%.*s", (int)strcspn(word, "="), word);
    int least = PDESSM_CLI_NEAR + 1;
    for (int i = 0; i < count; i++) {
        int distance = pdessm_cli_distance(typed, options[i]->name);
        if (distance < least) {
            least = distance;
            best = options[i]->name;
        }
    }
    return best ? pdessm_cli_text(c, "; did you mean --%s?", best) : "";
}

/* --help, --help all, --help json. */
static void print_help(cli *c, poptContext popt, cli_option *const *options, int count) {
    char *given = poptGetOptArg(popt);
    const char *what = given ? given : "";
    for (int i = 1; i + 1 < c->argc && !given; i++)
        if (strcmp(c->argv[i], "--help") == 0 || strcmp(c->argv[i], "-h") == 0)
            what = c->argv[i + 1];
    if (strcmp(what, "json") == 0)
        pdessm_cli_print_help_json(c, options, count);
    else
        pdessm_cli_print_help(c, options, count, strcmp(what, "all") == 0);
    free(given);
    c->ended = 1;
    c->exit_code = pdessm_cli_finish_output();
}

static int has_own(const char *name, const cli_option *own, int own_count) {
    for (int i = 0; i < own_count; i++)
        if (strcmp(own[i].name, name) == 0)
            return 1;
    return 0;
}

/* All options of this subcommand: its own, and behind their first group the common ones that it
 * does not have itself. Each knows its group and, while nothing is read, its default. */
static int collect(cli *c, cli_option *common, int common_count, cli_option *own, int own_count,
                   cli_option *ret[MAX_OPTIONS]) {
    int n = 0, first = 0;
    const char *group = "Options";
    for (int i = 0; i < own_count; i++) {
        group = own[i].group ? own[i].group : group;
        own[i].group = group;
    }
    while (first < own_count && own[first].group == own[0].group)
        ret[n++] = &own[first++];
    for (int i = 0; i < common_count; i++)
        if ((c->command->prints_result || strcmp(common[i].name, "format") != 0) &&
            !has_own(common[i].name, own, own_count)) {
            common[i].group = "Common options";
            ret[n++] = &common[i];
        }
    while (first < own_count)
        ret[n++] = &own[first++];
    for (int i = 0; i < n; i++)
        if (!ret[i]->usual)
            ret[i]->usual = pdessm_cli_default_text(c, ret[i]);
    return n;
}

static int is_help(const cli_option *o) {
    return strcmp(o->name, "help") == 0;
}

/* What popt reads. */
static void make_popt_table(cli_option *const *options, int count,
                            struct poptOption ret[MAX_OPTIONS + 1]) {
    for (int i = 0; i < count; i++) {
        const cli_option *o = options[i];
        unsigned kind = o->kind == CLI_FLAG ? POPT_ARG_NONE : POPT_ARG_STRING;
        if (is_help(o))
            kind = POPT_ARG_STRING | POPT_ARGFLAG_OPTIONAL;
        ret[i] = (struct poptOption){
            .longName = o->name, .shortName = o->letter, .argInfo = kind, .val = i + 1};
    }
    ret[count] = (struct poptOption)POPT_TABLEEND;
}

static void take_option(cli *c, poptContext popt, cli_option *o) {
    char why[256] = "";
    char *text = poptGetOptArg(popt);
    o->given = 1;
    if (o->kind == CLI_FLAG)
        *(int *)o->target = 1;
    else if (!convert(c, o, text ? text : "", why, sizeof why))
        refuse(c, "--%s '%s': %s", o->name, text ? text : "", why);
    free(text);
}

static void take_positionals(cli *c, poptContext popt, const cli_positional *positional,
                             int count) {
    const char *text;
    for (int i = 0; (text = poptGetArg(popt)); i++) {
        if (i == count) {
            refuse(c, "'%s' is one argument too many; expected %s", text,
                   *c->command->arguments ? c->command->arguments : "options only");
            return;
        }
        *positional[i].target = pdessm_cli_text(c, "%s", text);
    }
}

static void run_popt(cli *c, poptContext popt, cli_option *const *options, int count) {
    int code;
    while (!c->ended && (code = poptGetNextOpt(popt)) != -1) {
        const char *bad = poptBadOption(popt, POPT_BADOPTION_NOALIAS);
        if (code > 0 && is_help(options[code - 1]))
            print_help(c, popt, options, count);
        else if (code > 0)
            take_option(c, popt, options[code - 1]);
        else if (code == POPT_ERROR_BADOPT)
            refuse(c, "there is no option %s%s", bad, suggest(c, options, count, bad));
        else if (code == POPT_ERROR_NOARG)
            refuse(c, "option %s needs a value", bad);
        else
            refuse(c, "%s: %s", bad, poptStrerror(code));
    }
}

pdessm_status pdessm_cli_parse(cli *c, cli_option *own, int own_count,
                               const cli_positional *positional, int positional_count) {
    int help = 0;
    cli_option common[] = {
        {"device", 'd', CLI_TEXT, &c->device_name, "DEVICE",
         "auto, cpu, gpu, or an index, P:D or part of a name from `devices`",
         .usual = "$PDESSM_DEVICE or auto"},
        {"seed", 0, CLI_WHOLE, &c->seed, "N", "random seed"},
        {"threads", 0, CLI_WHOLE, &c->threads, "N", "CPU threads (default: one per CPU)", 0, 1024,
         .zero_is_unset = 1},
        {"quiet", 'q', CLI_FLAG, &c->quiet, NULL, "no progress and no notes on stderr"},
        {"format", 0, CLI_CHOICE, &c->format, "FORMAT", "output format of the result", 0, 0,
         "text json"},
        {"help", 'h', CLI_FLAG, &help, NULL, "this help; --help all shows every option"},
    };
    cli_option *options[MAX_OPTIONS];
    struct poptOption table[MAX_OPTIONS + 1];
    int count = collect(c, common, CLI_COUNT(common), own, own_count, options);
    const char *name = c->argv[0];
    c->argv[0] = pdessm_cli_text(c, PDESSM_CLI_PROGRAM " %s", c->command->name);
    make_popt_table(options, count, table);
    poptContext popt = poptGetContext(NULL, c->argc, c->argv, table, 0);
    run_popt(c, popt, options, count);
    if (!c->ended)
        take_positionals(c, popt, positional, positional_count);
    c->argv[0] = name;
    c->seed_given = common[1].given;
    poptFreeContext(popt);
    return c->ended ? PDESSM_ERROR_ARGUMENT : PDESSM_OK;
}

static void print_log(void *user, pdessm_log_level level, const char *text) {
    if (level == PDESSM_LOG_NOTE)
        pdessm_cli_note(user, "%s", text);
    else
        pdessm_cli_warn(user, "%s", text);
}

pdessm_status pdessm_cli_begin(cli *c, cli_option *options, int option_count,
                               const cli_positional *positional, int positional_count) {
    pdessm_status status = PDESSM_OK;
    pdessm_context_options context = {.log = print_log, .log_user = c};
    PDESSM_TRY(pdessm_cli_parse(c, options, option_count, positional, positional_count));
    context.threads = (int)c->threads;
    PDESSM_TRY(pdessm_context_create(&context, &c->ctx));
out:
    return status;
}
