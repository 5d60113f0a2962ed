/* SPDX-License-Identifier: MIT */
/* progress.h: how far a long command is, on stderr: one line that is rewritten on a terminal, a
 * line now and then elsewhere. */
#ifndef PDESSM_CLI_SHARED_PROGRESS_H
#define PDESSM_CLI_SHARED_PROGRESS_H

#include "cli.h"

typedef struct cli_progress {
    cli *c;
    const char *what; /* "train", "sample" */
    double start, last;
    double first_share; /* done before this run: a resumed one starts in the middle */
    int terminal, shown;
    struct cli_progress *outer; /* comes back at the end of this one */
    char line[256];
} cli_progress;

/* Begins a bar; the one that was there, if any, comes back at the end of this one. */
void pdessm_cli_progress_begin(cli_progress *p, cli *c, const char *what, double first_share);

/* share in [0, 1]; detail is free text such as "step 10/500 loss 0.41 230 images/s". Draws at most
 * a few times a second. */
void pdessm_cli_progress_update(cli_progress *p, double share, const char *detail);

/* Removes the bar's line from a terminal, so that something else can be printed; NULL is fine. */
void pdessm_cli_progress_clear(cli_progress *p);

/* The last state stays on the screen. */
void pdessm_cli_progress_end(cli_progress *p);

#endif
