/* SPDX-License-Identifier: MIT */
/* levels.h: `train --multiscale`: which resolutions there are, and for how long. */
#ifndef PDESSM_CLI_TRAIN_LEVELS_H
#define PDESSM_CLI_TRAIN_LEVELS_H

#include "settings.h"
#include "shared/cli.h"

/* Fills in what --levels and --coarse-steps leave open and turns the latter into numbers; says what
 * came out. ERROR_ARGUMENT for what does not fit the network or the number of steps. */
pdessm_status pdessm_cli_levels(cli *c, pdessm_run_settings *s, const pdessm_config *config);

#endif
