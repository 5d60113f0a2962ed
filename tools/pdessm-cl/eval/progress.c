/* SPDX-License-Identifier: MIT */
/* progress.c: the bar around each part of `eval`. */
#include "eval.h"
#include "shared/interrupt.h"

void pdessm_cli_eval_begin(cli_eval *e, const char *what, const char *doing) {
    e->doing = doing;
    pdessm_cli_progress_begin(&e->bar, e->c, what, 0);
}

int pdessm_cli_eval_progress(void *user, double share) {
    cli_eval *e = user;
    pdessm_cli_progress_update(&e->bar, share, e->doing);
    return pdessm_cli_interrupted();
}
