/* SPDX-License-Identifier: MIT */
/* tune.h: the shapes that `tune` measures, and the measuring of one choice. */
#ifndef PDESSM_CLI_TUNE_TUNE_H
#define PDESSM_CLI_TUNE_TUNE_H

#include "device/tuning.h"
#include "shared/cli.h"
#include "verify/verify.h"

/* One operator at one shape: all its operands filled. */
typedef struct cli_tune_case {
    pdessm_opcall call;
    pdessm_case numbers;
} cli_tune_case;

int pdessm_cli_tune_cases(void);
pdessm_op pdessm_cli_tune_op(int i);
/* Makes case i, for both passes; end it with pdessm_opcall_end(). */
pdessm_status pdessm_cli_tune_case(pdessm_device *device, int i, cli_tune_case *ret);

typedef enum cli_trial_state {
    CLI_TRIAL_TIMED,
    CLI_TRIAL_FAILED, /* the device refused it; why */
    CLI_TRIAL_WRONG,  /* its result differs from the standard's */
} cli_trial_state;

typedef struct cli_trial {
    int64_t value;
    cli_trial_state state;
    double seconds; /* median of one call */
    double error;
    char why[256];
} cli_trial;

/* One choice at one shape. Trial 0 is the standard. */
typedef struct cli_tune_row {
    pdessm_op op;
    pdessm_pass pass;
    pdessm_tuning_text shape;
    int choice;
    int trials;
    cli_trial trial[PDESSM_CANDIDATES + 1];
    int best;            /* trial that is used from here on; 0 where nothing was clearly better */
    double gain, spread; /* of the fastest trial over the standard, measured once more */
} cli_tune_row;

/* Measures one choice and leaves the better value in the device's tuning; with fewer than two
 * values that can be used, ret->trials is less than 2. Nothing is begun after `deadline` (of
 * pdessm_seconds()): *ret_late then says so and the row means nothing. */
pdessm_status pdessm_cli_tune_choice(cli_tune_case *k, pdessm_pass pass, int choice,
                                     double deadline, cli_tune_row *ret, int *ret_late);

#endif
