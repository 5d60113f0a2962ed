/* SPDX-License-Identifier: MIT */
/* option.h: a row of a command's table of options: what is read (options.h), and what --help shows
 * (help.h). */
#ifndef PDESSM_CLI_SHARED_OPTION_H
#define PDESSM_CLI_SHARED_OPTION_H

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

/* What value.h is told of an option. */
pdessm_value_rule pdessm_cli_rule_of(const cli_option *option);

#define CLI_COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

#endif
