/* SPDX-License-Identifier: MIT */
/* help.h: what --help prints. */
#ifndef PDESSM_CLI_SHARED_HELP_H
#define PDESSM_CLI_SHARED_HELP_H

#include "cli.h"
#include "option.h"

/* What an option is while its target is untouched, as text; NULL for flags, for what is not set,
 * and for numbers out of bounds, which stand for "it depends". */
const char *pdessm_cli_default_text(cli *c, const cli_option *option);

/* The command, its options by groups in the order of their first ones, an example. with_rare: all
 * of them. */
void pdessm_cli_print_help(cli *c, cli_option *const *options, int count, int with_rare);
/* All options as JSON, for programs that write documentation. */
void pdessm_cli_print_help_json(cli *c, cli_option *const *options, int count);

#endif
