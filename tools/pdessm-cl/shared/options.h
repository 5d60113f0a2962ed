/* SPDX-License-Identifier: MIT */
/* options.h: typed tables of options, read from the command line (popt) or from text. */
#ifndef PDESSM_CLI_SHARED_OPTIONS_H
#define PDESSM_CLI_SHARED_OPTIONS_H

#include "cli.h"
#include "core/value.h"

typedef enum cli_kind {
    CLI_FLAG = PDESSM_VALUE_FLAG,     /* int, becomes 1; as text: yes or no */
    CLI_WHOLE = PDESSM_VALUE_WHOLE,   /* int64_t */
    CLI_REAL = PDESSM_VALUE_REAL,     /* double */
    CLI_TEXT = PDESSM_VALUE_TEXT,     /* const char * */
    CLI_CHOICE = PDESSM_VALUE_CHOICE, /* int, the position in `choices` */
    CLI_SIZE = PDESSM_VALUE_SIZE,     /* int64_t[2]: height, width, written HxW */
} cli_kind;

/* One option: --name VALUE, or -letter VALUE. */
typedef struct cli_option {
    const char *name;
    char letter;
    cli_kind kind;
    void *target;          /* holds the default until the command line is read */
    const char *argument;  /* what stands for the value in --help; NULL: WORD */
    const char *help;      /* without choices and default, which --help adds */
    double least, most;    /* bounds of numbers and extents; most = 0: no upper bound */
    const char *choices;   /* "text json" */
    const char *zero_word; /* of a choice: another word for the first one */
    int zero_is_unset;     /* 0 stands for "it depends" and is no default to be told */
    int fixed;             /* train --resume: decided when the run began */
    int rare;              /* in --help all only */
    const char *group;     /* in --help: the heading of this option and those after it */
    const char *usual;     /* the default as text; NULL: that of the target */
    const char *otherwise; /* another default: "classify: 0.05" */
    int given;             /* set by pdessm_cli_parse() */
} cli_option;

/* An argument without a dash, in order. */
typedef struct cli_positional {
    const char *name;
    const char **target; /* stays as it was when the argument is absent */
} cli_positional;

/* Reads the command line of c->command: its options, and the common ones but for those that it has
 * of its own. After --help, and after
 * wrong usage (one line that says what was expected), c->ended is set, nothing is left to do or to
 * say, and the answer is not OK. */
pdessm_status pdessm_cli_parse(cli *c, cli_option *own, int own_count,
                               const cli_positional *positional, int positional_count);

/* pdessm_cli_parse(), then the context with --threads and messages to stderr. */
pdessm_status pdessm_cli_begin(cli *c, cli_option *options, int option_count,
                               const cli_positional *positional, int positional_count);

/* What value.h is told of an option. */
pdessm_value_rule pdessm_cli_rule_of(const cli_option *option);

/* How many characters have to be put in, left out or exchanged to make `word` of what was typed;
 * many when that is so much of the word that another one was meant. */
int pdessm_cli_distance(const char *typed, const char *word);
/* Words that far apart are likely to be meant for one another. */
enum { PDESSM_CLI_NEAR = 2 };

#define CLI_COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

#endif
