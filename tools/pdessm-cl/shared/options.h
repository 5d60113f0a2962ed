/* SPDX-License-Identifier: MIT */
/* options.h: tables of options (option.h) read from the command line, by popt. */
#ifndef PDESSM_CLI_SHARED_OPTIONS_H
#define PDESSM_CLI_SHARED_OPTIONS_H

#include "cli.h"
#include "option.h"

/* An argument without a dash, in order. */
typedef struct cli_positional {
    const char *name;
    const char **target; /* stays as it was when the argument is absent */
} cli_positional;

/* Reads the command line of c->command: its own options, and the common ones whose names it does
 * not use itself. After --help, and after wrong usage (one line that says what was expected),
 * c->ended is set, nothing is left to do or to say, and the answer is not OK. */
pdessm_status pdessm_cli_parse(cli *c, cli_option *own, int own_count,
                               const cli_positional *positional, int positional_count);

/* pdessm_cli_parse(), then the context with --threads and messages to stderr. */
pdessm_status pdessm_cli_begin(cli *c, cli_option *options, int option_count,
                               const cli_positional *positional, int positional_count);

/* How many characters have to be put in, left out or exchanged to make `word` of what was typed;
 * many when that is so much of the word that another one was meant. */
int pdessm_cli_distance(const char *typed, const char *word);
/* Words that far apart are likely to be meant for one another. */
enum { PDESSM_CLI_NEAR = 2 };

#endif
