/* SPDX-License-Identifier: MIT */
/* interrupt.c: a flag that a signal sets. */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void handle(int number) {
    (void)number;
    if (caught)
        _exit(130);
    caught = 1;
}

void pdessm_cli_interrupt_catch(void) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int pdessm_cli_interrupted(void) {
    return caught;
}
