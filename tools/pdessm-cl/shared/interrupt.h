/* SPDX-License-Identifier: MIT */
/* interrupt.h: Ctrl-C and SIGTERM end long commands in good order; a second one ends them now. */
#ifndef PDESSM_CLI_SHARED_INTERRUPT_H
#define PDESSM_CLI_SHARED_INTERRUPT_H

/* From here on the first SIGINT or SIGTERM is only remembered, the second exits with 130. */
void pdessm_cli_interrupt_catch(void);

int pdessm_cli_interrupted(void);

#endif
