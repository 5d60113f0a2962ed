/* SPDX-License-Identifier: MIT */
/* lists.h: lists on the command line: words, sizes, and ranges of sizes. */
#ifndef PDESSM_CLI_SHARED_LISTS_H
#define PDESSM_CLI_SHARED_LISTS_H

#include "cli.h"

/* Lists of an option: words, or pairs (height, width) of whole numbers. */
typedef struct cli_words {
    int count;
    const char **word;
} cli_words;

typedef struct cli_sizes {
    int count;
    int64_t (*size)[2];
} cli_sizes;

/* "16", "14x28", "16-64+16", "16-128*2", and lists of them; ERROR_ARGUMENT names
 * the option. */
pdessm_status pdessm_cli_sizes(cli *c, const char *option, const char *text, int64_t most,
                               cli_sizes *ret);
pdessm_status pdessm_cli_words(cli *c, const char *option, const char *text, cli_words *ret);

#endif
